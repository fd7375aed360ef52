import type { Duplex } from "node:stream";
import { ENDED } from "../../../lib/abort.ts";
import { ByteQueue, type ByteSink, type ByteSource } from "../../../lib/byte_queue.ts";

/** Bytes read ahead of whoever takes them. */
const READ_AHEAD_BYTES = 64 * 1024;

/** The connection of a request after its upgrade. Reads no faster than it is read, and writes no faster than the peer reads. */
export class RawConnection implements ByteSource, ByteSink {
  readonly #socket: Duplex;
  readonly #queue = new ByteQueue();
  readonly #gone = new AbortController();
  #onActivity: () => void = () => {};

  /** `head`: what has been read already. */
  constructor({ socket, head }: { socket: Duplex; head: Uint8Array }) {
    this.#socket = socket;
    this.#queue.push(head);
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.once("end", () => this.#queue.end());
    socket.once("close", () => this.#leave());
    socket.on("error", () => this.#leave());
    if (socket.destroyed) this.#leave();
    else socket.resume();
  }

  /** Aborts when the peer is gone, or the connection was destroyed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Calls `listener` whenever bytes come or go. */
  onActivity(listener: () => void): void {
    this.#onActivity = listener;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#queue.read();
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#onActivity();
    if (this.gone.aborted || this.#socket.writableEnded) return Promise.reject(ENDED);
    if (this.#socket.write(bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#socket.off("drain", done);
        this.gone.removeEventListener("abort", done);
        if (this.gone.aborted) reject(ENDED);
        else resolve();
      };
      this.#socket.once("drain", done);
      this.gone.addEventListener("abort", done, { once: true });
    });
  }

  /** Ends what is sent; the peer may go on. */
  end(): Promise<void> {
    if (!this.#socket.writableEnded && !this.gone.aborted) this.#socket.end();
    return Promise.resolve();
  }

  /** Nobody reads what the peer still sends. */
  discardInput(): void {
    this.#queue.discard();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#leave();
  }

  #take(bytes: Uint8Array): void {
    this.#onActivity();
    this.#queue.push(bytes);
    if (this.#queue.cost <= READ_AHEAD_BYTES) return;
    this.#socket.pause();
    void this.#queue.room(READ_AHEAD_BYTES / 2).then(() => this.#socket.resume());
  }

  #leave(): void {
    this.#queue.end();
    this.#gone.abort(ENDED);
  }
}
