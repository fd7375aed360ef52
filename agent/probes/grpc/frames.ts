/** https://www.rfc-editor.org/rfc/rfc9113#section-6 */
export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  goAway: 7,
  continuation: 9,
} as const;
export const FLAG = { endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
/** What begins each connection of a client. */
export const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const HEAD_BYTES = 9;
/** Larger ones must be allowed first, and are not. */
const PAYLOAD_BYTES_MAX = 16_384;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Uint8Array;
}

export function frameBytes({ type, flags, stream, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length * 256 + type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** Takes bytes as they come, and gives whole frames. */
export class FrameReader {
  #bytes: Uint8Array = new Uint8Array();

  /** Throws when a frame is larger than it may be. */
  push(more: Uint8Array): Frame[] {
    const bytes = new Uint8Array(this.#bytes.length + more.length);
    bytes.set(this.#bytes);
    bytes.set(more, this.#bytes.length);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const view = new DataView(bytes.buffer, at);
      const length = view.getUint32(0) >>> 8;
      if (length > PAYLOAD_BYTES_MAX) throw new Error("HTTP/2: a frame is too large");
      if (bytes.length - at < HEAD_BYTES + length) break;
      const payload = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
      const stream = view.getUint32(5) & 0x7fffffff;
      frames.push({ type: view.getUint8(3), flags: view.getUint8(4), stream, payload });
      at += HEAD_BYTES + length;
    }
    this.#bytes = bytes.subarray(at);
    return frames;
  }
}

/** What a frame carries, without its padding and its priority. Throws for what is neither. */
export function contentOf({ flags, type, payload }: Frame): Uint8Array {
  const isPadded = (flags & FLAG.padded) !== 0;
  const hasPriority = type === FRAME.headers && (flags & FLAG.priority) !== 0;
  const from = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
  const to = payload.length - (isPadded ? payload[0] ?? 0 : 0);
  if (from > to) throw new Error("HTTP/2: a frame is all padding");
  return payload.subarray(from, to);
}
