import { concat } from "../../core/lib/bytes.ts";
import {
  LineCount,
  type LogFormat,
  type LogText,
  type ShownLog,
  type TailSearch,
} from "./log_format.ts";

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
/** What is looked at of an entry: its time, its stream and its tag. */
const ENTRY_HEAD_BYTES_MAX = 128;

/**
 * Lines `TIME stdout|stderr F|P TEXT`, where `P` says that the line of the program goes on in the next one.
 *
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export const criFormat: LogFormat = {
  name: "cri",
  historyKeptBy: "agent",
  text: (shown) => new CriText(shown),
  tailSearch: (lines) => new CriTailSearch(lines),
};

/** Times are shown in UTC, as the kubelet shows them. What is no entry is left out. */
class CriText implements LogText {
  readonly #shown: ShownLog;
  #begun: Uint8Array = EMPTY;
  /** Of a line that goes on in the next entry. */
  #isInside = false;

  constructor(shown: ShownLog) {
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

class CriTailSearch implements TailSearch {
  readonly #lines: LineCount;
  /** Of the block after the next one: an entry's head may go on there. */
  #head: Uint8Array = EMPTY;
  /** Where the first entry that was found begins, in bytes from the beginning of the last block. */
  #entryEnd: number | undefined;
  #isAtEnd = true;

  constructor(lines: number) {
    this.#lines = new LineCount(lines);
  }

  back(block: Uint8Array, { isBegin }: { isBegin: boolean }): number | undefined {
    const found = this.#search(block, isBegin);
    this.#head = block.length < ENTRY_HEAD_BYTES_MAX
      ? concat([block, this.#head]).subarray(0, ENTRY_HEAD_BYTES_MAX)
      : block.subarray(0, ENTRY_HEAD_BYTES_MAX);
    if (found !== undefined) return found;
    return this.#lines.breaks() ? this.firstEntry : undefined;
  }

  get firstEntry(): number {
    return this.#entryEnd ?? 0;
  }

  /** An entry that ends a line makes what follows it the beginning of one. */
  #search(block: Uint8Array, isBegin: boolean): number | undefined {
    let next = this.#entryEnd === undefined ? undefined : block.length + this.#entryEnd;
    if (!block.includes(NEWLINE)) this.#lines.bytes += block.length; // no entry is so long
    for (let end = block.length;;) {
      const newline = end > 0 ? block.lastIndexOf(NEWLINE, end - 1) : -1;
      if (newline < 0 && !isBegin) break;
      // What begins here ends before `next`; nothing follows the last one.
      const start = newline + 1;
      if (next !== undefined && start < next) {
        this.#lines.bytes += next - start;
        if (this.#endsLine(block, start) && this.#lines.begins()) return next;
      }
      if (!this.#isAtEnd || start < block.length) next = start;
      if (newline < 0) break;
      end = newline;
    }
    this.#isAtEnd = false;
    this.#entryEnd = next;
    return undefined;
  }

  #endsLine(block: Uint8Array, start: number): boolean {
    const here = block.subarray(start, start + ENTRY_HEAD_BYTES_MAX);
    if (here.length === ENTRY_HEAD_BYTES_MAX) return endsLine(here);
    return endsLine(concat([here, this.#head.subarray(0, ENTRY_HEAD_BYTES_MAX - here.length)]));
  }
}

/**
 * Whether an entry of the CRI format ends a line of the program; `head` has its beginning: `TIME stdout|stderr F|P`.
 */
function endsLine(head: Uint8Array): boolean {
  const first = head.indexOf(SPACE);
  const second = head.indexOf(SPACE, first + 1);
  return head[second + 1] !== PARTIAL;
}
