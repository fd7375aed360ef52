import { concat } from "../../core/lib/bytes.ts";
import {
  LineCount,
  type LogFormat,
  type LogText,
  type ShownLog,
  type TailSearch,
} from "./log_format.ts";

const NEWLINE = 10;
const EMPTY = new Uint8Array();

/** The bytes of both streams, as a program wrote them. */
export const rawFormat: LogFormat = {
  name: "raw",
  historyKeptBy: "runtime",
  text: (shown) => new RawText(shown),
  tailSearch: (lines) => new RawTailSearch(lines),
};

/** The time of a line is that of the file. */
class RawText implements LogText {
  readonly #shown: ShownLog;
  #isInside = false;

  constructor(shown: ShownLog) {
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

class RawTailSearch implements TailSearch {
  readonly firstEntry = 0;
  readonly #lines: LineCount;
  #isAtEnd = true;

  constructor(lines: number) {
    this.#lines = new LineCount(lines);
  }

  back(block: Uint8Array): number | undefined {
    let end = block.length;
    if (this.#isAtEnd && block.at(-1) === NEWLINE) end--;
    this.#isAtEnd = false;
    for (;;) {
      const newline = end > 0 ? block.lastIndexOf(NEWLINE, end - 1) : -1;
      this.#lines.bytes += end - newline - 1;
      if (newline < 0) return this.#lines.breaks() ? this.firstEntry : undefined;
      if (this.#lines.begins()) return newline + 1;
      end = newline;
    }
  }
}
