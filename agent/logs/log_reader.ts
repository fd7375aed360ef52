import type { LogOptions } from "../../core/client/node_streams.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Slots } from "../../core/lib/slots.ts";
import { FolderNotices } from "./folder_notices.ts";
import { type Block, BLOCK_BYTES, LogCursor, type LogPlace, placeIn } from "./log_cursor.ts";
import { tailPlace } from "./log_tail.ts";
import { logFormatOf } from "./mod.ts";
import { filesOfRun } from "./run_files.ts";

/** A log that is written without a pause is followed at this pace. */
const FOLLOW_EVERY_MS = 20;
/** How long a reader keeps a file open while its client is slow: the file may have been unlinked. */
const HELD_MS_MAX = 1_000;

export interface LogSource {
  path: string;
  /** Name of a {@linkcode LogFormat}. */
  format: string;
  options: Pick<
    LogOptions,
    "follow" | "timestamps" | "tailLines" | "sinceMs" | "limitBytes"
  >;
  /** How much of the end is searched for `tailLines`; all when absent. */
  tailBytesMax?: number;
  /** Aborts when the container has ended: a follower then reads what is left, and stops. */
  ended: AbortSignal;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
  clock: Clock;
  /** Readers take turns, a block each, so that many of them do not hold up the event loop longer than few. */
  turns?: Slots;
}

/**
 * Yields a run's log as the API sends it, with its rotated files. Reads only the part that `tailLines` asks for;
 * follows by the kernel's notices, and goes on in the next file when the log was rotated. Holds a few blocks in memory,
 * however long a line is, and ends between two of them once the client has gone. A file that is not there is an empty
 * log.
 */
export async function* readLog(source: LogSource): AsyncGenerator<Uint8Array> {
  const { path, options, signal } = source;
  // Watched before the first read: what is written between the two is noticed.
  const { clock, ended } = source;
  const notices = options.follow ? new FolderNotices({ path, clock, ended, signal }) : undefined;
  try {
    yield* limited(texts(source, notices), options.limitBytes);
  } finally {
    notices?.close();
  }
}

async function* texts(
  source: LogSource,
  notices: FolderNotices | undefined,
): AsyncGenerator<Uint8Array> {
  const { path, format, options, signal, clock, turns } = source;
  if (signal.aborted) return;
  const text = logFormatOf(format).text(options);
  const place = await beginOf(source).catch((error) => {
    if (!signal.aborted) throw error;
    return undefined; // the client has gone
  });
  const cursor = new LogCursor(path, clock, place);
  const read = (): Promise<Block | undefined> => cursor.read();
  try {
    while (!signal.aborted) {
      const isLast = notices === undefined || notices.hasEnded;
      const block = await (turns ? turns.use(read) : read());
      if (block !== undefined) {
        const chunk = text.of(block.bytes, block.writtenMs);
        if (chunk.length > 0) yield* held(chunk, cursor, clock);
        const isAtEnd = block.bytes.length < BLOCK_BYTES;
        if (isAtEnd && !isLast) await notices.pause(FOLLOW_EVERY_MS);
      } else if (isLast) break;
      else await notices.next();
    }
    const rest = text.rest();
    if (rest.length > 0 && !signal.aborted) yield rest;
  } finally {
    cursor.close();
  }
}

/** Where the requested part begins; `undefined`: with the first file. */
async function beginOf(
  { path, format, options, tailBytesMax, signal }: LogSource,
): Promise<LogPlace | undefined> {
  const { tailLines, sinceMs } = options;
  const files = await filesOfRun(path);
  if (tailLines !== undefined) {
    const bytesMax = tailBytesMax === undefined ? {} : { bytesMax: tailBytesMax };
    return await tailPlace(files, { lines: tailLines, format, signal, ...bytesMax });
  }
  const first = files.find(({ writtenMs }) => sinceMs === undefined || writtenMs >= sinceMs) ??
    files.at(-1);
  return first && placeIn(files, first, 0);
}

/** Yields the chunk. A client that is slow to ask for the next one does not keep the file open. */
async function* held(
  chunk: Uint8Array,
  cursor: LogCursor,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  const cancel = clock.after(HELD_MS_MAX, () => cursor.close());
  try {
    yield chunk;
  } finally {
    cancel();
  }
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
