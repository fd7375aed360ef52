import { OpenStream, type StreamOwner } from "./open_stream.ts";
import { FrameAllowance } from "./frame_allowance.ts";
import { FRAME, FrameParser, type FrameSink, numbersOf } from "./frames.ts";
import {
  GROWN_BYTES_MAX,
  HEAD_BYTES_MAX,
  REFUSALS_MAX,
  STREAMS_MAX,
  UNREAD_BYTES_MAX,
} from "./limits.ts";
import { MuxError, ProtocolError } from "./mux_error.ts";
import type { MuxStream } from "./mux_stream.ts";
import { Outgoing } from "./outgoing.ts";
import { Pace } from "./pace.ts";

/** What opening a stream counts for among frames without data. */
const OPEN_COST = 4;

export interface MuxOptions {
  /** One end has dialled: its streams have odd numbers. */
  side: "dialler" | "server";
  /** Milliseconds of a clock that never jumps. */
  nowMs: () => number;
  /** The other end has opened a stream. */
  onStream: (stream: MuxStream) => void;
  /** There is something to {@linkcode Mux.take}. Called once until it is taken. */
  onOutput: () => void;
  /** A ping has come, with the round trip that the other end has measured last. */
  onPing?: (rttMs: number | undefined) => void;
}

/**
 * Many streams in one connection, without I/O: what comes is given to `receive`, what is to be sent is fetched by `take`.
 *
 * Guarantees: no byte of a stream is lost, doubled or out of order; what waits for readers is bounded by their windows;
 * what provokes answers does so within bounds; small messages overtake bulk, and bulk fills no more of the path than pings
 * say it can carry.
 */
export class Mux {
  readonly #options: MuxOptions;
  readonly #streams = new Map<number, OpenStream>();
  readonly #pace = new Pace();
  readonly #outgoing: Outgoing;
  readonly #parser: FrameParser;
  readonly #allowance = new FrameAllowance();
  readonly #owner: StreamOwner;
  #ownNext: number;
  /** The highest number of a stream that the other end has opened. */
  #otherLast = 0;
  #otherOpen = 0;
  #refused = 0;
  #grownBytes = 0;
  #unreadBytes = 0;
  #toldRttMs: number | undefined;
  #over: MuxError | undefined;

  constructor(options: MuxOptions) {
    this.#options = options;
    this.#ownNext = options.side === "dialler" ? 1 : 2;
    this.#outgoing = new Outgoing(this.#pace, options);
    this.#parser = new FrameParser(this.#sink());
    this.#owner = this.#ownerOfStreams();
  }

  /** The round trip of the last answered ping. */
  get rttMs(): number | undefined {
    return this.#pace.rttMs;
  }

  /** The round trip that the other end has measured last: an end that never pings knows no other. */
  get toldRttMs(): number | undefined {
    return this.#toldRttMs;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Opens a stream. Never throws: after the end of the tunnel the stream is lost from its beginning. */
  open(head: string): MuxStream {
    const stream = new OpenStream(this.#ownNext, head, this.#owner);
    const bytes = new TextEncoder().encode(head);
    const obstacle = this.#over ?? this.#obstacleOf(bytes);
    if (obstacle) {
      stream.lose(obstacle);
      return stream;
    }
    this.#ownNext += 2;
    this.#streams.set(stream.id, stream);
    this.#outgoing.open(stream.id, bytes);
    return stream;
  }

  #obstacleOf(head: Uint8Array): MuxError | undefined {
    if (head.length > HEAD_BYTES_MAX) {
      return new MuxError(
        `the head of a stream has ${head.length} bytes, at most ${HEAD_BYTES_MAX} are sent`,
      );
    }
    if (this.#streams.size - this.#otherOpen >= STREAMS_MAX) {
      return new MuxError(`${STREAMS_MAX} streams of this end are open, no more can be`);
    }
    if (this.#ownNext > 0xffff_fff0) return new MuxError("the tunnel has no more numbers");
    return undefined;
  }

  /** Asks the other end for an answer. */
  ping(): void {
    if (!this.#over) this.#outgoing.ping();
  }

  /**
   * Takes what has come; the bytes must not be changed afterwards. Returns how many ms nothing more should be read, as a
   * rule 0. Throws a `ProtocolError`: the tunnel must be closed with it.
   */
  receive(bytes: Uint8Array): number {
    if (this.#over) return 0;
    this.#parser.push(bytes);
    if (this.#options.side === "dialler") return 0; // it has chosen whom to trust
    return this.#allowance.waitMs(this.#options.nowMs());
  }

  /** Frames to send, about `bytesMax` together, behind `reserve` free bytes; `undefined`: nothing may be sent now. */
  take(bytesMax: number, reserve = 0): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#over ? undefined : this.#outgoing.take(bytesMax, reserve);
    if (bytes) this.#allowance.data(bytes.length);
    return bytes;
  }

  /** The tunnel is over: ends all streams with the reason. Repeating it does nothing. */
  close(reason: string): void {
    if (this.#over) return;
    this.#over = new MuxError(reason);
    for (const stream of [...this.#streams.values()]) stream.lose(this.#over);
    this.#streams.clear();
    this.#outgoing.clear();
  }

  #ownerOfStreams(): StreamOwner {
    return {
      nowMs: this.#options.nowMs,
      ready: (stream) => this.#outgoing.ready(stream),
      wasReset: (stream, reason) => {
        if (this.#forget(stream)) this.#outgoing.reset(stream.id, reason);
      },
      hasEnded: (stream) => void this.#forget(stream),
      isSlow: () => this.#pace.isSlow(Math.max(this.#toldRttMs ?? 0, this.rttMs ?? 0)),
      grow: (bytes) => {
        const grown = Math.min(bytes, GROWN_BYTES_MAX - this.#grownBytes);
        this.#grownBytes += grown;
        return grown;
      },
      waits: (bytes) => (this.#unreadBytes += bytes) <= UNREAD_BYTES_MAX,
      giveBack: (bytes) => this.#grownBytes -= bytes,
    };
  }

  #forget(stream: OpenStream): boolean {
    if (!this.#streams.delete(stream.id)) return false;
    this.#outgoing.forget(stream);
    if (!this.#isOwn(stream.id)) this.#otherOpen--;
    return true;
  }

  #isOwn(id: number): boolean {
    return (id & 1) === (this.#options.side === "dialler" ? 1 : 0);
  }

  #sink(): FrameSink {
    return {
      dataBegins: (id, length) => {
        this.#allowance.data(length);
        this.#streamOf(id)?.expect(length);
      },
      data: (id, bytes) => this.#streams.get(id)?.takeData(bytes),
      frame: (type, id, payload) => {
        this.#allowance.frame(type === FRAME.open ? OPEN_COST : 1);
        this.#frame(type, id, payload);
      },
      skipped: () => this.#allowance.frame(1),
    };
  }

  #frame(type: number, id: number, payload: Uint8Array): void {
    switch (type) {
      case FRAME.open:
        return this.#opened(id, payload);
      case FRAME.credit: {
        const [bytes] = numbersOf(payload);
        if (bytes === undefined) throw new ProtocolError("a credit frame without a number");
        return this.#streamOf(id)?.addCredit(bytes);
      }
      case FRAME.end:
        return this.#streamOf(id)?.otherEnded();
      case FRAME.reset:
        return this.#wasReset(id, payload);
      case FRAME.ping: {
        const [number, rttMicros] = numbersOf(payload);
        if (number === undefined) throw new ProtocolError("a ping without a number");
        this.#toldRttMs = rttMicros ? rttMicros / 1000 : undefined;
        this.#outgoing.pong(number);
        return this.#options.onPing?.(this.#toldRttMs);
      }
      case FRAME.pong:
        return this.#answered(payload);
    }
  }

  /** The stream; `undefined` for one that is over, whose last frames were on their way. */
  #streamOf(id: number): OpenStream | undefined {
    const stream = this.#streams.get(id);
    if (stream) return stream;
    const wasOpened = id > 0 && (this.#isOwn(id) ? id < this.#ownNext : id <= this.#otherLast);
    if (!wasOpened) throw new ProtocolError("a frame of a stream that was never opened");
    return undefined;
  }

  #opened(id: number, payload: Uint8Array): void {
    if (id === 0 || this.#isOwn(id) || id <= this.#otherLast) {
      throw new ProtocolError("a stream was opened with a wrong number");
    }
    this.#otherLast = id;
    if (this.#otherOpen >= STREAMS_MAX) return this.#refuse(id);
    this.#refused = 0;
    this.#otherOpen++;
    const stream = new OpenStream(id, headOf(payload), this.#owner);
    this.#streams.set(id, stream);
    this.#options.onStream(stream);
  }

  #refuse(id: number): void {
    if (++this.#refused > REFUSALS_MAX) throw new ProtocolError("too many streams");
    this.#outgoing.reset(id, `${STREAMS_MAX} streams are open, no more can be`);
  }

  #wasReset(id: number, payload: Uint8Array): void {
    const stream = this.#streamOf(id);
    if (!stream) return;
    this.#forget(stream);
    stream.lose(new MuxError(new TextDecoder().decode(payload) || "it was reset"));
  }

  #answered(payload: Uint8Array): void {
    const [number] = numbersOf(payload);
    if (number === undefined || !this.#pace.pong(number, this.#options.nowMs())) return;
    this.#outgoing.wake();
  }
}

function headOf(payload: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch {
    throw new ProtocolError("the head of a stream is not UTF-8");
  }
}
