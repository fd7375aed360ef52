import { ifAbsent } from "../../core/lib/absent.ts";
import { concat } from "../../core/lib/bytes.ts";
import { BLOCK_BYTES, type LogPlace, placeIn, readAt } from "./log_cursor.ts";
import type { RunFile } from "./run_files.ts";

/** A line that is longer counts as several: nobody's newline is looked for without an end. */
const LINE_BYTES_MAX = 1024 * 1024;
/** What is looked at of an entry: its time, its stream and its tag. */
const ENTRY_HEAD_BYTES_MAX = 128;
const NEWLINE = 10;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);

export interface Tail {
  lines: number;
  format: "cri" | "raw";
  /** So much is looked at, from the end; then the tail begins there. All when absent. */
  bytesMax?: number;
  signal: AbortSignal;
}

/**
 * Where the last lines of a log begin: its files are read from the end, block by block and each once, as far as
 * needed. `undefined`: they are all that there is. Rejects when the signal aborts.
 */
export async function tailPlace(
  files: readonly RunFile[],
  tail: Tail,
): Promise<LogPlace | undefined> {
  const search = new TailSearch(tail);
  let leftBytes = tail.bytesMax ?? Infinity;
  for (const file of files.toReversed()) {
    if (tail.lines === 0) return placeIn(files, file, file.bytes);
    using open = await Deno.open(file.path).catch(ifAbsent);
    if (open === undefined) continue;
    for (let end = file.bytes; end > 0;) {
      tail.signal.throwIfAborted();
      const start = Math.max(0, end - BLOCK_BYTES);
      const begin = search.back(await readAt(open, start, end - start), { isBegin: start === 0 });
      leftBytes -= end - start;
      if (begin !== undefined) return placeIn(files, file, start + begin);
      if (leftBytes <= 0) return placeIn(files, file, start + search.firstEntry);
      end = start;
    }
  }
  return undefined;
}

/** Counts lines, from the end of a log on. */
class TailSearch {
  readonly #lines: number;
  readonly #format: Tail["format"];
  #found = 0;
  /** Of the block after the next one: an entry's head may go on there. */
  #head: Uint8Array = new Uint8Array();
  /** Since a line began, in what was looked at. */
  #lineBytes = 0;
  /** Of the CRI format: where the first entry that was found begins, in bytes from the begin of the last block. */
  #entryEnd: number | undefined;
  #isAtEnd = true;

  constructor({ lines, format }: Tail) {
    this.#lines = lines;
    this.#format = format;
  }

  /** Takes the block before the last one. Where in it the tail begins; `undefined`: before it. */
  back(block: Uint8Array, { isBegin }: { isBegin: boolean }): number | undefined {
    const found = this.#format === "raw" ? this.#backRaw(block) : this.#backCri(block, isBegin);
    this.#head = block.length < ENTRY_HEAD_BYTES_MAX
      ? concat([block, this.#head]).subarray(0, ENTRY_HEAD_BYTES_MAX)
      : block.subarray(0, ENTRY_HEAD_BYTES_MAX);
    if (found !== undefined) return found;
    return this.#lineBytes >= LINE_BYTES_MAX && this.#begins() ? this.firstEntry : undefined;
  }

  /** Where in the last block the first entry begins, as far as that is known. */
  get firstEntry(): number {
    return this.#entryEnd ?? 0;
  }

  #backRaw(block: Uint8Array): number | undefined {
    let end = block.length;
    if (this.#isAtEnd && block.at(-1) === NEWLINE) end--;
    this.#isAtEnd = false;
    for (;;) {
      const newline = end > 0 ? block.lastIndexOf(NEWLINE, end - 1) : -1;
      this.#lineBytes += end - newline - 1;
      if (newline < 0) return undefined;
      if (this.#begins()) return newline + 1;
      end = newline;
    }
  }

  /** An entry that ends a line makes what follows it the begin of one. */
  #backCri(block: Uint8Array, isBegin: boolean): number | undefined {
    let next = this.#entryEnd === undefined ? undefined : block.length + this.#entryEnd;
    if (!block.includes(NEWLINE)) this.#lineBytes += block.length; // no entry is so long
    for (let end = block.length;;) {
      const newline = end > 0 ? block.lastIndexOf(NEWLINE, end - 1) : -1;
      if (newline < 0 && !isBegin) break;
      // What begins here ends before `next`; nothing follows the last one.
      const start = newline + 1;
      if (next !== undefined && start < next) {
        this.#lineBytes += next - start;
        if (this.#endsLine(block, start) && this.#begins()) return next;
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

  /** Notes that a line begins; true when it is the first of the tail. */
  #begins(): boolean {
    this.#lineBytes = 0;
    return ++this.#found === this.#lines;
  }
}

/** Whether an entry of the CRI format ends a line of the program; `head` has its begin: `TIME stdout|stderr F|P`. */
function endsLine(head: Uint8Array): boolean {
  const first = head.indexOf(SPACE);
  const second = head.indexOf(SPACE, first + 1);
  return head[second + 1] !== PARTIAL;
}
