import { ifAbsent } from "../../core/lib/absent.ts";
import { BLOCK_BYTES, type LogPlace, placeIn, readAt } from "./log_cursor.ts";
import { logFormatOf } from "./mod.ts";
import type { RunFile } from "./run_files.ts";

export interface Tail {
  lines: number;
  /** Name of a {@linkcode LogFormat}. */
  format: string;
  /** How much is searched from the end; then the tail begins there. All when absent. */
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
  const search = logFormatOf(tail.format).tailSearch(tail.lines);
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
