import { later } from "../eventually.ts";
import type { Random } from "../../core/lib/random.ts";
import { Ledger } from "../crash/ledger.ts";
import type { Line } from "../crash/writer_lines.ts";
import { ContenderProcess, type PlantedFault } from "./contender_process.ts";
import { Link } from "./link.ts";

/** What happens to an owner. `cut`: its way to etcd, and mended when another has taken over. */
export const FATES = ["killed", "paused", "cut off"] as const;
export type Fate = typeof FATES[number];

const WRITING_MS_MAX = 300;
/** Why an owner may end: another one has taken over, or it cannot tell. */
const IS_EXPECTED = /has taken over|does not keep still|etcd|error sending request/;

export interface Tally {
  takeovers: number;
  acknowledged: number;
  /** Commits that turned out to be durable although nobody was told. */
  keptUntold: number;
  /** From an owner's end to the first acknowledged write of the next one, by fate. */
  tookMs: Record<Fate, number[]>;
  faults: readonly string[];
}

export interface Takeovers {
  endpoints: readonly string[];
  leaseMs: number;
  random: Random;
  fates: readonly Fate[];
  planted?: PlantedFault;
}

/** An owner that writes, and its way to etcd. */
interface Server {
  process: ContenderProcess;
  links: readonly Link[];
}

/** Ends one owner after another while it writes, and looks each time at what the next one finds. Ends with the first fault. */
export async function takeOverTimes(options: Takeovers): Promise<Tally> {
  const { fates, random } = options;
  const ledger = new Ledger();
  const tally: Tally = {
    ...{ takeovers: 0, acknowledged: 0, keptUntold: 0, faults: [] },
    tookMs: { "killed": [], "paused": [], "cut off": [] },
  };
  let seed = 1;
  let owner = serverOf(options, seed);
  const servers = [owner];
  try {
    await owner.process.won;
    for (const fate of fates) {
      const standby = serverOf(options, ++seed);
      servers.push(standby);
      await standby.process.standsBy;
      await owner.process.wrote;
      await later(random.integer(WRITING_MS_MAX));
      const { shown, lines, tookMs } = await takeOver(owner, standby, fate);
      tally.takeovers++;
      tally.tookMs[fate].push(tookMs);
      const finding = ledger.settle(lines.filter((line) => !isExpected(line)), shown);
      tally.acknowledged += finding.acknowledged;
      tally.keptUntold += finding.keptUntold;
      if (finding.faults.length > 0) return { ...tally, faults: finding.faults };
      owner = standby;
    }
    return tally;
  } finally {
    for (const server of servers) await remove(server);
  }
}

function serverOf({ endpoints, leaseMs, planted }: Takeovers, seed: number): Server {
  const links = endpoints.map((url) => new Link(url));
  const ways = links.map(({ url }) => url);
  const options = { endpoints: ways, prefix: `/takeover`, leaseMs, seed, planted };
  return { process: new ContenderProcess(options), links };
}

async function takeOver(owner: Server, standby: Server, fate: Fate) {
  const endedAt = performance.now();
  if (fate === "killed") owner.process.signal("SIGKILL");
  if (fate === "paused") owner.process.signal("SIGSTOP");
  if (fate === "cut off") { for (const link of owner.links) link.cut(); }
  const shown = await standby.process.won;
  const tookMs = await standby.process.wrote - endedAt;
  if (fate === "paused") owner.process.signal("SIGCONT");
  if (fate === "cut off") { for (const link of owner.links) link.mend(); }
  const lines = await owner.process.end();
  return { shown, lines, tookMs };
}

function isExpected(line: Line): boolean {
  return "refused" in line && IS_EXPECTED.test(line.refused);
}

async function remove({ process, links }: Server): Promise<void> {
  process.signal("SIGKILL");
  await process.end();
  for (const link of links) link.close();
}
