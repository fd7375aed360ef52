import { cpuUsage } from "node:process";
import { EventRecorder } from "../core/client/event_recorder.ts";
import { type Loop, type LoopRun, nameOf } from "../core/controllers/runtime/controller.ts";
import { runLoop } from "../core/controllers/runtime/run_controller.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import { Random } from "../core/lib/random.ts";
import { bootstrap } from "../core/objects/bootstrap.ts";
import { LocalClient } from "../core/objects/local_client.ts";
import { Objects } from "../core/objects/objects.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { pods } from "../core/resources/core/pods/pods.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";
import { KvJournal } from "../core/store/kv/kv_journal.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { Bench, Measurement } from "./harness.ts";
import { Crowd, SHAPES } from "./scheduled_crowd.ts";
import { temporaryFolder } from "./server.ts";
import { median } from "./statistics.ts";

const NODES = [100, 500, 1_000, 2_500, 5_000];
const BOUND = 1_000;
const PENDING = 10_000;
/** Pods that a small cluster has room for beside those that are there. */
const PER_NODE_MAX = 90;
const ROUNDS = 3;
/** Pods a second that are to be placed on the largest cluster. */
const TO_HOLD: Readonly<Record<string, number>> = {
  plain: 5_000,
  "anti-affinity": 1_000,
  "preferred affinity": 1_000,
  spread: 1_000,
  "plain, through the store": 2_000,
};

interface Sample {
  perSecond: number;
  cpuMs: number;
  longestMs: number;
}

/** How many pods a second the scheduler places. kube-scheduler's own threshold at 5,000 nodes: 680, plain ones. */
export const scheduling: Measurement = {
  name: "scheduler",
  title: `Pods placed a second, ${PENDING} pending, ${BOUND} bound`,
  needs: [],
  async run(bench) {
    const rounds = bench.rounds(ROUNDS);
    const rows: string[][] = [];
    for (const shape of Object.keys(SHAPES)) {
      for (const count of NODES) {
        bench.say(`${shape}, ${count} nodes`);
        rows.push(await rowOf(bench, rounds, shape, count, () => inMemory(shape, count)));
      }
    }
    const stored = "plain, through the store";
    for (const count of NODES) {
      bench.say(`${stored}, ${count} nodes`);
      rows.push(await rowOf(bench, rounds, stored, count, () => throughStore(bench, count)));
    }
    return {
      columns: ["pods", "nodes", "pods/s", "CPU ms a pod", "longest decision ms", "to hold"],
      rows,
      notes: [
        `Median of ${rounds} rounds. In memory: bindings are seen at once. Through the store: created, bound by a`,
        "subresource and journalled in a file. Pods of anti-affinity: one of its Deployment on a node, as many pods as fit.",
      ],
    };
  },
};

async function rowOf(
  bench: Bench,
  rounds: number,
  what: string,
  nodeCount: number,
  run: () => Promise<Sample>,
): Promise<string[]> {
  const { own } = await bench.interleave(rounds, { own: run });
  const of = (key: keyof Sample) => median(own!.map((sample) => sample[key]));
  return [
    what,
    String(nodeCount),
    of("perSecond").toFixed(0),
    of("cpuMs").toFixed(3),
    of("longestMs").toFixed(1),
    nodeCount === NODES.at(-1) ? `≥ ${TO_HOLD[what]}` : "",
  ];
}

function pendingOn(shape: string, nodeCount: number): number {
  if (shape === "anti-affinity") return Math.min(PENDING, 5 * (nodeCount - BOUND / 5));
  return Math.min(PENDING, PER_NODE_MAX * nodeCount);
}

export async function inMemory(shape: string, nodeCount: number): Promise<Sample> {
  await Promise.resolve();
  const bound = Math.min(BOUND, nodeCount);
  const pending = shape === "anti-affinity" && nodeCount <= 500
    ? 4 * nodeCount
    : pendingOn(shape, nodeCount);
  const crowd = new Crowd({ nodes: nodeCount, bound, pending }, shape);
  const keys: string[] = [];
  const run = scheduler(PLUGINS).start(crowd.view, (key) => keys.push(key));
  let [count, longestMs] = [0, 0];
  const sample = timed();
  for (const key of keys) {
    const beganMs = performance.now();
    const [write] = run.reconcile(key, { nowMs: 0, elapsedMs: 0 }).writes;
    longestMs = Math.max(longestMs, performance.now() - beganMs);
    if (write?.verb !== "act") continue;
    crowd.bind(nameOf(key).name, (write.body as { target: { name: string } }).target.name);
    count++;
  }
  if (count < pending) throw new Error(`Only ${count} of ${pending} pods were placed`);
  return sample(count, longestMs);
}

/** Returns what makes a sample of the time since. */
function timed(): (count: number, longestMs: number) => Sample {
  const startMs = performance.now();
  const before = cpuUsage();
  return (count, longestMs) => {
    const { user, system } = cpuUsage(before);
    const seconds = (performance.now() - startMs) / 1_000;
    return { perSecond: count / seconds, cpuMs: (user + system) / 1_000 / count, longestMs };
  };
}

export async function throughStore(bench: Bench, nodeCount: number): Promise<Sample> {
  const pending = pendingOn("plain", nodeCount);
  const crowd = new Crowd({ nodes: nodeCount, bound: 0, pending }, "plain");
  const journal = await KvJournal.open(`${await temporaryFolder(bench)}/store.kv`);
  const store = await MemoryStore.open(journal, { resources: RESOURCES, freezing: "none" });
  const clock = new SystemClock();
  const objects = new Objects({ store, clock, random: new Random(1) });
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
  const client = new LocalClient(objects);
  await createAll(crowd, client);
  const stop = new AbortController();
  const log = silentLog(clock);
  const events = new EventRecorder({ client, clock, log, signal: stop.signal });
  const all = Promise.withResolvers<void>();
  let count = 0;
  client.subscribe(pods, ({ object }) => {
    if (object.spec.nodeName !== undefined && ++count === pending) all.resolve();
  });
  let longestMs = 0;
  const loop = timedLoop((ms) => longestMs = Math.max(longestMs, ms));
  const sample = timed();
  const running = runLoop(loop, { client, view: client, clock, log, events }, stop.signal);
  await all.promise;
  const taken = sample(count, longestMs);
  stop.abort();
  await running;
  await store.close();
  return taken;
}

async function createAll(crowd: Crowd, client: LocalClient): Promise<void> {
  await Promise.all(
    crowd.nodes.map(({ metadata: { name, labels }, status }) =>
      client.create(nodes, { metadata: { name, labels: labels! }, status })
    ),
  );
  for (const node of client.list(nodes)) {
    await client.update(nodes, { ...node, spec: { ...node.spec, taints: [] } }); // as if they were ready
  }
  await Promise.all(
    [...crowd.pods.values()].map(({ metadata: { name, labels }, spec }) =>
      client.create(pods, { metadata: { name, namespace: "default", labels: labels! }, spec })
    ),
  );
}

/** The scheduler's loop; `tell` hears how long each decision takes. */
function timedLoop(tell: (ms: number) => void): Loop {
  const loop = scheduler(PLUGINS);
  const start: Loop["start"] = (view, add) => {
    const run = loop.start(view, add);
    const reconcile: LoopRun["reconcile"] = (key, moment) => {
      const beganMs = performance.now();
      const made = run.reconcile(key, moment);
      tell(performance.now() - beganMs);
      return made;
    };
    return { ...run, reconcile };
  };
  return { ...loop, start };
}
