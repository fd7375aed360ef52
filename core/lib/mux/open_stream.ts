import { IncomingBytes } from "./incoming_bytes.ts";
import { CREDIT_BYTES_MAX, REASON_BYTES_MAX, WINDOW_BYTES, WRITE_AHEAD_BYTES } from "./limits.ts";
import { MuxError, ProtocolError } from "./mux_error.ts";
import type { MuxStream } from "./mux_stream.ts";
import { ReceiveWindow, type WindowNeighbours } from "./receive_window.ts";

/** What a stream needs of its tunnel. */
export interface StreamOwner extends WindowNeighbours {
  nowMs(): number;
  /** The stream may have something to send, or to credit. */
  ready(stream: OpenStream): void;
  /** More waits for readers, or less. False when it is too much. */
  waits(bytes: number): boolean;
  /** This end has reset it. */
  wasReset(stream: OpenStream, reason: string): void;
  /** Both directions have ended, and all was read. */
  hasEnded(stream: OpenStream): void;
}

/** One end of a stream. */
export class OpenStream implements MuxStream {
  readonly id: number;
  readonly head: string;
  /** How much of it has overtaken bulk since the answer to a ping with this number of order. */
  overtaking = { answers: 0, bytes: 0 };
  readonly #owner: StreamOwner;
  readonly #window: ReceiveWindow;
  readonly #incoming = new IncomingBytes();
  /** Made when somebody asks. */
  #lost: AbortController | undefined;
  #credit = WINDOW_BYTES;
  #creditToGive = 0;
  #outgoing: Uint8Array[] = [];
  #outgoingAt = 0;
  #outgoingBytes = 0;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];
  #ownEnd: "open" | "ending" | "ended" = "open";
  #isOtherEnded = false;
  #isOver = false;
  #error: MuxError | undefined;

  constructor(id: number, head: string, owner: StreamOwner) {
    this.id = id;
    this.head = head;
    this.#owner = owner;
    this.#window = new ReceiveWindow(owner);
  }

  get lost(): AbortSignal {
    if (!this.#lost) {
      this.#lost = new AbortController();
      if (this.#error) this.#lost.abort(this.#error);
    }
    return this.#lost.signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#ownEnd !== "open") throw new MuxError("the stream has been ended");
    if (bytes.length > 0) {
      this.#outgoing.push(bytes);
      this.#outgoingBytes += bytes.length;
      this.#owner.ready(this);
    }
    while (this.#outgoingBytes > WRITE_AHEAD_BYTES && !this.#error) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    if (this.#error) throw this.#error;
  }

  end(): void {
    if (this.#ownEnd !== "open" || this.#error) return;
    this.#ownEnd = "ending";
    this.#owner.ready(this);
  }

  reset(reason: string): void {
    if (this.#isOver || this.#error) return;
    const text = shortened(reason);
    this.lose(new MuxError(text));
    this.#owner.wasReset(this, text);
  }

  get bytes(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#read() };
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    let hasEnded = false;
    try {
      for (;;) {
        const part = this.#incoming.take();
        if (part) {
          this.#owner.waits(-part.length);
          this.#giveCredit();
          yield part;
        } else if (this.#error) throw this.#error;
        else if (this.#isOtherEnded) break;
        else await new Promise<void>((resolve) => this.#wakeReader = resolve);
      }
      hasEnded = true;
      this.#endIfDone();
    } finally {
      if (!hasEnded) this.reset("it is not read any more");
    }
  }

  #giveCredit(): void {
    if (this.#isOtherEnded || this.#error) return;
    this.#creditToGive += this.#window.creditFor(this.#incoming.length, this.#owner.nowMs());
    if (this.#creditToGive > 0) this.#owner.ready(this);
  }

  /** The credit that waits to be sent. */
  takeCredit(): number {
    const credit = this.#creditToGive;
    this.#creditToGive = 0;
    return credit;
  }

  /** What may be sent now. */
  get sendable(): number {
    return Math.min(this.#outgoingBytes, this.#credit);
  }

  /** Whether the end is the next thing to be sent. */
  get isEnding(): boolean {
    return this.#ownEnd === "ending" && this.#outgoingBytes === 0;
  }

  /** The end is sent. */
  sentEnd(): void {
    this.#ownEnd = "ended";
    this.#endIfDone();
  }

  /** The next `length` bytes, of those that are sendable. */
  takeParts(length: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.#credit -= length;
    this.#outgoingBytes -= length;
    for (let left = length; left > 0;) {
      const part = this.#outgoing[0]!;
      const piece = part.subarray(this.#outgoingAt, this.#outgoingAt + left);
      parts.push(piece);
      left -= piece.length;
      this.#outgoingAt += piece.length;
      if (this.#outgoingAt < part.length) break;
      this.#outgoing.shift();
      this.#outgoingAt = 0;
    }
    if (this.#outgoingBytes <= WRITE_AHEAD_BYTES) this.#wakeAllWriters();
    return parts;
  }

  /** A data frame comes. Throws a `ProtocolError`. */
  expect(length: number): void {
    if (length === 0) throw new ProtocolError("a data frame without data");
    if (this.#isOtherEnded) throw new ProtocolError("data after the end of a stream");
    if (!this.#window.took(length)) throw new ProtocolError("more data than the window allows");
  }

  takeData(bytes: Uint8Array): void {
    this.#incoming.push(bytes);
    if (!this.#owner.waits(bytes.length)) this.reset("too much waits to be read");
    this.#wakeReader?.();
  }

  /** Throws a `ProtocolError`. */
  addCredit(bytes: number): void {
    this.#credit += bytes;
    if (bytes === 0 || this.#credit > CREDIT_BYTES_MAX) throw new ProtocolError("wrong credit");
    this.#owner.ready(this);
  }

  /** Throws a `ProtocolError`. */
  otherEnded(): void {
    if (this.#isOtherEnded) throw new ProtocolError("a stream was ended twice");
    this.#isOtherEnded = true;
    this.#wakeReader?.();
    this.#endIfDone();
  }

  /** It was reset, or the tunnel is lost: what waits in either direction is dropped. */
  lose(error: MuxError): void {
    if (this.#isOver || this.#error) return;
    this.#error = error;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#owner.waits(-this.#incoming.length);
    this.#incoming.clear();
    this.#window.close();
    this.#wakeReader?.();
    this.#wakeAllWriters();
    this.#lost?.abort(error);
  }

  #endIfDone(): void {
    if (this.#isOver || this.#error || this.#ownEnd !== "ended" || !this.#isOtherEnded) return;
    if (this.#incoming.length > 0) return;
    this.#isOver = true;
    this.#window.close();
    this.#owner.hasEnded(this);
  }

  #wakeAllWriters(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }
}

/** A reason of at most {@linkcode REASON_BYTES_MAX} in UTF-8. */
function shortened(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  return new TextDecoder().decode(bytes.subarray(0, REASON_BYTES_MAX - 3)).replace(/\ufffd$/, "");
}
