import { crc32 } from "node:zlib";
import { concat, isSameBytes } from "../../core/lib/bytes.ts";

/** The first line of a file: what it is, and in which version of the format. */
const HEAD = new TextEncoder().encode("coracle checkpoint 1\n");
const FRAME_HEAD_BYTES = 8;
/** No frame is longer: a length that says so is damaged. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** What a file holds, as far as it is whole. */
export interface ReadFrames {
  readonly frames: readonly Uint8Array[];
  /** Where the whole frames end: what follows was cut off or is damaged. */
  readonly wholeBytes: number;
}

/** The beginning of a file, with its first frame. */
export function fileOf(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([HEAD, frameOf(payload)]);
}

/**
 * One frame:
 *
 *     length of the payload (4 bytes), CRC-32 of the length and of the payload (4), payload
 *
 * Numbers are unsigned, the highest byte first.
 */
export function frameOf(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length);
  frame.set(payload, FRAME_HEAD_BYTES);
  view.setUint32(4, checksumOf(frame));
  return frame;
}

/** The frames from the beginning to the first that is not whole. None when it is no file of this format. */
export function readFrames(file: Uint8Array): ReadFrames {
  const frames: Uint8Array[] = [];
  if (!isSameBytes(file.subarray(0, HEAD.length), HEAD)) return { frames, wholeBytes: 0 };
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = HEAD.length;
  while (at + FRAME_HEAD_BYTES <= file.length) {
    const length = view.getUint32(at);
    const end = at + FRAME_HEAD_BYTES + length;
    if (length > FRAME_BYTES_MAX || end > file.length) break;
    const frame = file.subarray(at, end);
    if (view.getUint32(at + 4) !== checksumOf(frame)) break;
    frames.push(frame.subarray(FRAME_HEAD_BYTES));
    at = end;
  }
  return { frames, wholeBytes: at };
}

function checksumOf(frame: Uint8Array): number {
  return crc32(frame.subarray(FRAME_HEAD_BYTES), crc32(frame.subarray(0, 4)));
}
