import { Duplex } from "node:stream";
import { MuxError } from "./mux_error.ts";
import type { MuxStream } from "./mux_stream.ts";

/**
 * The stream as Node's: half-open, at the pace of both ends. Destroying it resets the stream; a reset or the loss of the
 * tunnel destroys it with a `MuxError`.
 */
export function duplexOf(stream: MuxStream): Duplex {
  return new MuxDuplex(stream);
}

class MuxDuplex extends Duplex {
  readonly #stream: MuxStream;
  readonly #bytes: AsyncIterator<Uint8Array>;
  /** As sockets count them. */
  bytesRead = 0;
  bytesWritten = 0;
  #isReading = false;
  #hasRead = false;

  constructor(stream: MuxStream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#bytes = stream.bytes[Symbol.asyncIterator]();
    const { lost } = stream;
    const leave = () => this.destroy(lost.reason);
    if (lost.aborted) queueMicrotask(leave);
    else lost.addEventListener("abort", leave, { once: true });
  }

  override _read(): void {
    if (this.#isReading || this.#hasRead) return;
    this.#isReading = true;
    this.#pump().catch((error) => this.destroy(error));
  }

  async #pump(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#bytes.next();
      this.#hasRead = done === true;
      if (!done) this.bytesRead += value.length;
      // `push` may ask for more before it returns.
      this.#isReading = false;
      if (!this.push(done ? null : value) || done) return;
      if (this.#isReading) return;
      this.#isReading = true;
    }
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.bytesWritten += bytes.length;
    // A writer may use its buffer again after `done`, which is before the bytes are sent.
    this.#stream.write(bytes.slice()).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!(error instanceof MuxError)) this.#abandon(error);
    done(error);
  }

  #abandon(error: Error | null): void {
    if (this.#hasRead && this.writableFinished) return;
    this.#stream.reset(error?.message ?? "the connection was closed");
  }
}

/** What `node:http` calls on a socket beyond a Duplex: whoever has the stream has its own deadlines. */
const SOCKET_METHODS = ["setTimeout", "setKeepAlive", "setNoDelay", "ref", "unref"];

for (const name of SOCKET_METHODS) {
  Object.defineProperty(MuxDuplex.prototype, name, {
    value(this: Duplex) {
      return this;
    },
  });
}
