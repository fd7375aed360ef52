import type { Socket } from "node:net";
import type {
  ContainerSession,
  OutputPiece,
  TerminalSize,
} from "../../../core/client/container_session.ts";
import { ENDED } from "../../../core/lib/abort.ts";
import type { ByteSink } from "../../../core/lib/byte_queue.ts";
import { outputOf, terminalOutputOf } from "./exec_stream.ts";

/** A connection that Podman has handed over: it carries the streams of a command or of a container. */
export class PodmanSession implements ContainerSession {
  readonly #socket: Socket;
  readonly #options: PodmanSessionOptions;
  readonly #closed = new AbortController();
  readonly input: ByteSink;
  /** Whether a piece of output waits for its reader. */
  #isHeldUp = false;

  constructor(socket: Socket, options: PodmanSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("error", () => socket.destroy()); // the output ends then
    socket.once("close", () => this.#closed.abort(ENDED));
    this.input = {
      write: (bytes) => this.#write(bytes),
      end: () => {
        socket.end();
        return Promise.resolve();
      },
    };
  }

  get isHeldUp(): boolean {
    return this.#isHeldUp;
  }

  get isOver(): boolean {
    return this.#closed.signal.aborted;
  }

  get output(): AsyncIterable<OutputPiece> {
    const bytes = this.#bytes();
    return this.#options.isTerminal ? terminalOutputOf(bytes) : outputOf(bytes);
  }

  async resize(size: TerminalSize): Promise<void> {
    if (this.#options.isTerminal) await this.#options.resize(size);
  }

  exitCode(): Promise<number> {
    return this.#options.exitCode();
  }

  close(): void {
    this.#socket.destroy();
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of this.#socket) {
        this.#isHeldUp = true;
        yield bytes;
        this.#isHeldUp = false;
      }
    } catch {
      // Podman or the agent has closed it: the output ends here.
    } finally {
      this.#isHeldUp = false;
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (this.#closed.signal.aborted || this.#socket.writableEnded) return Promise.reject(ENDED);
    if (this.#socket.write(bytes)) return Promise.resolve();
    const { signal } = this.#closed;
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#socket.off("drain", done);
        signal.removeEventListener("abort", done);
        if (signal.aborted) reject(ENDED);
        else resolve();
      };
      this.#socket.once("drain", done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

export interface PodmanSessionOptions {
  isTerminal: boolean;
  resize(size: TerminalSize): Promise<void>;
  exitCode(): Promise<number>;
}
