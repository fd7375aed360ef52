/** The frames of SPDY/3.1 as a server reads and writes them, without I/O: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1 */

import { DICTIONARY } from "./dictionary.ts";
import { InflateError, Inflater } from "./inflater.ts";

export const CONTROL = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Status codes of RST_STREAM: section 2.6.3. */
export const RESET = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;

const HEAD_BYTES = 8;
const VERSION = 3;
const FLAG_FIN = 1;
/** Of a control frame. Clients send a few hundred. */
const CONTROL_BYTES_MAX = 16 * 1024;
/** Of the headers of a stream, inflated. */
const HEADER_BYTES_MAX = 16 * 1024;

export type SpdyEvent =
  | { type: "open"; stream: number; headers: ReadonlyMap<string, string>; isLast: boolean }
  /** The pieces of the data of a stream are given as they come. */
  | { type: "data"; stream: number; bytes: Uint8Array; isLast: boolean }
  | { type: "reset"; stream: number }
  | { type: "ping"; id: number };

/** The peer does not keep to the protocol. */
export class SpdyError extends Error {
  override name = "SpdyError";
}

/** Reads the frames of a client, wherever the stream is cut into parts. */
export class SpdyReader {
  readonly #head = new Uint8Array(HEAD_BYTES);
  readonly #view = new DataView(this.#head.buffer);
  #headUsed = 0;
  /** Of the payload of the current frame. */
  #left = 0;
  #control: Uint8Array | undefined;
  readonly #inflater = new Inflater(DICTIONARY);

  /** What the next part of the stream brings. Throws a {@linkcode SpdyError}. */
  *push(part: Uint8Array): Generator<SpdyEvent> {
    for (let at = 0; at < part.length;) {
      if (this.#headUsed < HEAD_BYTES) {
        this.#head[this.#headUsed++] = part[at++]!;
        if (this.#headUsed < HEAD_BYTES) continue;
        this.#beginPayload();
        if (this.#left > 0) continue;
      }
      const piece = part.subarray(at, at + Math.min(this.#left, part.length - at));
      at += piece.length;
      yield* this.#payload(piece);
    }
  }

  get #isControl(): boolean {
    return (this.#head[0]! & 0x80) !== 0;
  }

  #beginPayload(): void {
    this.#left = this.#view.getUint32(4) & 0xffffff;
    if (!this.#isControl) return;
    const version = this.#view.getUint16(0) & 0x7fff;
    if (version !== VERSION) throw new SpdyError(`version ${version} is not served`);
    if (this.#left > CONTROL_BYTES_MAX) throw new SpdyError("a control frame is too long");
    this.#control = new Uint8Array(this.#left);
  }

  *#payload(piece: Uint8Array): Generator<SpdyEvent> {
    this.#control?.set(piece, this.#control.length - this.#left);
    this.#left -= piece.length;
    const isWhole = this.#left === 0;
    const isLast = isWhole && (this.#head[4]! & FLAG_FIN) !== 0;
    if (isWhole) this.#headUsed = 0;
    if (!this.#control) {
      const stream = this.#view.getUint32(0) & 0x7fffffff;
      if (piece.length > 0 || isLast) yield { type: "data", stream, bytes: piece, isLast };
    } else if (isWhole) {
      const event = this.#controlEvent(this.#control, isLast);
      this.#control = undefined;
      if (event) yield event;
    }
  }

  #controlEvent(payload: Uint8Array, isLast: boolean): SpdyEvent | undefined {
    const view = new DataView(payload.buffer);
    const number = (at: number) => {
      if (payload.length < at + 4) throw new SpdyError("a control frame is too short");
      return view.getUint32(at) & 0x7fffffff;
    };
    switch (this.#view.getUint16(2)) {
      case CONTROL.synStream: {
        const stream = number(0);
        if (payload.length < 10) throw new SpdyError("a control frame is too short");
        return { type: "open", stream, headers: this.#headers(payload.subarray(10)), isLast };
      }
      // Nobody here waits for them, but their headers belong to the same compressed stream.
      case CONTROL.synReply:
      case CONTROL.headers:
        number(0);
        this.#headers(payload.subarray(4));
        return undefined;
      case CONTROL.rstStream:
        return { type: "reset", stream: number(0) };
      case CONTROL.ping:
        return { type: "ping", id: number(0) };
      default:
        return undefined; // settings, windows, the peer's good-bye: nothing depends on them
    }
  }

  #headers(block: Uint8Array): ReadonlyMap<string, string> {
    try {
      return headersIn(this.#inflater.inflate(block, HEADER_BYTES_MAX));
    } catch (error) {
      if (error instanceof InflateError) throw new SpdyError(error.message);
      throw error;
    }
  }
}

/** Names and values, each with its length before it: section 2.6.10. Names in lower case. */
function headersIn(block: Uint8Array): ReadonlyMap<string, string> {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const decoder = new TextDecoder();
  let at = 0;
  const number = () => {
    if (at + 4 > block.length) throw new SpdyError("headers are cut off");
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = () => {
    const length = number();
    if (length > block.length - at) throw new SpdyError("headers are cut off");
    at += length;
    return decoder.decode(block.subarray(at - length, at));
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) headers.set(text().toLowerCase(), text());
  return headers;
}

export function dataFrame(stream: number, bytes: Uint8Array, { isLast = false } = {}): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, stream);
  view.setUint32(4, bytes.length);
  frame[4] = isLast ? FLAG_FIN : 0;
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

export function pingFrame(id: number): Uint8Array {
  return controlFrame(CONTROL.ping, [id]);
}

export function resetFrame(stream: number, status: number): Uint8Array {
  return controlFrame(CONTROL.rstStream, [stream, status]);
}

/** The last good-bye: no stream was refused. */
export function goAwayFrame(lastStream: number): Uint8Array {
  return controlFrame(CONTROL.goAway, [lastStream, 0]);
}

/**
 * Accepts a stream, with no headers: their block needs no compressor. It ends with an empty stored block, a flush,
 * without which Go's reader takes the stream of headers for cut off. The first one begins with the head of zlib.
 */
export function replyFrame(stream: number, { isFirst }: { isFirst: boolean }): Uint8Array {
  return controlFrame(CONTROL.synReply, [stream], isFirst ? FIRST_NO_HEADERS : NO_HEADERS);
}
const NO_HEADERS = Uint8Array.of(0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
const FIRST_NO_HEADERS = Uint8Array.of(0x78, 0x01, ...NO_HEADERS);

function controlFrame(
  type: number,
  numbers: readonly number[],
  rest: Uint8Array = new Uint8Array(),
): Uint8Array {
  const length = 4 * numbers.length + rest.length;
  const frame = new Uint8Array(HEAD_BYTES + length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, 0x8000 | VERSION);
  view.setUint16(2, type);
  view.setUint32(4, length);
  numbers.forEach((number, index) => view.setUint32(HEAD_BYTES + 4 * index, number));
  frame.set(rest, HEAD_BYTES + 4 * numbers.length);
  return frame;
}
