import type { Log } from "../../core/lib/log.ts";
import type { ReadyKey } from "../../core/store/encryption/sealed_bytes.ts";
import type { CheckpointDisk } from "./checkpoint_disk.ts";
import { readFrames } from "./checkpoint_frames.ts";
import { changeIn } from "./checkpoint_records.ts";

/** The file that is written to. */
export interface CurrentFile {
  name: string;
  generation: number;
  /** Of its first frame, which holds all that there was. */
  firstBytes: number;
  wholeBytes: number;
}

/** What was found on the disk. */
export interface Found {
  readonly values: Map<string, unknown>;
  readonly position: unknown;
  /** What was read; absent: nothing. */
  readonly file: CurrentFile | undefined;
  /** The number of the newest file, also when it is damaged. */
  readonly generation: number;
}

export interface FilesOptions {
  disk: CheckpointDisk;
  key: ReadyKey;
  cluster: string;
  log: Log;
}

/**
 * The state that the newest file shows that is whole at its beginning: up to the first change in it that is not. Without
 * one, nothing.
 */
export async function newestWhole(options: FilesOptions): Promise<Found> {
  const { disk, log } = options;
  const numbers = (await disk.names()).filter((name) => /^\d+$/.test(name)).map(Number)
    .toSorted((a, b) => b - a);
  const generation = numbers[0] ?? 0;
  for (const number of numbers) {
    try {
      const found = await stateIn(String(number), options);
      if (found === undefined) continue; // of another cluster
      return { ...found, file: { ...found.file, generation: number }, generation };
    } catch (error) {
      log.warn("A file with what this node needs to start without its server is damaged", {
        file: String(number),
        error,
      });
    }
  }
  return { values: new Map(), position: undefined, file: undefined, generation };
}

async function stateIn(name: string, { disk, key, cluster, log }: FilesOptions) {
  const bytes = await disk.read(name);
  const { frames, wholeBytes } = readFrames(bytes);
  const [first, ...rest] = frames;
  if (first === undefined) throw new Error("its beginning is not whole");
  if (wholeBytes < bytes.length) {
    log.warn("The last changes of what this node keeps are damaged", { file: name });
  }
  const all = await changeIn(first, key);
  if (all.cluster !== cluster) return undefined;
  const values = new Map(all.set);
  let position = all.position;
  for (const payload of rest) {
    const change = await changeIn(payload, key);
    for (const path of change.gone) values.delete(path);
    for (const [path, value] of change.set) values.set(path, value);
    position = change.position;
  }
  const firstBytes = wholeBytes - rest.reduce((sum, { length }) => sum + length + 8, 0);
  return { values, position, file: { name, firstBytes, wholeBytes } };
}
