import assert from "node:assert/strict";
import fc from "fast-check";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import type { Taint } from "../../../resources/core/nodes/nodes.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { nodeOf } from "./daemon_pods.ts";
import { CONTROLLER, DaemonSetUnderTest, rolling, templateOf } from "./daemon_set_fixture.ts";
import { stayMs, withFailure } from "./failed_pods.ts";
import { daemonTolerations, fitOf } from "./node_fit.ts";

function fit(spec: object, node: { labels?: Record<string, string>; taints?: object[] }): string {
  const log = new DaemonSetUnderTest({ template: templateOf("log:1", spec) }, []);
  log.node("a", node);
  return fitOf(log.daemonSet)(log.cluster.get(nodes, { name: "a" })!);
}

Deno.test("whether a node fits: its name, its labels, its taints", () => {
  const affinity = (...nodeSelectorTerms: object[]) => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
  });
  const ssd = { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] };
  const named = (name: string) => ({
    matchFields: [{ key: "metadata.name", operator: "In", values: [name] }],
  });
  const labels = { disk: "ssd" };
  const taints = (effect: Taint["effect"]) => ({ taints: [{ key: "own", effect }] });
  const tolerations = [{ key: "own", operator: "Exists" }];
  const rows: [spec: object, node: Parameters<typeof fit>[1], fit: string][] = [
    [{}, {}, "gets"],
    [{ nodeName: "a" }, {}, "gets"],
    [{ nodeName: "b" }, {}, "refuses"],
    [{ nodeSelector: labels }, {}, "refuses"],
    [{ nodeSelector: labels }, { labels }, "gets"],
    [affinity(ssd), {}, "refuses"],
    [affinity(ssd), { labels }, "gets"],
    [affinity(named("a")), {}, "gets"],
    [affinity(named("b")), {}, "refuses"],
    [{}, taints("PreferNoSchedule"), "gets"],
    [{}, taints("NoSchedule"), "keeps"],
    [{}, taints("NoExecute"), "refuses"],
    [{ tolerations }, taints("NoExecute"), "gets"],
    [{ nodeSelector: labels }, taints("NoSchedule"), "refuses"],
  ];
  for (const [spec, node, wanted] of rows) {
    assert.equal(fit(spec, node), wanted, JSON.stringify([spec, node]));
  }
});

Deno.test("pods tolerate what is wrong with a node, and the lack of a network when they use the node's", () => {
  const problem = (name: string, effect: string) => ({
    key: `node.kubernetes.io/${name}`,
    operator: "Exists",
    effect,
  });
  const usual = [
    problem("not-ready", "NoExecute"),
    problem("unreachable", "NoExecute"),
    problem("disk-pressure", "NoSchedule"),
    problem("memory-pressure", "NoSchedule"),
    problem("pid-pressure", "NoSchedule"),
    problem("unschedulable", "NoSchedule"),
  ];
  const specOf = (spec: object) =>
    new DaemonSetUnderTest({ template: templateOf("log:1", spec) }).daemonSet.spec.template.spec;
  assert.deepEqual(daemonTolerations(specOf({})), usual);
  assert.deepEqual(daemonTolerations(specOf({ hostNetwork: true })), [
    ...usual,
    problem("network-unavailable", "NoSchedule"),
  ]);
  const own = [
    { key: "own", operator: "Exists" },
    { ...problem("not-ready", "NoExecute"), tolerationSeconds: 5 },
  ];
  assert.deepEqual(daemonTolerations(specOf({ tolerations: own })), [
    own[0],
    usual[0],
    ...usual.slice(1),
  ]);
});

Deno.test("failed pods stay for 1 s, then twice as long each time, 15 minutes at most, and are forgotten", () => {
  const minute = 60_000;
  assert.equal(stayMs(undefined, 0), 0);
  let failures = withFailure(undefined, 0);
  assert.equal(stayMs(failures, 0), 1_000);
  assert.equal(stayMs(failures, 999), 1);
  assert.equal(stayMs(failures, 1_000), 0);
  failures = withFailure(failures, 1_000);
  assert.equal(stayMs(failures, 1_000), 2_000);
  for (let i = 0; i < 20; i++) failures = withFailure(failures, 1_000);
  assert.equal(stayMs(failures, 1_000), 15 * minute);
  assert.equal(withFailure(failures, 1_000 + 30 * minute).count, 23);
  assert.equal(withFailure(failures, 1_001 + 30 * minute).count, 1);
});

Deno.test("pods are labelled with the hash of their revision and the generation of their template", () => {
  const log = new DaemonSetUnderTest({}, ["a"]);
  log.change({}, { "deprecated.daemonset.template.generation": "7" });
  log.look();
  const [revision] = log.revisions;
  const hash = revision!.name.replace("log-", "");
  assert.deepEqual(log.one("a").metadata.labels, {
    app: "log",
    "controller-revision-hash": hash,
    "pod-template-generation": "7",
  });
  assert.deepEqual(revision!.labels, { app: "log", "controller-revision-hash": hash });
});

Deno.test("golden: a rollback gives a former template its revision back, as the last one", () => {
  const log = new DaemonSetUnderTest().run();
  const [first] = log.revisions;
  log.change({ template: templateOf("log:2") });
  log.run();
  log.change({ template: templateOf("log:1") });
  log.run();
  assert.deepEqual(log.revisions.map(({ revision }) => revision), [2, 3]);
  assert.equal(log.revisions[1]!.name, first!.name);
});

Deno.test("golden: a rollback in the middle of an update restarts only the pods that it had replaced", () => {
  const log = new DaemonSetUnderTest().run();
  const uidOn = (node: string) => log.one(node).metadata.uid;
  const [b, c] = [uidOn("b"), uidOn("c")];
  log.change({ template: templateOf("broken") });
  log.look().end(log.one("a"));
  log.look().start(log.one("a"), { ready: false });
  log.look();
  assert.equal(log.counts(), "desired=3 current=3 ready=2 updated=1 available=2 unavailable=1");
  log.change({ template: templateOf("log:1") });
  log.run();
  assert.deepEqual(log.picture(), ["a:log:1 ready", "b:log:1 ready", "c:log:1 ready"]);
  assert.deepEqual([uidOn("b"), uidOn("c")], [b, c]);
});

Deno.test("revisions beyond the limit go, the first ones first, but none that a pod is made of", () => {
  const log = new DaemonSetUnderTest({ revisionHistoryLimit: 1 }).run();
  for (const number of [2, 3, 4]) {
    log.change({ template: templateOf(`log:${number}`) });
    log.run();
  }
  assert.deepEqual(log.revisions.map(({ revision }) => revision), [3, 4]);
  log.change({ updateStrategy: { type: "OnDelete" }, revisionHistoryLimit: 0 });
  for (const number of [5, 6]) {
    log.change({ template: templateOf(`log:${number}`) });
    log.run();
  }
  assert.deepEqual(log.revisions.map(({ revision }) => revision), [4, 6]);
});

Deno.test("another hash is tried when the name of a revision is taken by another template", () => {
  const log = new DaemonSetUnderTest().run();
  const { name } = log.revisions[0]!;
  log.cluster.take(controllerRevisions, { namespace: "default", name });
  log.cluster.put(controllerRevisions, { metadata: { name }, data: { spec: {} }, revision: 9 });
  log.run();
  assert.equal(log.daemonSet.status.collisionCount, 1);
  assert.equal(log.revisions.length, 2);
});

Deno.test("of two revisions of one template the last stays, and pods follow it", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  const [stored] = log.cluster.list(controllerRevisions);
  const { uid: _, ...metadata } = stored!.metadata;
  const labels = { ...metadata.labels, "controller-revision-hash": "twin" };
  log.cluster.put(controllerRevisions, {
    ...stored!,
    metadata: { ...metadata, name: "log-twin", labels },
    revision: 5,
  });
  log.look();
  assert.deepEqual(log.revisions.map(({ name }) => name), ["log-twin"]);
  assert.equal(log.one("a").metadata.labels?.["controller-revision-hash"], "twin");
  assert.deepEqual(log.picture(), ["a:log:1 ready"]);
});

Deno.test("a revision wakes its DaemonSet when it goes or has no owner, not when it comes", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  const [revision] = log.cluster.list(controllerRevisions);
  const watch = CONTROLLER.watches.find((each) => each.resource === controllerRevisions)!;
  const woken = (changed: typeof revision) =>
    watch.concerns(changed!, log.cluster, new Map()).map(({ name }) => name);
  assert.deepEqual(woken(revision), []);
  const { ownerReferences: _, ...orphaned } = revision!.metadata;
  assert.deepEqual(woken({ ...revision!, metadata: orphaned }), ["log"]);
  log.cluster.take(controllerRevisions, revision!.metadata);
  assert.deepEqual(woken(revision), ["log"]);
});

Deno.test("a revision without its label gets its name as the label", () => {
  const log = new DaemonSetUnderTest({}, ["a"]).run();
  const [stored] = log.cluster.list(controllerRevisions);
  const labels = { app: "log" };
  log.cluster.put(controllerRevisions, { ...stored!, metadata: { ...stored!.metadata, labels } });
  log.run();
  const [revision] = log.revisions;
  assert.equal(revision!.labels["controller-revision-hash"], revision!.name);
});

const happenings = fc.record({
  what: fc.constantFrom(
    "update",
    "node",
    "drop",
    "label",
    "taint",
    "start",
    "fail",
    "end",
    "restart",
  ),
  number: fc.nat(5),
});

Deno.test("whatever happens, a node has one pod, two in a surge, and the set comes to rest", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 2),
      fc.integer({ min: 1, max: 3 }),
      fc.array(happenings, { maxLength: 40 }),
      (maxSurge, maxUnavailable, happened) => {
        const updateStrategy = rolling(maxSurge > 0 ? { maxSurge } : { maxUnavailable });
        const template = templateOf("log:0", { nodeSelector: { pool: "x" } });
        const log = new DaemonSetUnderTest({ template, updateStrategy }, []);
        for (const name of ["a", "b", "c"]) log.node(name, { labels: { pool: "x" } });
        for (const { what, number } of happened) {
          happen(log, what, number);
          log.look();
          checkNodes(log, maxSurge > 0 ? 2 : 1);
        }
        checkRest(log);
      },
    ),
    { numRuns: 300 },
  );
});

function happen(log: DaemonSetUnderTest, what: string, number: number): void {
  const node = "abcdef"[number]!;
  const isThere = log.cluster.get(nodes, { name: node }) !== undefined;
  const labels = { pool: "x" };
  const pod = log.pods[number % Math.max(1, log.pods.length)];
  if (what === "update") {
    return log.change({ template: templateOf(`log:${number % 3}`, { nodeSelector: labels }) });
  }
  if (what === "restart") return log.cluster.restartControllers();
  if (what === "node") return log.node(node, { labels });
  if (what === "drop") return log.dropNode(node);
  if (what === "label" && isThere) return log.node(node);
  if (what === "taint" && isThere) {
    const effect = number % 2 ? "NoSchedule" : "NoExecute";
    return log.node(node, { labels, taints: [{ key: "own", effect }] });
  }
  if (pod === undefined) return;
  if (what === "end" || pod.metadata.deletionTimestamp) log.end(pod);
  else if (what === "start") log.start(pod);
  else if (what === "fail") log.fail(pod);
}

/** Pods that are neither ending nor at their end. */
function checkNodes(log: DaemonSetUnderTest, most: number): void {
  const live = log.pods.filter(({ metadata, status }) =>
    !metadata.deletionTimestamp && status.phase !== "Failed"
  );
  for (const [node, pods] of Map.groupBy(live, nodeOf)) {
    assert.ok(pods.length <= most, `${pods.length} pods on ${node}`);
  }
  const started = log.pods.filter(({ status }) => status.phase !== "Failed");
  if (most === 1) {
    for (const [node, pods] of Map.groupBy(started, nodeOf)) {
      assert.ok(pods.length <= 1, `a second pod on ${node} before the first one was gone`);
    }
  }
}

function checkRest(log: DaemonSetUnderTest): void {
  for (const pod of log.pods) {
    const isLost = log.cluster.get(nodes, { name: nodeOf(pod)! }) === undefined;
    if (isLost || pod.status.phase === "Failed") log.end(pod); // the garbage collection of pods
  }
  log.run();
  const fits = fitOf(log.daemonSet);
  for (const node of log.cluster.list(nodes)) {
    const pods = log.on(node.metadata.name);
    const wanted = { gets: [1], keeps: [0, 1], refuses: [0] }[fits(node)];
    assert.ok(wanted.includes(pods.length), `${pods.length} pods on ${node.metadata.name}`);
    const { image } = log.daemonSet.spec.template.spec.containers[0]!;
    if (fits(node) === "gets") assert.equal(pods[0]!.spec.containers[0]!.image, image);
  }
}
