import type { ByteConnection } from "./byte_connection.ts";
import type { Duplex } from "node:stream";

/** Bytes read ahead of whoever takes them: beyond that, the socket is paused. */
const READ_AHEAD_BYTES = 64 * 1024;

/** The bytes of a socket, at the pace of their one reader and one writer. Small: a server has one for each tunnel. */
export class DuplexConnection implements ByteConnection {
  readonly #socket: Duplex;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #fault: Error | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** `head`: what has been read already. */
  constructor(socket: Duplex, head?: Uint8Array) {
    this.#socket = socket;
    if (head && head.length > 0) this.#take(head);
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.once("end", () => this.#leave());
    socket.once("close", () => this.#leave());
    socket.on("error", (error) => this.#leave(error));
    socket.on("drain", () => this.#wakeWriter?.());
    if (socket.destroyed) this.#leave();
    else socket.resume();
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const part = this.#parts.shift();
      if (part) {
        this.#bytes -= part.length;
        if (this.#bytes <= READ_AHEAD_BYTES && this.#socket.isPaused()) this.#socket.resume();
        return part;
      }
      if (this.#fault) throw this.#fault;
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableEnded) {
      throw this.#fault ?? new Error("the connection is closed");
    }
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    this.#wakeWriter = undefined;
  }

  end(): void {
    this.#parts = [];
    if (!this.#socket.writableEnded) this.#socket.end();
    if (!this.#socket.destroyed) this.#socket.resume(); // drops what still comes
    this.#leave();
  }

  #take(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > READ_AHEAD_BYTES) this.#socket.pause();
    this.#wakeReader?.();
  }

  #leave(fault?: Error): void {
    if (fault && !this.#hasEnded) this.#fault = fault;
    this.#hasEnded = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
