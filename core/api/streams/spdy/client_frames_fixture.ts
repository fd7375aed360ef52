import { concat } from "../../../lib/bytes.ts";

const encoder = new TextEncoder();

/** What a SPDY client sends. The headers of all streams are one compressed stream, so one object stands for one client. */
export class SpdyClientFrames {
  #isFirst = true;

  open(stream: number, headers: Readonly<Record<string, string>>, flags = 0): Uint8Array {
    const block = this.#stored(headerBlock(headers));
    return control(1, concat([u32(stream, 0), Uint8Array.of(0, 0), block]), flags);
  }

  /** A stored block: compressed by no compressor. The first one begins with the head of zlib. */
  #stored(block: Uint8Array): Uint8Array {
    const { length } = block;
    const head = [0, length, length >> 8, ~length, ~length >> 8];
    const zlib = this.#isFirst ? [0x78, 0x01] : [];
    this.#isFirst = false;
    return concat([Uint8Array.from([...zlib, ...head]), block]);
  }
}

export function dataOf(stream: number, bytes: Uint8Array, flags = 0): Uint8Array {
  return concat([
    u32(stream),
    Uint8Array.of(flags, bytes.length >> 16, bytes.length >> 8, bytes.length),
    bytes,
  ]);
}

export function pingOf(id: number): Uint8Array {
  return control(6, u32(id));
}

export function control(type: number, payload: Uint8Array, flags = 0): Uint8Array {
  const { length } = payload;
  return concat([
    Uint8Array.of(0x80, 3, 0, type, flags, length >> 16, length >> 8, length),
    payload,
  ]);
}

export function headerBlock(headers: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(headers);
  return concat([
    u32(entries.length),
    ...entries.flat().flatMap((text) => {
      const bytes = encoder.encode(text);
      return [u32(bytes.length), bytes];
    }),
  ]);
}

export function u32(...numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * numbers.length);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setUint32(4 * i, number));
  return bytes;
}
