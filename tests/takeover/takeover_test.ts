/**
 * What a store in etcd keeps when its owner goes while many write:
 *
 *     deno task takeover                one owner killed, one paused, one cut off
 *     ROUNDS=200 deno task takeover     more of them, with a limit on the time that each may take
 *     SEED=42 deno task takeover        other moments
 */
import assert from "node:assert/strict";
import { Random } from "../../core/lib/random.ts";
import { ETCD_NEEDED, EtcdCluster, etcdIsThere } from "../etcd_cluster.ts";
import type { PlantedFault } from "./contender_process.ts";
import { type Fate, FATES, takeOverTimes, type Tally } from "./takeovers.ts";

const MEMBERS = 3;
const LEASE_MS = 2_000;

const rounds = Number(Deno.env.get("ROUNDS") ?? FATES.length);
const isLong = rounds > FATES.length;
const random = () => new Random(Number(Deno.env.get("SEED") ?? 1));

test(`${rounds} owners killed, paused and cut off under 64 writers: nothing acknowledged is lost, no stale write lands`, () =>
  withEtcd(async (endpoints) => {
    const fates = Array.from({ length: rounds }, (_, i) => FATES[i % FATES.length]!);
    const tally = await takeOverTimes({ endpoints, leaseMs: LEASE_MS, random: random(), fates });
    report(tally);
    assert.deepEqual(tally.faults.slice(0, 10), []);
    assert.ok(tally.acknowledged > rounds, "the owners wrote");
    const slowest = Math.max(...Object.values(tally.tookMs).flat());
    if (isLong) assert.ok(slowest <= 2 * LEASE_MS, `a takeover took ${Math.round(slowest)} ms`);
  }));

const PLANTED: readonly (readonly [PlantedFault, Fate])[] = [["unfenced", "paused"], [
  "hasty",
  "killed",
]];
for (const [planted, fate] of PLANTED) {
  test(`an owner that is ${planted} is found`, () =>
    withEtcd(async (endpoints) => {
      const fates = Array.from({ length: FATES.length }, () => fate);
      const options = { endpoints, leaseMs: LEASE_MS, random: random(), fates, planted };
      const { faults } = await takeOverTimes(options);
      assert.match(faults.join("\n"), /is lost|holds|was removed and is there|at revision/);
    }));
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `${name}${ETCD_NEEDED}`, ignore: !etcdIsThere, fn: body });
}

async function withEtcd(body: (endpoints: readonly string[]) => Promise<void>): Promise<void> {
  const cluster = await EtcdCluster.start(MEMBERS);
  try {
    await body(cluster.endpoints);
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
