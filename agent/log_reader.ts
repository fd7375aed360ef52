import type { LogOptions } from "../core/client/node_streams.ts";
import { ifAbsent } from "../core/lib/absent.ts";
import { concat } from "../core/lib/bytes.ts";
import { criEntry, endsLine, LineCutter, type LogEntry, rawEntry } from "./log_lines.ts";

/** How much is read at once. */
const BLOCK_BYTES = 64 * 1024;

export interface LogSource {
  path: string;
  format: "cri" | "raw";
  options: Pick<
    LogOptions,
    "follow" | "timestamps" | "tailLines" | "sinceMs" | "limitBytes"
  >;
  /** Aborts when the container has ended: a follower then reads what is left, and stops. */
  ended: AbortSignal;
  /** Aborts when nobody reads any more. */
  signal: AbortSignal;
}

/**
 * Yields a container's log as the API sends it. Reads only the part of the file that `tailLines` asks for;
 * follows by the kernel's notices, and goes on in the new file when the log was rotated.
 * A file that is not there is an empty log.
 */
export async function* readLog(source: LogSource): AsyncGenerator<Uint8Array> {
  const { path, options, signal } = source;
  // Watched before the first read: what is written between the two is noticed.
  const notices = options.follow ? new FolderNotices(path, source.ended, signal) : undefined;
  try {
    yield* limited(render(linesOf(source, notices), source), options.limitBytes);
  } finally {
    notices?.close();
  }
}

/** A line as it is in the file, and when the file was last written. */
interface RawLine {
  bytes: Uint8Array;
  writtenMs: number;
}

async function* linesOf(
  source: LogSource,
  notices: FolderNotices | undefined,
): AsyncGenerator<RawLine[]> {
  const { path, format, options, signal } = source;
  const cutter = new LineCutter();
  let file = await LogFile.open(path);
  try {
    let offset = file === undefined || options.tailLines === undefined
      ? 0
      : await tailOffset(file, options.tailLines, format);
    while (!signal.aborted) {
      const isLast = notices === undefined || notices.hasEnded;
      const block = await file?.read(offset);
      if (block !== undefined) {
        offset += block.bytes.length;
        yield [...cutter.cut(block.bytes)].map((bytes) => ({ bytes, writtenMs: block.writtenMs }));
        continue;
      }
      const next = await LogFile.successor(path, file, offset);
      if (next !== undefined) {
        if (next !== file) file?.close();
        [file, offset] = [next, 0];
      } else if (isLast) break;
      else await notices.next();
    }
    const rest = cutter.flush();
    if (rest !== undefined && format === "raw") {
      yield [{ bytes: rest, writtenMs: await file?.writtenMs() ?? 0 }];
    }
  } finally {
    file?.close();
  }
}

async function* render(
  lines: AsyncIterable<RawLine[]>,
  { format, options }: LogSource,
): AsyncGenerator<Uint8Array> {
  let isInside = false; // of a line that goes on in the next entry
  for await (const some of lines) {
    const parts: Uint8Array[] = [];
    for (const { bytes, writtenMs } of some) {
      const entry = format === "cri" ? criEntry(bytes) : rawEntry(bytes, writtenMs);
      if (entry === undefined) continue;
      const { sinceMs } = options;
      if (sinceMs === undefined || entry.timeMs >= sinceMs) {
        parts.push(...rendered(entry, { timestamps: options.timestamps && !isInside }));
      }
      isInside = entry.isPartial;
    }
    if (parts.length > 0) yield concat(parts);
  }
}

function rendered(entry: LogEntry, { timestamps }: { timestamps: boolean }): Uint8Array[] {
  const encoder = new TextEncoder();
  return [
    ...(timestamps ? [encoder.encode(`${entry.time} `)] : []),
    entry.text,
    ...(entry.isPartial ? [] : [encoder.encode("\n")]),
  ];
}

async function* limited(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number | undefined,
): AsyncGenerator<Uint8Array> {
  let left = bytesMax ?? Infinity;
  for await (const chunk of chunks) {
    if (chunk.length >= left) {
      yield chunk.subarray(0, left);
      return;
    }
    left -= chunk.length;
    yield chunk;
  }
}

/** Where the last `tailLines` lines begin: read from the end, block by block. */
async function tailOffset(file: LogFile, tailLines: number, format: string): Promise<number> {
  let start = await file.size();
  if (tailLines === 0) return start;
  let bytes: Uint8Array = new Uint8Array();
  while (start > 0) {
    const length = Math.min(BLOCK_BYTES, start);
    start -= length;
    bytes = concat([await file.readAt(start, length), bytes]);
    const begin = tailStart(bytes, { tailLines, format, isWhole: start === 0 });
    if (begin !== undefined) return start + begin;
  }
  return 0;
}

/** Begin of the last lines within `bytes`; `undefined` when they may begin before. */
function tailStart(
  bytes: Uint8Array,
  { tailLines, format, isWhole }: { tailLines: number; format: string; isWhole: boolean },
): number | undefined {
  let found = 0;
  let end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  while (end > 0) {
    const newline = bytes.lastIndexOf(10, end - 1);
    if (newline < 0) return undefined;
    // The entry before this newline ends a line: what follows it is the begin of one.
    const previous = bytes.lastIndexOf(10, newline - 1);
    if (previous < 0 && format === "cri" && !isWhole) return undefined;
    const isBegin = format === "raw" || endsLine(bytes.subarray(previous + 1, newline));
    if (isBegin && ++found === tailLines) return newline + 1;
    end = newline;
  }
  return undefined;
}

/** An open log. */
class LogFile {
  readonly #file: Deno.FsFile;
  readonly #inode: number | null;

  private constructor(file: Deno.FsFile, inode: number | null) {
    this.#file = file;
    this.#inode = inode;
  }

  static async open(path: string): Promise<LogFile | undefined> {
    try {
      const file = await Deno.open(path);
      return new LogFile(file, (await file.stat()).ino);
    } catch (error) {
      return ifAbsent(error);
    }
  }

  /** The file to go on with from its begin, when the log was rotated or has only now been made. */
  static async successor(
    path: string,
    file: LogFile | undefined,
    offset: number,
  ): Promise<LogFile | undefined> {
    if (file === undefined) return await LogFile.open(path);
    const info = await Deno.stat(path).catch(() => undefined);
    if (info === undefined) return undefined;
    if (info.ino !== file.#inode) return await LogFile.open(path);
    return info.size < offset ? file : undefined;
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async writtenMs(): Promise<number> {
    return (await this.#file.stat()).mtime?.getTime() ?? 0;
  }

  /** The next bytes; `undefined` at the end. */
  async read(offset: number): Promise<{ bytes: Uint8Array; writtenMs: number } | undefined> {
    const bytes = await this.readAt(offset, BLOCK_BYTES);
    return bytes.length === 0 ? undefined : { bytes, writtenMs: await this.writtenMs() };
  }

  async readAt(offset: number, length: number): Promise<Uint8Array> {
    await this.#file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#file.read(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  close(): void {
    this.#file.close();
  }
}

/** Tells when something has changed in the folder of a file, or the container has ended. */
class FolderNotices {
  readonly #watcher: Deno.FsWatcher;
  readonly #ended: AbortSignal;
  readonly #signal: AbortSignal;
  #wake = () => {};
  #isDirty = false;

  constructor(path: string, ended: AbortSignal, signal: AbortSignal) {
    this.#watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")), { recursive: false });
    this.#ended = ended;
    this.#signal = signal;
    for (const each of [ended, signal]) each.addEventListener("abort", this.#mark, { once: true });
    this.#listen();
  }

  get hasEnded(): boolean {
    return this.#ended.aborted || this.#signal.aborted;
  }

  /** Resolves at once when something has happened since the last call, else when it does. */
  async next(): Promise<void> {
    if (!this.#isDirty && !this.hasEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#isDirty = false;
  }

  close(): void {
    for (const each of [this.#ended, this.#signal]) each.removeEventListener("abort", this.#mark);
    this.#watcher.close();
  }

  readonly #mark = (): void => {
    this.#isDirty = true;
    this.#wake();
  };

  async #listen(): Promise<void> {
    for await (const { kind } of this.#watcher) if (kind !== "access") this.#mark();
  }
}
