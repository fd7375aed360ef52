import { ifAbsent } from "../../core/lib/absent.ts";
import type { LogLimits } from "../runtimes/log_limits.ts";
import { logFormatOf } from "./mod.ts";
import { fileId, rotatedFilesOf } from "./run_files.ts";

/** A log that is this many times too long is truncated by the agent: its runtime does not rotate it. */
const LATE_FACTOR = 2;
const PIECE_BYTES = 256 * 1024;

/**
 * Keeps what a runtime in the CRI format is about to lose. conmon starts a log again by renaming an empty file over it,
 * when it would get longer than it may: so the bound always holds. The file that was
 * written to lives on only when it has a second name, `RUN.log.N`, which this gives it. What begins and ends between
 * two calls is lost. May be repeated, and is to be called now and then.
 */
export async function keepHistory(
  path: string,
  format: string,
  limits: LogLimits,
): Promise<void> {
  const info = await Deno.stat(path).catch(ifAbsent);
  if (info === undefined) return;
  const kept = await rotatedFilesOf(path);
  const newest = kept.at(-1);
  const next = `${path}.${(newest?.number ?? 0) + 1}`;
  if (info.size > limits.bytesMax * LATE_FACTOR) {
    await cut(path, next, limits.bytesMax);
  } else if (logFormatOf(format).historyKeptBy === "agent") {
    const last = newest && await Deno.stat(newest.path).catch(ifAbsent);
    if (last && fileId(last) === fileId(info)) return;
    await Deno.link(path, next).catch(ifAbsent);
  } else return; // our supervisor has renamed what is full, and removed what is too much
  await removeOldest(path, limits.filesMax - 1);
}

/** Removes the rotated files of a log but for the newest. */
export async function removeOldest(path: string, filesMax: number): Promise<void> {
  const kept = await rotatedFilesOf(path);
  for (const { path } of kept.slice(0, Math.max(0, kept.length - filesMax))) {
    await Deno.remove(path).catch(ifAbsent);
  }
}

/**
 * Empties a log whose runtime goes on writing to the same file: one that was begun by an older version. Its newest part
 * is copied; what is written between the copy and the cut is lost.
 */
async function cut(path: string, copyPath: string, bytesMax: number): Promise<void> {
  using log = await Deno.open(path, { read: true, write: true });
  using copy = await Deno.open(copyPath, { createNew: true, write: true, mode: 0o600 });
  const { size } = await log.stat();
  await log.seek(Math.max(0, size - bytesMax), Deno.SeekMode.Start);
  const piece = new Uint8Array(PIECE_BYTES);
  for (let left = bytesMax; left > 0;) {
    const count = await log.read(piece.subarray(0, Math.min(left, piece.length)));
    if (count === null) break;
    for (let done = 0; done < count;) done += await copy.write(piece.subarray(done, count));
    left -= count;
  }
  await log.truncate();
}
