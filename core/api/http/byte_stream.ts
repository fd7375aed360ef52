import type { ServerResponse } from "node:http";
import { ENDED } from "../../lib/abort.ts";
import { chunkFrame, httpChunk, type Member, memberOf } from "./fan_out.ts";

/** The body of a streamed answer. Writing after the peer has left does nothing. */
export interface ByteStream {
  /** False when the peer is slow: wait for {@linkcode drained} before writing more. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when the peer has taken what was written, or has left. */
  drained(): Promise<void>;
  /** Ends the body properly. */
  end(): void;
  /** Closes the connection and drops what is queued: the peer sees that the answer is incomplete. */
  destroy(): void;
  /** Whether written bytes must never change. Otherwise the writer may reuse them after {@linkcode drained}. */
  readonly keepsBytes: boolean;
  /** Bytes written that the peer has not read. */
  readonly queuedBytes: number;
  /** Aborts when the peer has left or the body has ended. */
  readonly gone: AbortSignal;
  /**
   * Writes bytes without copying them. Resolves when they may be changed, which is when the peer has taken them, or has
   * left. `undefined`: it cannot do so now.
   */
  lend?(bytes: Uint8Array): Promise<void> | undefined;
  /** Its membership in a fan-out; `undefined`: none, or not yet, since bytes are still queued. */
  member?(): Member | undefined;
}

/** Writes directly to the socket. The head must have been written. */
export class SocketStream implements ByteStream {
  readonly keepsBytes = false;
  readonly #outgoing: ServerResponse;
  readonly #gone = new AbortController();
  /** Once set it stays: from then on only the end is written to the socket. */
  #member: Member | undefined;
  /** Whether the end is written, or waits for what was written before. */
  #hasEnded = false;

  readonly #hasLength: boolean;

  /** `hasLength`: its head says how long the body is. */
  constructor(outgoing: ServerResponse, { hasLength = false } = {}) {
    this.#outgoing = outgoing;
    this.#hasLength = hasLength;
    outgoing.once("close", () => this.#gone.abort(ENDED));
    outgoing.on("error", () => this.#gone.abort(ENDED));
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get queuedBytes(): number {
    return this.#outgoing.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (!this.#member) return this.#outgoing.write(bytes);
    const { fanOut, connection } = this.#member;
    fanOut.write([connection], this.#outgoing.chunkedEncoding ? httpChunk(bytes) : [bytes]);
    return true;
  }

  lend(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#isOver) return Promise.resolve();
    const member = this.#member ?? this.#lender();
    if (!member) return undefined;
    const { fanOut, connection } = member;
    const [size, end] = this.#outgoing.chunkedEncoding ? chunkFrame(bytes.length) : [];
    if (size) fanOut.write([connection], [size]);
    const returned = fanOut.lend(connection, bytes);
    if (end) fanOut.write([connection], [end]);
    return returned;
  }

  #lender(): Member | undefined {
    const { socket } = this.#outgoing;
    if (!socket || !memberOf(socket)?.fanOut.hasRoomToLend) return undefined;
    return this.#join(this.#outgoing.chunkedEncoding || this.#hasLength);
  }

  member(): Member | undefined {
    if (this.#isOver) return undefined;
    return this.#member ?? this.#join(this.#outgoing.chunkedEncoding);
  }

  /** `isFramed`: the peer can tell where the answer ends. */
  #join(isFramed: boolean): Member | undefined {
    const { socket, req, writableLength } = this.#outgoing;
    const member = socket && isFramed ? memberOf(socket) : undefined;
    if (!socket || !member || req.method === "HEAD" || writableLength > 0) return undefined;
    member.fanOut.enter(member.connection, socket.bytesWritten);
    return this.#member = member;
  }

  drained(): Promise<void> {
    if (this.gone.aborted || !this.#outgoing.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        this.#outgoing.off("drain", finish);
        this.gone.removeEventListener("abort", finish);
        resolve();
      };
      this.#outgoing.once("drain", finish);
      this.gone.addEventListener("abort", finish, { once: true });
    });
  }

  end(): void {
    if (this.#isOver) return;
    this.#hasEnded = true;
    if (this.#member) this.#member.fanOut.afterWrites(() => this.#outgoing.end());
    else this.#outgoing.end();
  }

  get #isOver(): boolean {
    return this.#hasEnded || this.gone.aborted;
  }

  destroy(): void {
    this.#outgoing.destroy();
  }
}

/** The same as a web stream, for callers without a socket. */
export class ResponseStream implements ByteStream {
  readonly keepsBytes = true;
  readonly body: ReadableStream<Uint8Array>;
  readonly #gone = new AbortController();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wake: (() => void) | undefined;

  constructor(queueBytesMax: number) {
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#wakeUp(),
      cancel: () => this.#leave(),
    }, { highWaterMark: queueBytesMax, size: (bytes) => bytes?.length ?? 0 });
    this.#queueBytesMax = queueBytesMax;
  }
  readonly #queueBytesMax: number;

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get queuedBytes(): number {
    return this.#queueBytesMax - (this.#controller.desiredSize ?? this.#queueBytesMax);
  }

  write(bytes: Uint8Array): boolean {
    if (this.gone.aborted) return true;
    this.#controller.enqueue(bytes);
    return (this.#controller.desiredSize ?? 1) > 0;
  }

  drained(): Promise<void> {
    if (this.gone.aborted || (this.#controller.desiredSize ?? 1) > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  end(): void {
    if (this.gone.aborted) return;
    this.#controller.close();
    this.#leave();
  }

  destroy(): void {
    if (this.gone.aborted) return;
    this.#controller.error(new Error("The server has cut off this answer"));
    this.#leave();
  }

  #leave(): void {
    this.#gone.abort(ENDED);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
