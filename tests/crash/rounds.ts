import { later } from "../eventually.ts";
import type { Random } from "../../core/lib/random.ts";
import type { PlantedFault } from "./faulty_journal.ts";
import { Ledger } from "./ledger.ts";
import { inspect, withStore } from "./store_file.ts";
import { WriterProcess } from "./writer_process.ts";

/** Share of the rounds that kill the process while it starts. */
const EARLY_SHARE = 0.2;
const START_MS_MAX = 250;
const WRITING_MS_MAX = 300;

export interface Tally {
  rounds: number;
  acknowledged: number;
  keptUntold: number;
  /** Chunks that a killed process left behind, and the next start swept. */
  orphansSwept: number;
  faults: readonly string[];
}

/** Kills one writer after another on one file, and checks each time what is left. Ends with the first fault. */
export async function killWriters(
  path: string,
  { rounds, random, planted }: {
    rounds: number;
    random: Random;
    planted?: PlantedFault | undefined;
  },
): Promise<Tally> {
  const ledger = new Ledger();
  const tally = { rounds: 0, acknowledged: 0, keptUntold: 0, orphansSwept: 0 };
  while (tally.rounds < rounds) {
    const isEarly = tally.rounds > 0 && random.chance(EARLY_SHARE);
    const process = new WriterProcess(path, ++tally.rounds, { planted });
    if (!isEarly) await process.ready();
    await later(random.integer(isEarly ? START_MS_MAX : WRITING_MS_MAX));
    const lines = await process.kill();
    const left = await inspect(path);
    const finding = await withStore(path, (store) => ledger.settle(lines, store));
    const swept = await inspect(path);
    tally.acknowledged += finding.acknowledged;
    tally.keptUntold += finding.keptUntold;
    tally.orphansSwept += left.orphans;
    const faults = [...left.faults, ...finding.faults, ...swept.faults];
    if (swept.orphans > 0) faults.push(`${swept.orphans} orphans were not swept`);
    if (faults.length > 0) return { ...tally, faults };
  }
  return { ...tally, faults: [] };
}
