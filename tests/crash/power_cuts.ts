import type { Random } from "../../core/lib/random.ts";
import type { Ledger } from "./ledger.ts";
import { type Files, ReplayedDisk } from "./replayed_disk.ts";
import { inspect, withStore } from "./store_file.ts";
import type { SystemCall } from "./system_calls.ts";
import { linesIn } from "./writer_lines.ts";

/** Everything that one writer process did to its disk. */
export interface Trace {
  /** The folder as it was before. */
  files: Files;
  /** What was acknowledged before. */
  ledger: Ledger;
  calls: readonly SystemCall[];
  /** Whether old segments of the log were removed meanwhile. */
  isCleaned: boolean;
}

export interface CutTally {
  cuts: number;
  /** Commits acknowledged before the cuts, all together. */
  acknowledged: number;
  faults: readonly string[];
}

/**
 * Cuts the power at random moments. Each time the store is opened on what is certainly on the disk, and again with a random
 * part of what was not synced, as a server would after the cut. Ends with the first cut that shows a fault.
 */
export async function cutPower(
  { files, ledger, calls }: Trace,
  { cuts, random, folder }: { cuts: number; random: Random; folder: string },
): Promise<CutTally> {
  const disk = new ReplayedDisk(files);
  const tally = { cuts: 0, acknowledged: 0 };
  const moments = Array.from({ length: cuts }, () => random.integer(calls.length));
  let said = "";
  let at = 0;
  for (const moment of moments.sort((a, b) => a - b)) {
    for (; at <= moment; at++) {
      const call = calls[at]!;
      if (call.kind === "say") said += call.text;
      else disk.apply(call);
    }
    tally.cuts++;
    for (const [how, left] of [["synced", disk.synced()], ["torn", disk.torn(random)]] as const) {
      await lay(left, folder);
      const { faults, acknowledged } = await faultsIn(`${folder}/store.kv`, said, ledger.copy());
      tally.acknowledged += acknowledged;
      const where = `call ${moment} of ${calls.length}, ${how}`;
      if (faults.length > 0) return { ...tally, faults: faults.map((text) => `${where}: ${text}`) };
    }
  }
  return { ...tally, faults: [] };
}

async function faultsIn(
  path: string,
  said: string,
  ledger: Ledger,
): Promise<{ faults: string[]; acknowledged: number }> {
  try {
    const left = await inspect(path);
    const finding = await withStore(path, (store) => ledger.settle(linesIn(said), store));
    const swept = await inspect(path);
    const faults = [...left.faults, ...finding.faults, ...swept.faults];
    if (swept.orphans > 0) faults.push(`${swept.orphans} orphans were not swept`);
    return { faults, acknowledged: finding.acknowledged };
  } catch (error) {
    return { faults: [`it does not open: ${(error as Error).message}`], acknowledged: 0 };
  }
}

/** Makes the folder hold these files and no others. */
async function lay(files: Files, folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {}); // the first time there is none
  await Deno.mkdir(folder);
  for (const [file, bytes] of files) await Deno.writeFile(`${folder}/${file}`, bytes);
}
