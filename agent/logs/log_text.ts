import { concat } from "../../core/lib/bytes.ts";
import type { LogOptions } from "../../core/client/node_streams.ts";

/** An entry of the CRI format that is longer is none: runtimes write 8 or 16 KiB. */
const ENTRY_BYTES_MAX = 64 * 1024;
const NEWLINE = 10;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);
const ZULU = "Z".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
const PLUS = "+".charCodeAt(0);
const POINT = ".".charCodeAt(0);
/** How conmon writes `Z`. */
const LONG_UTC = new TextEncoder().encode("+00:00");
const EMPTY = new Uint8Array();

type Shown = Pick<LogOptions, "timestamps" | "sinceMs">;

/** Makes what the API sends of what is in the files, block by block. Keeps no more than one entry. */
export interface LogText {
  /** `writtenMs`: when the file was last written, in ms since 1970. */
  of(block: Uint8Array, writtenMs: number): Uint8Array;
  /** What is left when there are no more. */
  rest(): Uint8Array;
}

export function logText(format: "cri" | "raw", shown: Shown): LogText {
  return format === "cri" ? new CriText(shown) : new RawText(shown);
}

/**
 * Of lines `TIME stdout|stderr F|P TEXT`, where `P` says that the line goes on in the next one. Times are shown in UTC as
 * the kubelet shows them. What does not look like it is left out.
 *
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
class CriText implements LogText {
  readonly #shown: Shown;
  #begun: Uint8Array = EMPTY;
  /** Of a line that goes on in the next entry. */
  #isInside = false;

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  of(block: Uint8Array): Uint8Array {
    const bytes = this.#begun.length === 0 ? block : concat([this.#begun, block]);
    const text = new Uint8Array(bytes.length);
    let length = 0;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      length = this.#add(bytes, { start, end }, { text, length });
      start = end + 1;
    }
    this.#begun = bytes.length - start > ENTRY_BYTES_MAX ? EMPTY : bytes.slice(start);
    return text.subarray(0, length);
  }

  rest(): Uint8Array {
    return EMPTY; // an entry that was not finished
  }

  /** Adds what is shown of an entry, which is never longer than it. The new length. */
  #add(
    bytes: Uint8Array,
    { start, end }: { start: number; end: number },
    { text, length }: { text: Uint8Array; length: number },
  ): number {
    const timeEnd = bytes.indexOf(SPACE, start);
    const streamEnd = bytes.indexOf(SPACE, timeEnd + 1);
    if (timeEnd < 0 || streamEnd < 0 || streamEnd >= end) return length;
    const tagEnd = bytes.indexOf(SPACE, streamEnd + 1);
    const textStart = tagEnd < 0 || tagEnd > end ? end : tagEnd + 1;
    const { timestamps, sinceMs } = this.#shown;
    const isPartial = bytes[streamEnd + 1] === PARTIAL;
    const wasInside = this.#isInside;
    this.#isInside = isPartial;
    if (sinceMs !== undefined && !(timeOf(bytes, start, timeEnd) >= sinceMs)) return length;
    if (timestamps && !wasInside) {
      const isLong = isLongUtc(bytes, timeEnd);
      const shownEnd = isLong ? timeEnd - LONG_UTC.length : timeEnd;
      text.set(bytes.subarray(start, shownEnd), length);
      length += shownEnd - start;
      if (isLong) text[length++] = ZULU;
      text[length++] = SPACE;
    }
    text.set(bytes.subarray(textStart, end), length);
    length += end - textStart;
    if (!isPartial) text[length++] = NEWLINE;
    return length;
  }
}

function isLongUtc(bytes: Uint8Array, end: number): boolean {
  return LONG_UTC.every((byte, index) => bytes[end - LONG_UTC.length + index] === byte);
}

/** Of `2026-01-01T00:00:00.123456789+00:00`, in ms since 1970; ten times as fast as `Date.parse` of its text. */
function timeOf(bytes: Uint8Array, start: number, end: number): number {
  const number = (from: number, length: number) => {
    let value = 0;
    for (let at = start + from; at < start + from + length; at++) {
      value = value * 10 + bytes[at]! - ZERO;
    }
    return value;
  };
  const seconds = Date.UTC(
    number(0, 4),
    number(5, 2) - 1,
    number(8, 2),
    number(11, 2),
    number(14, 2),
    number(17, 2),
  );
  const hasFraction = bytes[start + 19] === POINT;
  const isUtc = bytes[end - 1] === ZULU;
  const sign = bytes[end - LONG_UTC.length] === PLUS ? -1 : 1;
  const zone = end - LONG_UTC.length - start;
  const offsetMinutes = isUtc ? 0 : sign * (number(zone + 1, 2) * 60 + number(zone + 4, 2));
  return seconds + offsetMinutes * 60_000 + (hasFraction ? fraction(bytes, start + 20, end) : 0);
}

/** Milliseconds of the digits after the point. */
function fraction(bytes: Uint8Array, start: number, end: number): number {
  let milliseconds = 0;
  for (let at = start, unit = 100; at < end && unit >= 1; at++, unit /= 10) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    milliseconds += digit * unit;
  }
  return milliseconds;
}

/** Of what a program wrote, as it wrote it. Its time is that of the file. */
class RawText implements LogText {
  readonly #shown: Shown;
  #isInside = false;

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  of(block: Uint8Array, writtenMs: number): Uint8Array {
    const { timestamps, sinceMs } = this.#shown;
    const wasInside = this.#isInside;
    this.#isInside = block.at(-1) !== NEWLINE;
    if (sinceMs !== undefined && writtenMs < sinceMs) {
      this.#isInside = false;
      return EMPTY;
    }
    return timestamps ? withTime(block, { writtenMs, isInside: wasInside }) : block;
  }

  /** The newline that the last line never got. */
  rest(): Uint8Array {
    return this.#isInside ? Uint8Array.of(NEWLINE) : EMPTY;
  }
}

function withTime(
  block: Uint8Array,
  { writtenMs, isInside }: { writtenMs: number; isInside: boolean },
): Uint8Array {
  const time = new TextEncoder().encode(`${new Date(writtenMs).toISOString()} `);
  const parts: Uint8Array[] = [];
  for (let start = 0, inside = isInside; start < block.length; inside = false) {
    const newline = block.indexOf(NEWLINE, start);
    const end = newline < 0 ? block.length : newline + 1;
    parts.push(...(inside ? [] : [time]), block.subarray(start, end));
    start = end;
  }
  return concat(parts);
}
