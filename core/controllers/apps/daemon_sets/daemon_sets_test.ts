import assert from "node:assert/strict";
import { ApiError } from "../../../client/api_error.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import { daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import {
  CONTROLLER,
  DaemonSetUnderTest,
  isReadyPod,
  rolling,
  templateOf,
} from "./daemon_set_fixture.ts";

const NAME = { namespace: "default", name: "log" };

Deno.test("golden: every node gets a pod, by way of the scheduler", () => {
  const log = new DaemonSetUnderTest().look();
  assert.deepEqual(log.picture(), ["a:log:1", "b:log:1", "c:log:1"]);
  assert.equal(log.counts(), "desired=3 current=3 updated=3 unavailable=3");
  assert.deepEqual(log.events(), Array(3).fill("Normal SuccessfulCreate Created pod: <pod>"));
  const { metadata, spec } = log.one("a");
  assert.equal(spec.nodeName, undefined);
  assert.match(metadata.name, /^log-[a-z0-9]{5}$/);
  assert.equal(metadata.generateName, "log-");
  assert.deepEqual(spec.affinity, {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{
          matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }],
        }],
      },
    },
  });
  log.run();
  assert.equal(log.counts(), "desired=3 current=3 ready=3 updated=3 available=3");
  assert.equal(log.daemonSet.status.observedGeneration, 1);
});

Deno.test("golden: a node that comes gets a pod, one that goes loses it", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  log.node("b");
  log.run();
  assert.equal(log.counts(), "desired=2 current=2 ready=2 updated=2 available=2");
  log.dropNode("b");
  log.look();
  assert.equal(log.counts(), "desired=1 current=1 ready=1 updated=1 available=1");
  log.node("c");
  log.look();
  log.dropNode("c");
  assert.deepEqual(log.look().on("c"), [], "a pod that is not bound goes with its node");
  assert.equal(log.on("b").length, 1, "a bound one is left to the garbage collection of pods");
});

Deno.test("golden: nodes are chosen by labels; when they change, pods come and go", () => {
  const template = templateOf("log:1", { nodeSelector: { disk: "ssd" } });
  const log = new DaemonSetUnderTest({ template });
  log.look();
  assert.equal(log.counts(), "");
  log.node("b", { labels: { disk: "ssd" } });
  log.run();
  assert.deepEqual(log.picture(), ["b:log:1 ready"]);
  log.node("b", { labels: { disk: "hdd" } });
  assert.deepEqual(log.look().picture(), ["b:log:1 ready ending"]);
  assert.equal(log.counts(), "misscheduled=1");
});

Deno.test("golden: a taint NoSchedule lets pods stay, NoExecute does not; a node that is cordoned gets one", () => {
  const log = new DaemonSetUnderTest({}, ["a", "b", "c", "d"]);
  const cordoned = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  log.node("c", { taints: [cordoned] });
  log.node("d", { taints: [{ key: "own", effect: "NoSchedule" }] });
  log.run();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "b:log:1 ready", "c:log:1 ready"]);
  log.node("a", { taints: [{ key: "own", effect: "NoSchedule" }] });
  log.node("b", { taints: [{ key: "own", effect: "NoExecute" }] });
  log.look();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "b:log:1 ready ending", "c:log:1 ready"]);
  assert.equal(log.counts(), "desired=1 current=1 ready=1 updated=1 available=1 misscheduled=2");
});

Deno.test("golden: a rolling update replaces as many pods at once as may be missing", () => {
  const log = new DaemonSetUnderTest().run();
  log.events();
  log.change({ template: templateOf("log:2") });
  log.look();
  assert.deepEqual(log.picture(), ["a:log:1 ready ending", "b:log:1 ready", "c:log:1 ready"]);
  log.end(log.one("a"));
  log.look();
  assert.deepEqual(log.picture(), ["a:log:2", "b:log:1 ready", "c:log:1 ready"]);
  assert.equal(log.counts(), "desired=3 current=3 ready=2 updated=1 available=2 unavailable=1");
  log.run();
  assert.deepEqual(log.picture(), ["a:log:2 ready", "b:log:2 ready", "c:log:2 ready"]);
  assert.deepEqual(log.events(), [
    ...Array(3).fill([
      "Normal SuccessfulDelete Deleted pod: <pod>",
      "Normal SuccessfulCreate Created pod: <pod>",
    ]).flat(),
  ]);
});

Deno.test("how many pods go at once: numbers, shares rounded up, and at least one", () => {
  for (
    const [maxUnavailable, count] of [[1, 1], [2, 2], ["50%", 3], ["1%", 1], ["100%", 5]] as const
  ) {
    const log = new DaemonSetUnderTest(
      { updateStrategy: rolling({ maxUnavailable }) },
      ["a", "b", "c", "d", "e"],
    ).run();
    log.change({ template: templateOf("log:2") });
    assert.equal(endingOn(log.look()).length, count, String(maxUnavailable));
  }
});

Deno.test("old pods that are not available go at once, and count as missing", () => {
  const log = new DaemonSetUnderTest({ updateStrategy: rolling({ maxUnavailable: 2 }) }).run();
  log.start(log.one("c"), { ready: false });
  log.change({ template: templateOf("log:2") });
  assert.deepEqual(endingOn(log.look()), ["a", "c"]);
});

Deno.test("an update waits for new pods that are not available", () => {
  const log = new DaemonSetUnderTest({ minReadySeconds: 5 }).run();
  log.cluster.nowMs += 5_000;
  log.look();
  log.change({ template: templateOf("log:2") });
  log.look().end(log.one("a"));
  log.look().start(log.one("a"));
  assert.deepEqual(endingOn(log.look()), []);
  assert.equal(planOf(log).againAfterMs, 5_000);
  log.cluster.nowMs += 5_000;
  assert.deepEqual(endingOn(log.look()), ["b"]);
});

Deno.test("golden: with a surge, the new pod comes first, and the old one goes when it is available", () => {
  const log = new DaemonSetUnderTest({ updateStrategy: rolling({ maxSurge: 1 }) }).run();
  log.change({ template: templateOf("log:2") });
  log.look();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "a:log:2", "b:log:1 ready", "c:log:1 ready"]);
  log.start(log.on("a").find((pod) => !isReadyPod(pod))!);
  log.look();
  assert.deepEqual(log.picture(), [
    "a:log:1 ready ending",
    "a:log:2 ready",
    "b:log:1 ready",
    "b:log:2",
    "c:log:1 ready",
  ]);
  log.run();
  assert.deepEqual(log.picture(), ["a:log:2 ready", "b:log:2 ready", "c:log:2 ready"]);
  assert.equal(log.counts(), "desired=3 current=3 ready=3 updated=3 available=3");
});

Deno.test("with a surge, an old pod that is not ready gets a new one beyond it, and goes", () => {
  const log = new DaemonSetUnderTest({ updateStrategy: rolling({ maxSurge: 1 }) }).run();
  log.start(log.one("b"), { ready: false });
  log.start(log.one("c"), { ready: false });
  log.change({ template: templateOf("log:2") });
  log.look();
  assert.deepEqual(log.picture(), [
    "a:log:1 ready",
    "a:log:2",
    "b:log:1 ending",
    "b:log:2",
    "c:log:1 ending",
    "c:log:2",
  ]);
});

Deno.test("with a surge, a node that the new template leaves keeps its pod until another one is up", () => {
  const log = new DaemonSetUnderTest(
    { template: templateOf("log:1", { nodeName: "a" }), updateStrategy: rolling({ maxSurge: 1 }) },
    ["a", "b"],
  ).run();
  assert.deepEqual(log.picture(), ["a:log:1 ready"]);
  log.node("a", { taints: [{ key: "own", effect: "NoSchedule" }] });
  log.change({ template: templateOf("log:2") });
  log.look();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "b:log:2"]);
  log.start(log.one("b"));
  assert.deepEqual(endingOn(log.look()), ["a"]);
});

Deno.test("without a surge, all but the oldest pod of a node go", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  const first = log.one("a");
  log.cluster.nowMs += 1_000;
  const { uid: _, ...metadata } = first.metadata;
  log.cluster.put(pods, {
    metadata: { ...metadata, name: "log-aaaaa", creationTimestamp: timestamp(log.cluster.nowMs) },
    spec: first.spec,
    status: first.status,
  });
  assert.deepEqual(
    log.look().pods.filter(({ metadata }) => metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name),
    ["log-aaaaa"],
  );
});

Deno.test("golden: with OnDelete, a pod is made anew only when somebody has deleted it", () => {
  const log = new DaemonSetUnderTest({ updateStrategy: { type: "OnDelete" } }).run();
  log.change({ template: templateOf("log:2") });
  log.run();
  assert.equal(log.counts(), "desired=3 current=3 ready=3 available=3");
  log.end(log.one("b"));
  log.run();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "b:log:2 ready", "c:log:1 ready"]);
  assert.equal(log.counts(), "desired=3 current=3 ready=3 updated=1 available=3");
});

Deno.test("golden: a pod that fails is deleted and made anew, ever more slowly", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).look();
  log.events();
  log.fail(log.one("a"));
  log.look();
  assert.deepEqual(log.events(), [
    "Warning FailedDaemonPod Found failed daemon pod default/<pod> on node a, will try to kill it",
    "Normal SuccessfulDelete Deleted pod: <pod>",
    "Normal SuccessfulCreate Created pod: <pod>",
  ]);
  endFailed(log);
  for (const wait of [1_000, 2_000, 4_000]) {
    log.fail(log.one("a"));
    assert.deepEqual(endingOn(log.look()), []);
    assert.equal(planOf(log).againAfterMs, wait);
    log.cluster.nowMs += wait;
    assert.deepEqual(endingOn(log.look()), ["a"]);
    endFailed(log);
  }
});

Deno.test("failures of an earlier template do not slow the next one down, nor those before a restart", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).look();
  const fail = () => {
    endFailed(log);
    log.fail(log.one("a"));
    return endingOn(log.look());
  };
  assert.deepEqual(fail(), ["a"]);
  assert.deepEqual(fail(), []);
  log.change({ minReadySeconds: 1 });
  assert.deepEqual(endingOn(log.look()), ["a"]);
  assert.deepEqual(fail(), []);
  log.cluster.restartControllers();
  assert.deepEqual(endingOn(log.look()), ["a"]);
});

Deno.test("a pod that has ended well is deleted at once and made anew", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).look();
  log.events();
  for (let i = 0; i < 2; i++) {
    log.fail(log.one("a"), "Succeeded");
    log.look();
    assert.deepEqual(log.events(), [
      "Normal SucceededDaemonPod Found succeeded daemon pod default/<pod> on node a, will try to delete it",
      "Normal SuccessfulDelete Deleted pod: <pod>",
      "Normal SuccessfulCreate Created pod: <pod>",
    ]);
    endFailed(log);
  }
});

Deno.test("a pod that is still ending keeps its node from getting another one, unless it has ended", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  const { metadata, ...rest } = log.one("a");
  const deletionTimestamp = timestamp(log.cluster.nowMs);
  log.cluster.put(pods, { ...rest, metadata: { ...metadata, deletionTimestamp } });
  assert.equal(log.look().pods.length, 1);
  log.cluster.patchStatus(pods, metadata, { phase: "Failed" });
  assert.equal(log.look().pods.length, 2);
});

Deno.test("a DaemonSet adopts pods of its labels, and releases those that lose them", () => {
  const log = new DaemonSetUnderTest({ updateStrategy: { type: "OnDelete" } }, ["a"]);
  log.cluster.put(pods, {
    metadata: { name: "log-own", labels: { app: "log" } },
    spec: { containers: [{ name: "log", image: "log:0" }], nodeName: "a" },
  });
  log.look();
  assert.equal(log.one("a").metadata.ownerReferences?.[0]?.uid, log.daemonSet.metadata.uid);
  const { metadata, ...rest } = log.one("a");
  log.cluster.put(pods, { ...rest, metadata: { ...metadata, labels: {} } });
  log.look();
  assert.equal(log.on("a").length, 2);
  assert.equal(log.stored({ metadata, ...rest }).metadata.ownerReferences, undefined);
});

Deno.test("a DaemonSet that is being deleted does nothing", () => {
  const log = new DaemonSetUnderTest().look();
  const { metadata, ...rest } = log.daemonSet;
  const ending = { deletionTimestamp: timestamp(log.cluster.nowMs), finalizers: ["orphan"] };
  log.cluster.put(daemonSets, { ...rest, metadata: { ...metadata, ...ending } });
  log.node("d");
  log.look();
  assert.deepEqual(log.on("d"), []);
});

Deno.test("a pod that cannot be created is told, with the status", () => {
  const log = new DaemonSetUnderTest({}, ["a"]);
  const write = planOf(log).writes.find((each) => each.verb === "create" && each.resource === pods);
  assert.ok(write?.verb === "create" && write.refused);
  const told = (error: ApiError) =>
    write.refused!(error).map((each) =>
      each.verb === "event" ? `${each.event.reason} ${each.event.message}` : each.verb
    );
  assert.deepEqual(told(new ApiError("Forbidden", "exceeded quota")), [
    "updateStatus",
    "FailedCreate Error creating: exceeded quota",
  ]);
  const field = "metadata.namespace";
  const causes = [{ reason: "NamespaceTerminating" as const, field, message: "" }];
  assert.deepEqual(told(new ApiError("Forbidden", "ending", { causes })), ["updateStatus"]);
});

Deno.test("one plan makes no more than 500 pods", () => {
  const names = Array.from({ length: 501 }, (_, i) => `n${i}`);
  const log = new DaemonSetUnderTest({}, names);
  const made = planOf(log).writes.filter((write) =>
    write.verb === "create" && write.resource === pods
  );
  assert.equal(made.length, 500);
  log.look();
  assert.equal(log.pods.length, 501);
});

Deno.test("a heartbeat of a node wakes no DaemonSet; what changes its fit does", () => {
  const log = new DaemonSetUnderTest().run();
  const { watches } = CONTROLLER;
  const watch = watches.find(({ resource }) => resource === nodes)!;
  const fits = new Map([["a", "gets" as const], ["b", "gets" as const]]);
  const { uid, generation } = log.daemonSet.metadata;
  const known = { uid, generation, failures: new Map(), fits };
  const memory = new Map([["default/log", known]]);
  const concerned = (name: string) => {
    const node = log.cluster.get(nodes, { name }) ??
      { ...nodeA, metadata: { ...nodeA.metadata, name } };
    return watch.concerns(node, log.cluster, memory).map((each) => each.name);
  };
  const nodeA = log.cluster.get(nodes, { name: "a" })!;
  assert.deepEqual(concerned("a"), []);
  assert.deepEqual(concerned("c"), ["log"]);
  log.node("a", { taints: [{ key: "own", effect: "NoSchedule" }] });
  assert.deepEqual(concerned("a"), ["log"]);
  log.dropNode("b");
  assert.deepEqual(concerned("b"), ["log"]);
  assert.deepEqual(concerned("z"), []);
  assert.deepEqual(watch.concerns(nodeA, log.cluster, new Map()).map(({ name }) => name), ["log"]);
});

Deno.test("a DaemonSet that is gone is forgotten", () => {
  const past = { memory: new Map(), elapsedMs: 0 };
  const log = new DaemonSetUnderTest();
  assert.deepEqual(CONTROLLER.gone!(NAME, log.cluster, 0, past).remember, [
    ["default/log", undefined],
  ]);
});

function planOf(log: DaemonSetUnderTest) {
  return log.cluster.planOf(CONTROLLER, NAME);
}

/** Pods that have ended and were asked to go are gone. */
function endFailed(log: DaemonSetUnderTest): void {
  log.pods.filter(({ metadata }) => metadata.deletionTimestamp).forEach((pod) => log.end(pod));
}

function endingOn(log: DaemonSetUnderTest): string[] {
  return log.picture().filter((line) => line.includes("ending")).map((line) => line[0]!);
}
