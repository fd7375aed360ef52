import { CONTROL_BYTES_MAX, FRAME_BYTES_MAX, HEAD_BYTES_MAX, REASON_BYTES_MAX } from "./limits.ts";
import { ProtocolError } from "./mux_error.ts";

/**
 * A frame is 8 bytes and a payload: its type, 0, the length of the payload in 16 bits, the number of its stream in 32 bits
 * (big endian; 0: of the tunnel). Types from {@linkcode OPTIONAL_TYPE_MIN} on that are not known are skipped, others end
 * the tunnel: what a later version may add, it adds there or under another subprotocol.
 */
export const FRAME = { data: 0, open: 1, credit: 2, end: 3, reset: 4, ping: 5, pong: 6 } as const;
export const OPTIONAL_TYPE_MIN = 128;
export const FRAME_HEAD_BYTES = 8;

/** What frames bring. The payload is valid during the call, pieces of data for good. */
export interface FrameSink {
  /** A data frame of `length` bytes begins. */
  dataBegins(stream: number, length: number): void;
  /** Pieces as they come. */
  data(stream: number, bytes: Uint8Array): void;
  /** Any other whole frame. */
  frame(type: number, stream: number, payload: Uint8Array): void;
  /** A frame of a type that is not known, which may be skipped. */
  skipped(): void;
}

const LONGEST: Readonly<Record<number, number>> = {
  [FRAME.data]: FRAME_BYTES_MAX,
  [FRAME.open]: HEAD_BYTES_MAX,
  [FRAME.credit]: 4,
  [FRAME.end]: 0,
  [FRAME.reset]: REASON_BYTES_MAX,
  [FRAME.ping]: CONTROL_BYTES_MAX,
  [FRAME.pong]: CONTROL_BYTES_MAX,
};

/** Reads frames, wherever the bytes are cut into parts. Holds at most one head or payload of a frame without data. */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES);
  #headUsed = 0;
  #type = 0;
  #stream = 0;
  /** Of the payload. */
  #left = 0;
  /** The payload of a frame without data, as far as it has come. */
  #payload: Uint8Array | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes, which must not be changed afterwards. Throws a `ProtocolError`. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        at = this.#takeHead(bytes, at);
        continue;
      }
      const piece = bytes.subarray(at, at + Math.min(this.#left, bytes.length - at));
      at += piece.length;
      this.#left -= piece.length;
      this.#takePayload(piece);
    }
  }

  #takeHead(bytes: Uint8Array, from: number): number {
    const head = this.#head;
    let at = from;
    while (at < bytes.length && this.#headUsed < FRAME_HEAD_BYTES) {
      head[this.#headUsed++] = bytes[at++]!;
    }
    if (this.#headUsed < FRAME_HEAD_BYTES) return at;
    this.#headUsed = 0;
    this.#type = head[0]!;
    this.#left = head[2]! << 8 | head[3]!;
    this.#stream = (head[4]! << 24 | head[5]! << 16 | head[6]! << 8 | head[7]!) >>> 0;
    this.#begin();
    return at;
  }

  #begin(): void {
    const type = this.#type;
    const longest = LONGEST[type];
    if (longest === undefined) {
      if (type < OPTIONAL_TYPE_MIN) throw new ProtocolError(`a frame of the unknown type ${type}`);
      return this.#sink.skipped();
    }
    if (this.#left > longest) {
      throw new ProtocolError(`a frame of type ${type} has ${this.#left} bytes`);
    }
    if (type === FRAME.data) return this.#sink.dataBegins(this.#stream, this.#left);
    if (this.#left === 0) this.#sink.frame(type, this.#stream, NOTHING);
  }

  #takePayload(piece: Uint8Array): void {
    const type = this.#type;
    if (type === FRAME.data) return this.#sink.data(this.#stream, piece);
    if (type >= OPTIONAL_TYPE_MIN) return;
    if (this.#left > 0 || this.#payload) this.#payload = joined(this.#payload, piece);
    if (this.#left > 0) return;
    const payload = this.#payload ?? piece;
    this.#payload = undefined;
    this.#sink.frame(type, this.#stream, payload);
  }
}

const NOTHING = new Uint8Array(0);

function joined(one: Uint8Array = NOTHING, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** The head of a frame, whose payload follows. */
export function headOf(
  { type, stream, length }: { type: number; stream: number; length: number },
): Uint8Array {
  const low = stream & 0xffff;
  const high = stream >>> 16;
  return Uint8Array.of(
    ...[type, 0, length >> 8, length & 0xff, high >> 8, high & 0xff, low >> 8, low & 0xff],
  );
}

export function frameOf(type: number, stream: number, payload: Uint8Array = NOTHING): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  frame.set(headOf({ type, stream, length: payload.length }));
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

/** 32-bit numbers, big endian. */
export function numbersOf(payload: Uint8Array): number[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return Array.from({ length: payload.length >> 2 }, (_, i) => view.getUint32(i * 4));
}

export function payloadOf(...numbers: number[]): Uint8Array {
  const payload = new Uint8Array(numbers.length * 4);
  const view = new DataView(payload.buffer);
  numbers.forEach((number, i) => view.setUint32(i * 4, number));
  return payload;
}
