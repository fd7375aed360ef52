import type { Random } from "../../core/lib/random.ts";
import { Ledger } from "../crash/ledger.ts";
import type { Line } from "../crash/writer_lines.ts";
import type { EtcdCluster } from "../etcd_cluster.ts";
import { eventually, later } from "../eventually.ts";
import { ContenderProcess, type PlantedFault } from "./contender_process.ts";
import { Link } from "./link.ts";

/** What happens to an owner. `cut off`: its way to etcd is cut, and mended when another has taken over. */
export const FATES = ["killed", "paused", "cut off"] as const;
/**
 * What happens to the members of etcd. `parted`: their leader is alone with the owner, until another has taken over
 * with the rest of them. `scattered`: each of them is alone for longer than a lease; the owner is killed when somebody
 * writes again.
 */
export const PARTITIONS = ["parted", "scattered"] as const;
export type Fate = typeof FATES[number] | typeof PARTITIONS[number];

const WRITING_MS_MAX = 300;
/** How long the members are scattered, in leases. */
const SCATTERED_LEASES = 1.5;
/** Why an owner may end: another one has taken over, it cannot tell, or nobody leads the members. */
const IS_EXPECTED =
  /has taken over|keeps changing|etcd|error sending request|raft proposal dropped/;

export interface Tally {
  takeovers: number;
  acknowledged: number;
  /** Commits that turned out to be durable although nobody was told. */
  keptUntold: number;
  /** From an owner's end to the first acknowledged write of the next one, by fate; `scattered`: from the mending on. */
  tookMs: Partial<Record<Fate, number[]>>;
  faults: readonly string[];
}

export interface Takeovers {
  cluster: EtcdCluster;
  leaseMs: number;
  random: Random;
  fates: readonly Fate[];
  planted?: PlantedFault;
}

/** An owner that writes, and its ways to etcd. */
interface Server {
  process: ContenderProcess;
  /** To each member. */
  links: readonly Link[];
  /** The member that it asks as long as it answers. */
  home: number;
}

/** Ends one owner after another while it writes, and looks each time at what the next one finds. Ends with the first fault. */
export async function takeOverTimes(options: Takeovers): Promise<Tally> {
  const { fates, random } = options;
  const ledger = new Ledger();
  const tally: Tally = {
    ...{ takeovers: 0, acknowledged: 0, keptUntold: 0, faults: [] },
    tookMs: {},
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
      const { shown, lines, tookMs } = await takeOver(owner, standby, fate, options);
      tally.takeovers++;
      (tally.tookMs[fate] ??= []).push(tookMs);
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

function serverOf({ cluster, leaseMs, planted }: Takeovers, seed: number): Server {
  const links = cluster.endpoints.map((url) => new Link(url));
  const home = seed % links.length;
  const ways = [...links.slice(home), ...links.slice(0, home)].map(({ url }) => url);
  const options = { endpoints: ways, prefix: `/takeover`, leaseMs, seed, planted };
  return { process: new ContenderProcess(options), links, home };
}

async function takeOver(owner: Server, standby: Server, fate: Fate, options: Takeovers) {
  if (fate === "scattered") return await takeOverScattered(owner, standby, options);
  if (fate === "parted") await lead(options.cluster, owner.home);
  const endedAt = performance.now();
  if (fate === "killed") owner.process.signal("SIGKILL");
  if (fate === "paused") owner.process.signal("SIGSTOP");
  if (fate === "cut off") { for (const link of owner.links) link.cut(); }
  if (fate === "parted") part(owner, standby, options.cluster);
  const shown = await standby.process.won;
  const tookMs = await standby.process.wrote - endedAt;
  if (fate === "paused") owner.process.signal("SIGCONT");
  if (fate === "cut off" || fate === "parted") {
    options.cluster.network?.mend();
    for (const link of [...owner.links, ...standby.links]) link.mend();
  }
  const lines = await owner.process.end();
  return { shown, lines, tookMs };
}

/** Makes a member the leader of the others. */
async function lead({ members }: EtcdCluster, leader: number): Promise<void> {
  await eventually("it leads", async () => {
    if (await members[leader]!.isLeader()) return true;
    for (const member of members) await member.handLeadershipTo(members[leader]!);
  });
}

/** Two networks: in one a member and the owner, in the other all the rest. */
function part(owner: Server, standby: Server, { members, network }: EtcdCluster): void {
  const others = [...members.keys()].filter((member) => member !== owner.home);
  network!.part([[owner.home], others]);
  for (const other of others) owner.links[other]!.cut();
  standby.links[owner.home]!.cut();
}

async function takeOverScattered(owner: Server, standby: Server, { cluster, leaseMs }: Takeovers) {
  cluster.network!.part([...cluster.members.keys()].map((member) => [member]));
  await later(SCATTERED_LEASES * leaseMs);
  cluster.network!.mend();
  const mendedAt = performance.now();
  const wrote = await Promise.race([owner.process.writesAgain(), standby.process.wrote]);
  owner.process.signal("SIGKILL");
  const shown = await standby.process.won;
  const lines = await owner.process.end();
  return { shown, lines, tookMs: wrote - mendedAt };
}

function isExpected(line: Line): boolean {
  return "refused" in line && IS_EXPECTED.test(line.refused);
}

async function remove({ process, links }: Server): Promise<void> {
  process.signal("SIGKILL");
  await process.end();
  for (const link of links) link.close();
}
