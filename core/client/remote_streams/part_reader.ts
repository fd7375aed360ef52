import { type JsonLimits, parseJson } from "../../lib/json/json_text.ts";

const NOTHING = new Uint8Array();
/** A message is as long as its first four bytes say. */
const LENGTH_BYTES = 4;
/** More than any message has. */
const JSON_LIMITS: JsonLimits = { depthMax: 16, valuesMax: 20_000 };
const encoder = new TextEncoder();

/** A value as JSON, with its length in four bytes in front. */
export function messageBytes(value: unknown): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(value));
  const bytes = new Uint8Array(LENGTH_BYTES + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/** Messages and bytes that follow each other on one stream. It holds no more than one part of it, or one message. */
export class PartReader {
  readonly #parts: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = NOTHING;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#parts = bytes[Symbol.asyncIterator]();
  }

  /** What comes next, at most so many bytes; `undefined` at the end. */
  async some(bytesMax = Infinity): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#parts.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, bytesMax);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  /** So many bytes; `undefined` when the stream ends before the first. Throws when it ends in the middle. */
  async exactly(count: number): Promise<Uint8Array | undefined> {
    const first = await this.some(count);
    if (first === undefined || first.length === count) return first;
    const whole = new Uint8Array(count);
    whole.set(first);
    for (let at = first.length; at < count;) {
      const part = await this.some(count - at);
      if (part === undefined) throw new Error("the stream ends in the middle of a message");
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** The next message, which says how long it is; `undefined` at the end. Throws as {@linkcode value}. */
  async message(bytesMax: number): Promise<unknown> {
    const head = await this.exactly(LENGTH_BYTES);
    if (head === undefined) return undefined;
    return await this.value(new DataView(head.buffer, head.byteOffset).getUint32(0), bytesMax);
  }

  /** A value as JSON in so many bytes. Throws when they are more than `bytesMax`, or no JSON. */
  async value(length: number, bytesMax: number): Promise<unknown> {
    if (length > bytesMax) throw new Error(`a message of ${length} bytes is too long`);
    return parseJson(length > 0 && await this.exactly(length) || NOTHING, JSON_LIMITS);
  }

  /** All that follows. */
  async *all(): AsyncGenerator<Uint8Array> {
    for (let part; (part = await this.some()) !== undefined;) yield part;
  }
}
