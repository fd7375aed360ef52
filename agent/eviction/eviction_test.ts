import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { ContainerReport, NodeReport, PodReport } from "../../core/usage/node_report.ts";
import type { PodEviction } from "../pods/runs/observed_pod.ts";
import type { PressureReading } from "../stats/machine_readings.ts";
import { EvictionKeeper } from "./eviction_keeper.ts";
import { podEvictionOf } from "./pod_eviction.ts";
import { mostUrgent, pressureAfter } from "./pressure.ts";
import { isCritical, rankedForEviction } from "./ranking.ts";
import {
  HARD_THRESHOLDS,
  type Observations,
  observationsOf,
  parseThresholds,
  type Signal,
  thresholdsMet,
} from "./thresholds.ts";

const MI = 1024 * 1024;
const FS = {
  capacityBytes: 1_000,
  availableBytes: 500,
  usedBytes: 500,
  inodes: 100,
  inodesFree: 50,
};
const WELL: PressureReading = {
  memory: { availableBytes: 500 * MI, totalBytes: 1_000 * MI },
  fs: FS,
  processes: { running: 10, max: 100 },
};

Deno.test("a threshold is crossed when there is less than it says, and not when there is as much", () => {
  const cases: [change: Partial<PressureReading>, expected: Signal[]][] = [
    [{}, []],
    [{ memory: { availableBytes: 100 * MI, totalBytes: 1_000 * MI } }, []],
    [{ memory: { availableBytes: 100 * MI - 1, totalBytes: 1_000 * MI } }, ["memory.available"]],
    [{ fs: { ...FS, availableBytes: 150 } }, []],
    [{ fs: { ...FS, availableBytes: 149 } }, ["imagefs.available"]],
    [{ fs: { ...FS, availableBytes: 99 } }, ["nodefs.available", "imagefs.available"]],
    [{ fs: { ...FS, availableBytes: 99 }, imageFs: FS }, ["nodefs.available"]],
    [{ imageFs: { ...FS, availableBytes: 149 } }, ["imagefs.available"]],
    [{ fs: { ...FS, inodesFree: 4 } }, ["nodefs.inodesFree", "imagefs.inodesFree"]],
    [{ fs: { ...FS, inodes: 0, inodesFree: 0 } }, []], // btrfs has no number of them
    [{ processes: { running: 100, max: 100 } }, []], // not watched unless asked for
  ];
  for (const [change, expected] of cases) {
    const met = thresholdsMet(HARD_THRESHOLDS, observationsOf({ ...WELL, ...change }));
    assert.deepEqual(met.map(({ signal }) => signal), expected, JSON.stringify(change));
  }
});

Deno.test("thresholds are read as the kubelet's flag has them, and what is none is refused", () => {
  assert.deepEqual(parseThresholds("memory.available<1Gi,nodefs.available<12.5%"), [
    { signal: "memory.available", limit: { amount: 1024 * MI } },
    { signal: "nodefs.available", limit: { share: 0.125 } },
  ]);
  assert.deepEqual(parseThresholds(""), []);
  const wrong = ["memory.available", "toString<1", "memory.available>1Gi", "pid.available<101%"]
    .concat("memory.available<x", "memory.available<-1", "pid.available<1,pid.available<2");
  for (const text of wrong) assert.throws(() => parseThresholds(text), text);
});

Deno.test("a condition stays for the transition period after it was last seen", () => {
  const met = parseThresholds("memory.available<1");
  const at = (elapsedMs: number) => ({ elapsedMs, transitionMs: 1_000 });
  const first = pressureAfter(met, new Map(), at(0));
  assert.deepEqual([...first.conditions], ["MemoryPressure"]);
  assert.equal(pressureAfter([], first.history, at(999)).conditions.size, 1);
  assert.equal(pressureAfter([], first.history, at(1_000)).conditions.size, 0);
  assert.equal(pressureAfter(met, new Map(), { elapsedMs: 0, transitionMs: 0 }).conditions.size, 1);
});

Deno.test("memory is more urgent than all else", () => {
  const met = parseThresholds("nodefs.available<1,memory.available<1");
  assert.equal(mostUrgent(met)?.signal, "memory.available");
  assert.equal(mostUrgent(met.slice(0, 1))?.signal, "nodefs.available");
  assert.equal(mostUrgent([]), undefined);
});

Deno.test("pods over their requests go first, then those of low priority, then the greedy ones", () => {
  const candidates = [
    candidate("modest", { request: 100, used: 99, priority: 0 }),
    candidate("small", { request: 100, used: 110, priority: 0 }),
    candidate("greedy", { request: 0, used: 90, priority: 0 }),
    candidate("dear", { request: 0, used: 999, priority: 5 }),
    { ...candidate("unknown", { request: 0, used: 0, priority: 9 }), usage: undefined },
  ];
  const order = (signal: Signal, hasImageFs = false) =>
    rankedForEviction(candidates, { signal, hasImageFs }).map(({ pod }) => pod.metadata.name);
  assert.deepEqual(order("memory.available"), ["unknown", "greedy", "small", "dear", "modest"]);
  assert.deepEqual(order("nodefs.available"), ["unknown", "greedy", "small", "dear", "modest"]);
  assert.deepEqual(order("pid.available"), ["unknown", "small", "modest", "greedy", "dear"]);
});

Deno.test("where images have a disk of their own, layers count there and nowhere else", () => {
  const layers = candidate("layers", { request: 0, used: 100, priority: 0, layer: 90 });
  const logs = candidate("logs", { request: 0, used: 50, priority: 0, layer: 0 });
  const first = (signal: Signal, hasImageFs: boolean) =>
    rankedForEviction([layers, logs], { signal, hasImageFs })[0]!.pod.metadata.name;
  assert.equal(first("nodefs.available", false), "layers");
  assert.equal(first("nodefs.available", true), "logs");
  assert.equal(first("imagefs.available", true), "layers");
});

Deno.test("ranking keeps all pods, puts none twice, and depends on no order", () => {
  const amounts = {
    request: fc.nat(200),
    used: fc.nat(200),
    priority: fc.integer({ min: -2, max: 2 }),
  };
  fc.assert(fc.property(
    fc.array(fc.record(amounts), { maxLength: 12 }),
    fc.constantFrom<Signal>("memory.available", "nodefs.available", "pid.available"),
    (all, signal) => {
      const candidates = all.map((each, i) => candidate(`pod-${i}`, each));
      const ranked = rankedForEviction(candidates, { signal, hasImageFs: false });
      const names = (some: typeof ranked) => some.map(({ pod }) => pod.metadata.name);
      assert.deepEqual(names(ranked).toSorted(), names(candidates).toSorted());
      const keyOf = ({ pod }: typeof ranked[number]) => all[Number(pod.metadata.name.slice(4))]!;
      for (const [i, one] of ranked.slice(1).entries()) {
        const [before, after] = [keyOf(ranked[i]!), keyOf(one)];
        const isOver = ({ used, request }: typeof before) => used > request;
        if (signal === "pid.available") assert.ok(before.priority <= after.priority);
        else {
          assert.ok(Number(isOver(before)) >= Number(isOver(after)));
          if (isOver(before) === isOver(after)) assert.ok(before.priority <= after.priority);
        }
      }
    },
  ));
});

Deno.test("the words of an eviction are the kubelet's", () => {
  const { pod, usage } = candidate("web", { request: 10 * MI, used: 64 * MI, priority: 0 });
  const observations: Observations = new Map([
    ["memory.available", { available: 80 * MI, capacity: 1_000 * MI }],
    ["nodefs.available", { available: 90, capacity: 1_000 }],
  ]);
  const [memory, disk] = parseThresholds("memory.available<100Mi,nodefs.available<10%");
  const eviction = podEvictionOf({ pod, usage }, memory!, observations);
  const message =
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. " +
    "Container main was using 64Mi, request is 10Mi, has larger consumption of memory. ";
  assert.deepEqual(eviction, {
    reason: "Evicted",
    message,
    graceMs: 1_000,
    condition: { type: "DisruptionTarget", reason: "TerminationByKubelet", message },
  });
  assert.equal(
    podEvictionOf({ pod, usage: undefined }, disk!, observations).message,
    "The node was low on resource: ephemeral-storage. Threshold quantity: 100, available: 90. ",
  );
});

Deno.test("pods that the node itself needs are spared", () => {
  const { pod } = candidate("web", { request: 0, used: 0, priority: 0 });
  const annotated = (annotations: Record<string, string>) =>
    isCritical({ ...pod, metadata: { ...pod.metadata, annotations } });
  assert.equal(isCritical(pod), false);
  assert.equal(isCritical({ ...pod, spec: { ...pod.spec, priority: 2_000_000_000 } }), true);
  assert.equal(isCritical({ ...pod, spec: { ...pod.spec, priority: 1_999_999_999 } }), false);
  assert.equal(annotated({ "kubernetes.io/config.source": "api" }), false);
  assert.equal(annotated({ "kubernetes.io/config.source": "file" }), true);
  assert.equal(annotated({ "kubernetes.io/config.mirror": "x" }), true);
});

Deno.test("one pod after the other is evicted until there is enough, and no critical one", async () => {
  const node = shortNode({ availableMi: 10 });
  const { keeper, clock, evicted, pressures } = node;
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  await clock.advance(500);
  assert.deepEqual(evicted, ["greedy"]);
  assert.deepEqual(pressures.at(-1), ["MemoryPressure"]);
  await clock.advance(5_000);
  assert.deepEqual(evicted, ["greedy"], "it has not ended yet");
  node.end("greedy");
  await clock.advance(2_000);
  assert.deepEqual(evicted, ["greedy", "calm"]);
  node.end("calm");
  node.availableMi = 300;
  await clock.advance(20_000);
  assert.deepEqual(evicted, ["greedy", "calm"]);
  assert.deepEqual(pressures.at(-1), ["MemoryPressure"], "for five minutes");
  await clock.advance(300_000);
  assert.deepEqual(pressures.at(-1), []);
  assert.deepEqual(
    node.events,
    ["EvictionThresholdMet Attempting to reclaim memory"]
      .concat("EvictionThresholdMet Attempting to reclaim memory"),
  );
  stop.abort();
  await running;
});

Deno.test("a disk is cleared first, and nobody is evicted when that is enough", async () => {
  const node = shortNode({ availableMi: 500, diskBytes: 90 });
  node.onReclaim = () => node.diskBytes = 400;
  await node.keeper.look();
  assert.deepEqual([node.evicted, node.reclaims], [[], 1]);
  node.diskBytes = 90;
  node.onReclaim = () => {};
  await node.keeper.look();
  assert.deepEqual([node.evicted, node.reclaims], [["greedy"], 2]);
});

Deno.test("a node that is well is looked at every ten seconds, and nothing else happens", async () => {
  const node = shortNode({ availableMi: 500 });
  const stop = new AbortController();
  const running = node.keeper.run(stop.signal);
  await node.clock.advance(100_000);
  assert.ok(node.looks >= 10 && node.looks <= 11, String(node.looks));
  assert.deepEqual([node.reports, node.reclaims, node.evicted], [0, 0, []]);
  stop.abort();
  await running;
});

interface Amounts {
  request: number;
  used: number;
  priority: number;
  layer?: number;
}

function candidate(name: string, { request, used, priority, layer = 0 }: Amounts) {
  const requests = { memory: String(request), "ephemeral-storage": String(request) };
  const pod = {
    metadata: { name, uid: name },
    spec: { priority, containers: [{ name: "main", resources: { requests } }] },
    status: {},
  } as unknown as Pod;
  if (request % MI === 0 && request > 0) requests.memory = `${request / MI}Mi`;
  const container: ContainerReport = {
    name: "main",
    startedAtMs: 0,
    cpu: { totalNanos: 0 },
    memory: {
      ...{ usedBytes: used, workingSetBytes: used, rssBytes: used },
      ...{ pageFaults: 0, majorPageFaults: 0 },
    },
    processes: used,
    layer: { bytes: layer, inodes: 1 },
  };
  const files = { bytes: used, inodes: used };
  const usage: PodReport = {
    ...pod.metadata,
    namespace: "",
    startedAtMs: 0,
    containers: [container],
    files,
  };
  return { pod, usage };
}

function shortNode(given: { availableMi: number; diskBytes?: number }) {
  const clock = new VirtualClock();
  const pods = [
    candidate("calm", { request: 10, used: 5, priority: 0 }),
    candidate("greedy", { request: 10, used: 50, priority: 0 }),
    candidate("critical", { request: 0, used: 999, priority: 2_000_000_000 }),
  ];
  const ended = new Set<string>();
  const state = {
    diskBytes: 500,
    ...given,
    ...{ looks: 0, reports: 0, reclaims: 0, onReclaim: () => {} },
    clock,
    evicted: [] as string[],
    pressures: [] as string[][],
    events: [] as string[],
    end: (name: string) => void ended.add(name),
  };
  const keeper = new EvictionKeeper({
    clock,
    log: silentLog(clock),
    thresholds: HARD_THRESHOLDS,
    transitionMs: 300_000,
    readings: {
      pressure: () => {
        state.looks++;
        const availableBytes = state.availableMi * MI;
        return {
          memory: { availableBytes, totalBytes: 1_000 * MI },
          fs: { ...FS, availableBytes: state.diskBytes },
        };
      },
    },
    report: () => {
      state.reports++;
      return Promise.resolve({ pods: pods.map(({ usage }) => usage) } as unknown as NodeReport);
    },
    pods: () =>
      pods.filter(({ pod }) => !ended.has(pod.metadata.name)).map(({ pod }) => ({
        pod,
        evict: (_: PodEviction) => void state.evicted.push(pod.metadata.name),
        hasEnded: () => ended.has(pod.metadata.name),
      })),
    reclaim: () => {
      state.reclaims++;
      state.onReclaim();
      return Promise.resolve();
    },
    onPressure: (conditions) => void state.pressures.push([...conditions]),
    events: {
      record: (_, { reason, message }) => void state.events.push(`${reason} ${message}`),
    },
    node: () => ({}) as Node,
  });
  return Object.assign(state, { keeper });
}
