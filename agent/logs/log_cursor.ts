import { ifAbsent } from "../../core/lib/absent.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { type FileId, fileId, filesOfRun, type RunFile } from "./run_files.ts";

/** How much is read at once, in one turn of the event loop. */
export const BLOCK_BYTES = 64 * 1024;
/** A file that has been unlinked takes disk space as long as it is open: a reader has this long to finish it. */
const NAMELESS_MS_MAX = 5_000;

export interface Block {
  bytes: Uint8Array;
  /** When the file was last written, in ms since 1970. */
  writtenMs: number;
}

/** Where a log is read from. */
export interface LogPlace {
  id: FileId;
  /** The last number that was assigned before the file's, or its own. */
  number: number;
  offset: number;
}

/** A place in one of the files of a run. */
export function placeIn(files: readonly RunFile[], file: RunFile, offset: number): LogPlace {
  const { id, number } = file.number === Infinity ? { ...files.at(-2), id: file.id } : file;
  return { id, number: number ?? 0, offset };
}

/**
 * Reads a run's log from a place on, over all its files. Each file is read to its end, also when it was rotated
 * meanwhile; after one that is gone it goes on with the oldest that is left. Holds one file open at most.
 */
export class LogCursor {
  readonly #path: string;
  readonly #clock: Clock;
  #file: Deno.FsFile | undefined;
  #id: FileId | undefined;
  /** The last number that was assigned before this file's, or its own. */
  #number = 0;
  #offset = 0;
  #namelessSinceMs: number | undefined;

  /** `place` absent: from the beginning of what there is. */
  constructor(path: string, clock: Clock, place?: LogPlace) {
    this.#path = path;
    this.#clock = clock;
    if (place === undefined) return;
    const { id, number, offset } = place;
    [this.#id, this.#number, this.#offset] = [id, number, offset];
  }

  /** The next bytes; `undefined`: there are no more for now. */
  async read(): Promise<Block | undefined> {
    for (;;) {
      if (this.#file === undefined && !await this.#open()) return undefined;
      const block = await this.#readHere();
      if (block !== undefined) return block;
      const info = await Deno.stat(this.#path).catch(ifAbsent);
      if (info !== undefined && fileId(info) === this.#id) {
        if (info.size >= this.#offset) return undefined;
        this.#offset = 0; // it was emptied
        continue;
      }
      // The writer has gone on to the next file; what it wrote between our last read and that is still to be read.
      const last = await this.#readHere();
      if (last !== undefined) return last;
      if (!await this.#openNext()) return undefined;
    }
  }

  /** Closes the file, so that a reader that waits does not keep its disk space; the next read opens it again. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async #readHere(): Promise<Block | undefined> {
    const bytes = await readAt(this.#file!, this.#offset, BLOCK_BYTES);
    if (bytes.length === 0) return undefined;
    const { nlink, mtime } = await this.#file!.stat();
    if (nlink === 0 && this.#isLate()) return undefined;
    this.#offset += bytes.length;
    return { bytes, writtenMs: mtime?.getTime() ?? 0 };
  }

  #isLate(): boolean {
    this.#namelessSinceMs ??= this.#clock.elapsed();
    return this.#clock.elapsed() - this.#namelessSinceMs > NAMELESS_MS_MAX;
  }

  async #open(): Promise<boolean> {
    if (this.#id === undefined) return await this.#openNext();
    const known = (await filesOfRun(this.#path)).find(({ id }) => id === this.#id);
    if (known === undefined) return await this.#openNext();
    return await this.#openFile(known, this.#offset);
  }

  /** The file after this one; the oldest that is left when this one is gone. */
  async #openNext(): Promise<boolean> {
    this.close();
    const files = await filesOfRun(this.#path);
    const at = files.findIndex(({ id }) => id === this.#id);
    const next = at >= 0 ? files[at + 1] : files.find(({ number }) => number > this.#number);
    if (next === undefined) return false;
    this.#number = next.number === Infinity ? files.at(-2)?.number ?? this.#number : next.number;
    return await this.#openFile(next, 0);
  }

  async #openFile({ path }: RunFile, offset: number): Promise<boolean> {
    const file = await Deno.open(path).catch(ifAbsent);
    if (file === undefined) return false; // it was rotated or removed: the next read looks again
    this.#file = file;
    const id = fileId(await file.stat());
    this.#offset = id === this.#id ? offset : 0;
    this.#id = id;
    this.#namelessSinceMs = undefined;
    return true;
  }
}

/** Reads fewer bytes only at the end of the file. */
export async function readAt(
  file: Deno.FsFile,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
