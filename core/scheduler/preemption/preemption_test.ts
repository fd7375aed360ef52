import assert from "node:assert/strict";
import fc from "fast-check";
import { disruptionController } from "../../controllers/cluster/disruptions.ts";
import { MutableCatalog } from "../../resources/catalog.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { replicationControllers } from "../../resources/core/replication_controllers.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { podDisruptionBudgets } from "../../resources/policy/pod_disruption_budgets.ts";
import { SchedulerRun } from "../scheduler_fixture.ts";
import { leastHarmful } from "./candidates.ts";

const DISRUPTIONS = disruptionController(new MutableCatalog(RESOURCES));
const FAILED = "0/1 nodes are available: 1 Insufficient cpu.";

Deno.test("a pod of a higher priority makes room for itself, with Kubernetes' words, and is placed when its victims are gone", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.running("low", "n", { cpu: "3", priority: 1 });
  run.running("small", "n", { cpu: "500m", priority: 2 });
  const high = run.pod("high", { cpu: "3", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["low"]);
  assert.equal(run.get("high")?.status.nominatedNodeName, "n");
  assert.equal(run.why("high"), FAILED);
  const { reason, status, message } = conditionOf(
    run.get("low")!.status.conditions,
    "DisruptionTarget",
  )!;
  assert.deepEqual([status, reason, message], [
    "True",
    "PreemptionByScheduler",
    "default-scheduler: preempting to accommodate a higher priority pod",
  ]);
  const told = run.cluster.notices.map(({ about, type, reason, message }) => [
    about.metadata.name,
    type,
    reason,
    message,
  ]);
  assert.deepEqual(told, [
    ["low", "Normal", "Preempted", `Preempted by pod ${high.metadata.uid} on node n`],
    ["high", "Warning", "FailedScheduling", FAILED],
  ]);
  run.pod("late", { cpu: "500m", priority: 10 });
  run.pod("later", { cpu: "500m", priority: 1 });
  run.decide();
  assert.equal(run.where("late"), undefined, "the room is kept");
  run.take("low");
  run.decide();
  assert.equal(run.where("high"), "n");
  assert.equal(run.where("late"), "n");
  assert.equal(run.where("later"), undefined);
});

/** A change that may help a pod to be scheduled: it is tried again. */
function relabel(run: SchedulerRun, name: string): void {
  const pod = run.get(name)!;
  const labels = { changed: String(Number(pod.metadata.labels?.["changed"] ?? 0) + 1) };
  run.cluster.put(pods, { ...pod, metadata: { ...pod.metadata, labels } });
}

Deno.test("a pod says why it makes no room", () => {
  const none = "Preemption is not helpful for scheduling";
  const rows: [title: string, prepare: (run: SchedulerRun) => void, message: string][] = [
    [
      "no pod has a lower priority",
      (run) => run.running("other", "n", { cpu: "3", priority: 10 }),
      `${FAILED} preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.`,
    ],
    [
      "what has a lower priority is too small",
      (run) => {
        run.running("other", "n", { cpu: "3", priority: 10 });
        run.running("small", "n", { cpu: "1", priority: 1 });
      },
      `${FAILED} preemption: 0/1 nodes are available: 1 Insufficient cpu.`,
    ],
    [
      "the node is too small",
      (run) => run.node("n", "1"),
      `${FAILED} preemption: 0/1 nodes are available: 1 ${none}.`,
    ],
  ];
  for (const [title, prepare, message] of rows) {
    const run = new SchedulerRun();
    run.node("n");
    prepare(run);
    run.pod("high", { cpu: "3", priority: 10 });
    run.decide();
    assert.equal(run.why("high"), message, title);
    assert.deepEqual(run.ending, [], title);
    assert.equal(run.get("high")?.status.nominatedNodeName, undefined, title);
  }
});

Deno.test("a pod that must not preempt waits, but others make room for it as for any", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.running("low", "n", { cpu: "3", priority: 1 });
  run.pod("polite", { cpu: "3", priority: 10, spec: { preemptionPolicy: "Never" } });
  run.decide();
  assert.deepEqual(run.ending, []);
  assert.equal(
    run.why("polite"),
    `${FAILED} preemption: not eligible due to preemptionPolicy=Never.`,
  );
  run.take("low");
  run.decide();
  assert.equal(run.where("polite"), "n");
});

Deno.test("a pod whose victims still end evicts no others, and says so", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.node("m");
  run.running("low", "n", { cpu: "3", priority: 1 });
  run.running("mid", "m", { cpu: "3", priority: 2 });
  run.pod("high", { cpu: "2", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["low"]);
  relabel(run, "high");
  run.decide();
  assert.deepEqual(run.ending, ["low"]);
  assert.equal(
    run.why("high"),
    "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.",
  );
  assert.equal(run.get("high")?.status.nominatedNodeName, "n");
});

Deno.test("room that is no longer enough is given up, and more is made", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.running("low", "n", { cpu: "3", priority: 1 });
  run.running("other", "n", { cpu: "1", priority: 2 });
  run.pod("high", { cpu: "3", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["low"]);
  run.node("n", "3");
  relabel(run, "high");
  run.decide();
  assert.deepEqual(run.ending, ["low", "other"]);
  run.node("n", "2");
  relabel(run, "high");
  run.decide();
  assert.equal(run.get("high")?.status.nominatedNodeName, undefined);
});

Deno.test("a pod of a still higher priority takes the room that was made, and the other one looks again", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.running("low", "n", { cpu: "4", priority: 1 });
  run.pod("high", { cpu: "4", priority: 10 });
  run.decide();
  assert.equal(run.get("high")?.status.nominatedNodeName, "n");
  run.pod("highest", { cpu: "4", priority: 20 });
  run.decide();
  assert.equal(run.get("highest")?.status.nominatedNodeName, "n");
  assert.equal(run.get("high")?.status.nominatedNodeName, undefined);
  const preempted = run.cluster.notices.filter(({ reason }) => reason === "Preempted");
  assert.equal(preempted.length, 1, "who ends already is not evicted again");
  run.take("low");
  run.decide();
  assert.deepEqual([run.where("highest"), run.where("high")], ["n", undefined]);
});

Deno.test("room is kept after a restart of the scheduler, and given up when its pod goes", () => {
  const run = new SchedulerRun();
  run.node("n");
  run.running("low", "n", { cpu: "4", priority: 1 });
  run.pod("high", { cpu: "4", priority: 10 });
  run.decide();
  const afresh = new SchedulerRun(run.cluster);
  afresh.take("low");
  afresh.pod("other", { cpu: "1", priority: 5 });
  while (afresh.waiting[0] !== undefined && afresh.where("high") === undefined) {
    afresh.cluster.perform(afresh.next()!);
  }
  assert.equal(afresh.where("high"), "n");
  const again = new SchedulerRun();
  again.node("n");
  again.running("low", "n", { cpu: "4", priority: 1 });
  again.pod("high", { cpu: "4", priority: 10 });
  again.decide();
  again.take("low");
  again.pod("other", { cpu: "1", priority: 5 });
  again.take("high");
  again.decide();
  assert.equal(again.where("other"), "n");
});

Deno.test("of the pods of a node the least important ones go: of lower priority, then those that started last", () => {
  const rows: [pods: [priority: number, startS: number][], victims: string[]][] = [
    [[[1, 10], [2, 10], [3, 10]], ["p0"]],
    [[[3, 10], [2, 20], [1, 30]], ["p2"]],
    [[[1, 10], [1, 20], [1, 30]], ["p2"]],
    [[[1, 30], [1, 20], [1, 10]], ["p0"]],
    [[[2, 30], [1, 10], [2, 20]], ["p1"]],
  ];
  for (const [residents, victims] of rows) {
    const run = new SchedulerRun();
    run.node("n", "3");
    residents.forEach(([priority, startS], i) => {
      const startTime = new Date(startS * 1_000).toISOString().replace(".000", "");
      run.running(`p${i}`, "n", { cpu: "1", priority, startTime });
    });
    run.pod("high", { cpu: "1", priority: 10 });
    run.decide();
    assert.deepEqual(run.ending, victims, JSON.stringify(residents));
  }
});

Deno.test("a pod that ends anyway is not evicted, and spares the others", () => {
  const run = new SchedulerRun();
  run.node("n", "2");
  const important = run.running("important", "n", { cpu: "1", priority: 9 });
  run.cluster.put(pods, {
    ...important,
    metadata: { ...important.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  });
  run.running("other", "n", { cpu: "1", priority: 1 });
  run.pod("high", { cpu: "1", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["important"]);
  assert.equal(run.get("high")?.status.nominatedNodeName, "n");
  assert.ok(run.cluster.notices.every(({ reason }) => reason !== "Preempted"));
});

Deno.test("pods under a disruption budget are spared where that is possible", () => {
  const run = new SchedulerRun();
  for (const node of ["a", "b", "c"]) run.node(node);
  run.budget("web", "web", 1);
  run.running("web-1", "a", { cpu: "2", priority: 0, labels: { app: "web" } });
  run.running("web-2", "a", { cpu: "2", priority: 0, labels: { app: "web" } });
  run.running("web-3", "b", { cpu: "4", priority: 0, labels: { app: "web" } });
  run.running("db", "c", { cpu: "4", priority: 9 });
  run.pod("high", { cpu: "4", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["web-3"], "one may go");
  run.pod("higher", { cpu: "4", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["db", "web-3"], "no other may, though it has a lower priority");
  run.pod("highest", { cpu: "4", priority: 10 });
  run.decide();
  assert.deepEqual(run.ending, ["db", "web-1", "web-2", "web-3"], "there is no other choice");
});

function candidate(node: string, violations: number, ...victims: [number, number?][]) {
  const of = ([priority, startS]: [number, number?]) => ({
    spec: { priority },
    status: { ...(startS !== undefined && { startTime: new Date(startS * 1000).toISOString() }) },
  } as unknown as Pod);
  return { node, violations, victims: victims.map(of) };
}

Deno.test("of several nodes the one is chosen where preemption does the least harm", () => {
  const rows: [Parameters<typeof leastHarmful>[0], string | undefined][] = [
    [[], undefined],
    [[candidate("a", 0, [5])], "a"],
    [[candidate("a", 1, [0]), candidate("b", 0, [9], [9])], "b"],
    [[candidate("a", 0, [5], [0]), candidate("b", 0, [4], [4], [4])], "b"],
    [[candidate("a", 0, [5], [3]), candidate("b", 0, [5], [2])], "b"],
    [[candidate("a", 0, [-5], [-6]), candidate("b", 0, [-5])], "b"],
    [[candidate("a", 0, [5, 10]), candidate("b", 0, [5, 20])], "b"],
    [[candidate("a", 0, [5, 10]), candidate("b", 0, [5, 9], [4, 30])], "a"],
    [[candidate("a", 0, [5, 20]), candidate("b", 0, [5])], "b"],
    [[candidate("a", 0, [5, 20], [3, 1]), candidate("b", 0, [5, 10], [3, 30])], "a"],
    [[candidate("a", 0, [5, 10], [5, 40]), candidate("b", 0, [5, 20], [5, 30])], "b"],
    [[candidate("a", 0, [5, 10]), candidate("b", 0, [5, 10])], "a"],
  ];
  for (const [candidates, node] of rows) {
    assert.equal(leastHarmful(candidates)?.node, node, JSON.stringify(candidates));
  }
});

const APPS = ["x", "y"];
const resident = fc.record({
  node: fc.nat(2),
  cpu: fc.integer({ min: 1, max: 3 }),
  priority: fc.integer({ min: 0, max: 3 }),
  app: fc.constantFrom(undefined, ...APPS),
});
const scene = fc.record({
  residents: fc.array(resident, { minLength: 3, maxLength: 9 }),
  allowed: fc.tuple(fc.nat(2), fc.nat(2)),
  cpu: fc.integer({ min: 1, max: 5 }),
});
const NODE_CPU = 6;

Deno.test("whoever is evicted: no one in vain, no one of the same priority, and no budget is broken without need", () => {
  fc.assert(
    fc.property(scene, ({ residents, allowed, cpu }) => {
      const run = new SchedulerRun();
      for (const node of [0, 1, 2]) run.node(`n${node}`, `${NODE_CPU}`);
      APPS.forEach((app, i) => run.budget(app, app, allowed[i]!));
      const used = [0, 0, 0];
      const there = residents.filter((each, i) => {
        if (used[each.node]! + each.cpu > NODE_CPU) return false;
        used[each.node]! += each.cpu;
        const labels = each.app ? { app: each.app } : {};
        const parts = { cpu: `${each.cpu}`, priority: each.priority, labels };
        run.running(`p${i}`, `n${each.node}`, parts);
        return true;
      }).map((each) => each);
      run.pod("new", { cpu: `${cpu}`, priority: 2 });
      run.decide();
      const fits = used.some((sum) => sum + cpu <= NODE_CPU);
      assert.equal(run.where("new") !== undefined, fits);
      const victims = run.ending.map((name) => residents[Number(name.slice(1))]!);
      const sets = fits ? [] : choices(there, used, cpu);
      assert.equal(victims.length > 0, sets.length > 0);
      if (victims.length === 0) return;
      const [{ node }] = victims as [typeof victims[number]];
      assert.ok(victims.every((victim) => victim.node === node && victim.priority < 2));
      const freed = victims.reduce((sum, victim) => sum + victim.cpu, 0);
      for (const { cpu: spared } of victims) {
        assert.ok(used[node]! - freed + spared + cpu > NODE_CPU, "each was needed");
      }
      const isBroken = (set: typeof victims) =>
        APPS.some((app, i) => set.filter((each) => each.app === app).length > allowed[i]!);
      if (isBroken(victims)) assert.ok(sets.every(isBroken), "another choice breaks no budget");
    }),
    { numRuns: 500 },
  );
});

/** All sets of pods of one node without which there would be room. */
function choices<P extends { node: number; cpu: number; priority: number }>(
  there: readonly P[],
  used: readonly number[],
  cpu: number,
): P[][] {
  return [0, 1, 2].flatMap((node) => {
    const lower = there.filter((each) => each.node === node && each.priority < 2);
    return Array.from(
      { length: 2 ** lower.length },
      (_, bits) => lower.filter((_, i) => (bits >> i) % 2 === 1),
    ).filter((set) => used[node]! - set.reduce((sum, each) => sum + each.cpu, 0) + cpu <= NODE_CPU);
  });
}

const arrival = fc.record({
  cpu: fc.integer({ min: 1, max: 4 }),
  priority: fc.integer({ min: 0, max: 4 }),
});

Deno.test("of many pods that arrive at once none waits in the end that is more important than what is in its way", () => {
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 2, maxLength: 12 }), (arrivals) => {
      const run = new SchedulerRun();
      for (const node of [0, 1]) run.node(`n${node}`, "4");
      run.cluster.put(replicationControllers, {
        metadata: { name: "x" },
        spec: {
          replicas: 2,
          selector: { app: "x" },
          template: { metadata: {}, spec: { containers: [{ name: "a", image: "a" }] } },
        },
      });
      const owner = run.cluster.get(replicationControllers, { namespace: "default", name: "x" })!;
      const { uid, name } = owner.metadata;
      for (const node of [0, 1]) {
        const pod = run.running(`x${node}`, `n${node}`, { priority: 1, labels: { app: "x" } });
        const reference = { apiVersion: "v1", kind: "ReplicationController", name, uid };
        run.cluster.put(pods, {
          ...pod,
          metadata: { ...pod.metadata, ownerReferences: [{ ...reference, controller: true }] },
        });
      }
      run.cluster.put(podDisruptionBudgets, {
        metadata: { name: "x" },
        spec: { selector: { matchLabels: { app: "x" } }, maxUnavailable: 1 },
      });
      run.cluster.settle([DISRUPTIONS]);
      arrivals.forEach(({ cpu, priority }, i) => run.pod(`p${i}`, { cpu: `${cpu}`, priority }));
      for (let round = 0; round < 20; round++) {
        run.decide();
        run.cluster.settle([DISRUPTIONS]);
        for (const name of run.ending) run.take(name);
      }
      assertNoInversion(run);
    }),
    { numRuns: 200 },
  );
});

/** No pod waits that would fit in place of pods of lower priority on some node. */
function assertNoInversion(run: SchedulerRun): void {
  const all = run.cluster.list(pods);
  const cpuOf = ({ spec }: Pod) => Number(spec.containers[0]!.resources.requests!["cpu"]);
  for (const waiting of all.filter(({ spec }) => spec.nodeName === undefined)) {
    for (const node of ["n0", "n1"]) {
      const kept = all.filter(({ spec }) =>
        spec.nodeName === node && spec.priority! >= waiting.spec.priority!
      );
      const sum = kept.reduce((total, pod) => total + cpuOf(pod), 0);
      assert.ok(sum + cpuOf(waiting) > 4, `${waiting.metadata.name} could be on ${node}`);
    }
  }
}
