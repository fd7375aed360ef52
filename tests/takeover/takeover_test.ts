/**
 * What a store in etcd keeps when its owner goes, or its members are cut off from each other, while many write:
 *
 *     deno task takeover                one owner killed, one paused, one cut off; two partitions of the members
 *     ROUNDS=200 deno task takeover     more of them, with a limit on the time that each may take
 *     SEED=42 deno task takeover        other moments
 */
import assert from "node:assert/strict";
import { Random } from "../../core/lib/random.ts";
import {
  ETCD_NEEDED,
  EtcdCluster,
  type EtcdClusterOptions,
  isEtcdInstalled,
} from "../etcd_cluster.ts";
import type { PlantedFault } from "./contender_process.ts";
import { type Fate, FATES, PARTITIONS, takeOverTimes, type Tally } from "./takeovers.ts";

const MEMBERS = 3;
const LEASE_MS = 2_000;
/** Where the members elect a new leader first, and the time of a takeover is limited: twice a lease is for both. */
const PARTED_LEASE_MS = 3_000;
const PARTABLE: EtcdClusterOptions = {
  hasNetwork: true,
  args: ["--heartbeat-interval", "50", "--election-timeout", "500"],
};

const rounds = Number(Deno.env.get("ROUNDS") ?? FATES.length);
const isLong = rounds > FATES.length;
const random = () => new Random(Number(Deno.env.get("SEED") ?? 1));

test(`${rounds} owners killed, paused and cut off under 64 writers: nothing acknowledged is lost, no stale write lands`, () =>
  withEtcd(async (cluster) => {
    const fates = Array.from({ length: rounds }, (_, i) => FATES[i % FATES.length]!);
    const tally = await takeOverTimes({ cluster, leaseMs: LEASE_MS, random: random(), fates });
    report(tally);
    assert.deepEqual(tally.faults.slice(0, 10), []);
    assert.ok(tally.acknowledged > rounds, "the owners wrote");
    const slowest = Math.max(...Object.values(tally.tookMs).flat());
    if (isLong) assert.ok(slowest <= 2 * LEASE_MS, `a takeover took ${Math.round(slowest)} ms`);
  }));

const partitions = isLong ? rounds : PARTITIONS.length;
test(`${partitions} times the members of etcd are cut off from each other under 64 writers: the side with a majority goes on, nothing acknowledged is lost, no stale write lands`, () =>
  withEtcd(async (cluster) => {
    const fates: Fate[] = Array.from({ length: partitions }, (_, i) => PARTITIONS[i % 2]!);
    const leaseMs = isLong ? PARTED_LEASE_MS : LEASE_MS;
    const options = { cluster, leaseMs, random: random(), fates };
    const tally = await takeOverTimes(options);
    report(tally);
    assert.deepEqual(tally.faults.slice(0, 10), []);
    assert.ok(tally.acknowledged > partitions, "the owners wrote");
    const slowest = Math.max(...tally.tookMs.parted!);
    if (isLong) {
      assert.ok(slowest <= 2 * PARTED_LEASE_MS, `a takeover took ${Math.round(slowest)} ms`);
    }
  }, PARTABLE));

const PLANTED: readonly (readonly [PlantedFault, Fate])[] = [
  ["unfenced", "paused"],
  ["hasty", "killed"],
  ["hasty", "parted"],
];
for (const [planted, fate] of PLANTED) {
  test(`an owner that is ${planted} is found when it is ${fate}`, () =>
    withEtcd(async (cluster) => {
      const fates = Array.from({ length: FATES.length }, () => fate);
      const options = { cluster, leaseMs: LEASE_MS, random: random(), fates, planted };
      const { faults } = await takeOverTimes(options);
      assert.match(faults.join("\n"), /is lost|holds|was removed and is there|at revision/);
    }, fate === "parted" ? PARTABLE : {}));
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `${name}${ETCD_NEEDED}`, ignore: !isEtcdInstalled, fn: body });
}

async function withEtcd(
  body: (cluster: EtcdCluster) => Promise<void>,
  options: EtcdClusterOptions = {},
): Promise<void> {
  const cluster = await EtcdCluster.start(MEMBERS, options);
  try {
    await body(cluster);
  } finally {
    await cluster.remove();
  }
}

function report({ takeovers, acknowledged, keptUntold, tookMs, faults }: Tally): void {
  const times = Object.entries(tookMs).map(([fate, all]) => {
    const sorted = all.toSorted((a, b) => a - b).map(Math.round);
    return `${fate}: median ${sorted[sorted.length >> 1]}, longest ${sorted.at(-1)} ms`;
  });
  const text = `${takeovers} takeovers: ${acknowledged} acknowledged, ${keptUntold} kept untold, ` +
    `${faults.length} faults; until the next owner writes: ${times.join("; ")}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
