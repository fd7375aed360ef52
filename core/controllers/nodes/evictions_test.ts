import assert from "node:assert/strict";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { evictionController as evictionControllerOf } from "./evictions.ts";

const NAME = { name: "n1" };
const evictionController = evictionControllerOf({ graceMs: 0 });

function node(cluster: TestCluster, spec = {}): Node {
  return cluster.put(nodes, { metadata: NAME, spec });
}

function pod(cluster: TestCluster, name: string, spec: object = {}, status: object = {}): Pod {
  return cluster.put(pods, {
    metadata: { name },
    spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }], ...spec },
    status,
  });
}

const UNREACHABLE = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" as const };

Deno.test("a pod stays on a tainted node for as long as it tolerates the shortest", () => {
  const nowMs = Date.parse("2026-01-01T01:00:00Z");
  const timeAdded = timestamp(nowMs);
  const taints = [{ ...UNREACHABLE, timeAdded }];
  const tolerates = (seconds?: number) => ({
    ...UNREACHABLE,
    operator: "Exists",
    ...(seconds !== undefined && { tolerationSeconds: seconds }),
  });
  const rows: [object[], object[], number | undefined][] = [
    [[], taints, 300_000],
    [[tolerates(10)], taints, 10_000],
    [[tolerates(10), tolerates(5)], taints, 10_000],
    [[{ operator: "Exists" }, tolerates(5)], taints, undefined],
    [[tolerates()], taints, undefined],
    [[{ operator: "Exists" }], taints, undefined],
    [[], [...taints, { key: "x", effect: "NoExecute", timeAdded }], 0],
    [
      [{ key: "x", operator: "Exists" }],
      [...taints, { key: "x", effect: "NoExecute", timeAdded }],
      300_000,
    ],
  ];
  for (const [tolerations, given, afterMs] of rows) {
    const cluster = new TestCluster();
    cluster.nowMs = nowMs;
    pod(cluster, "a", { tolerations });
    node(cluster, { taints: given });
    const made = cluster.planOf(evictionController, NAME);
    const words = JSON.stringify(tolerations);
    assert.equal(made.writes.length, afterMs === 0 ? 2 : 0, words);
    if (afterMs !== 0) assert.equal(made.againAfterMs, afterMs, words);
  }
});

Deno.test("pods that do not tolerate a taint are evicted in time, and the next is waited for", () => {
  const cluster = new TestCluster();
  node(cluster, { taints: [{ ...UNREACHABLE, timeAdded: timestamp(cluster.nowMs) }] });
  pod(cluster, "patient");
  pod(cluster, "hasty", {
    tolerations: [{ ...UNREACHABLE, operator: "Exists", tolerationSeconds: 10 }],
  });
  const look = () => {
    const { writes, againAfterMs } = cluster.planOf(evictionController, NAME);
    return { writes, againAfterMs };
  };
  assert.deepEqual(look(), { writes: [], againAfterMs: 10_000 });
  cluster.nowMs += 10_000;
  const { writes, againAfterMs } = look();
  cluster.perform({ writes });
  assert.equal(againAfterMs, 290_000);
  assert.deepEqual(cluster.notices.map(({ message }) => message), [
    "Marking for deletion Pod default/hasty",
  ]);
});

Deno.test("a pod that comes to a node which has long been tainted stays for as long as it tolerates that", () => {
  const cluster = new TestCluster();
  const taint = { key: "maintenance", effect: "NoExecute" as const };
  node(cluster, { taints: [{ ...taint, timeAdded: timestamp(cluster.nowMs) }] });
  const look = () => {
    const { writes, againAfterMs } = cluster.planOf(evictionController, NAME);
    return { writes, againAfterMs };
  };
  look();
  const tolerations = [{ ...taint, operator: "Exists", tolerationSeconds: 60 }];
  cluster.nowMs += 1_800_000;
  pod(cluster, "waiting", { tolerations });
  cluster.nowMs += 1_800_000;
  const lastTransitionTime = timestamp(cluster.nowMs);
  const conditions = [{ type: "PodScheduled", status: "True", lastTransitionTime }];
  cluster.patchStatus(pods, { namespace: "default", name: "waiting" }, { conditions });
  pod(cluster, "new", { tolerations });
  assert.deepEqual(look(), { writes: [], againAfterMs: 60_000 });
  cluster.nowMs += 20_000;
  assert.deepEqual(look(), { writes: [], againAfterMs: 40_000 });
  cluster.nowMs += 40_000;
  assert.equal(look().writes.length, 4);
});

Deno.test("when a taint or a pod is first seen, it says itself how long it has been there", () => {
  const agoMs = (cluster: TestCluster, ms: number) => timestamp(cluster.nowMs - ms);
  const rows: [taintMs: number | undefined, podMs: number, afterMs: number][] = [
    [100_000, 200_000, 200_000],
    [200_000, 100_000, 200_000],
    [undefined, 100_000, 300_000],
    [-100_000, 100_000, 300_000],
  ];
  for (const [taintMs, podMs, afterMs] of rows) {
    const cluster = new TestCluster();
    const timeAdded = taintMs === undefined ? {} : { timeAdded: agoMs(cluster, taintMs) };
    node(cluster, { taints: [{ ...UNREACHABLE, ...timeAdded }] });
    const lastTransitionTime = agoMs(cluster, podMs);
    const conditions = [{ type: "PodScheduled", status: "True", lastTransitionTime }];
    pod(cluster, "a", {}, { conditions });
    assert.equal(cluster.planOf(evictionController, NAME).againAfterMs, afterMs);
  }
});

Deno.test("a toleration of no time, or less, evicts at once", () => {
  for (const tolerationSeconds of [0, -5]) {
    const cluster = new TestCluster();
    node(cluster, { taints: [{ ...UNREACHABLE, timeAdded: timestamp(cluster.nowMs) }] });
    pod(cluster, "a", { tolerations: [{ ...UNREACHABLE, operator: "Exists", tolerationSeconds }] });
    assert.equal(cluster.planOf(evictionController, NAME).writes.length, 2);
  }
});

Deno.test("only pods on nodes with a taint that evicts are followed, and only active ones are evicted", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  const run = loopOf(evictionController).start(cluster, (key) => keys.push(key));
  const heard = () => keys.splice(0).length;
  cluster.put(pods, {
    metadata: { name: "free" },
    spec: { containers: [{ name: "a", image: "a" }] },
  });
  pod(cluster, "early");
  assert.equal(heard(), 0);
  node(cluster, { taints: [{ ...UNREACHABLE, effect: "NoSchedule" }] });
  assert.equal(heard(), 1);
  pod(cluster, "calm");
  assert.equal(heard(), 0);
  node(cluster, { taints: [UNREACHABLE] });
  heard();
  pod(cluster, "restless");
  assert.equal(heard(), 1);
  run.stop();
  for (const name of ["early", "calm", "restless"]) {
    cluster.take(pods, { namespace: "default", name });
  }
  node(cluster, { taints: [{ key: "x", effect: "NoExecute" }] });
  pod(cluster, "done", {}, { phase: "Succeeded" });
  assert.deepEqual(cluster.planOf(evictionController, NAME).writes, []);
});

Deno.test("every pod tolerates a lost node for 300 seconds unless it says otherwise", () => {
  assert.deepEqual(
    withDefaultTolerations().map((
      { key, effect, operator, tolerationSeconds },
    ) => [key, effect, operator, tolerationSeconds]),
    [
      ["node.kubernetes.io/not-ready", "NoExecute", "Exists", 300],
      ["node.kubernetes.io/unreachable", "NoExecute", "Exists", 300],
    ],
  );
  const own = { ...UNREACHABLE, operator: "Exists" as const };
  assert.equal(withDefaultTolerations([own]).length, 2);
  assert.equal(withDefaultTolerations([{ operator: "Exists" }]).length, 1);
});

Deno.test("a server that starts evicts nobody for a taint of a node that was away before", () => {
  const cluster = new TestCluster();
  const controller = evictionControllerOf({ graceMs: 40_000 });
  const timeAdded = timestamp(cluster.nowMs);
  cluster.nowMs += 3_600_000;
  const hasty = { ...UNREACHABLE, operator: "Exists", tolerationSeconds: 0 };
  pod(cluster, "hasty", { tolerations: [hasty] });
  pod(cluster, "patient");
  node(cluster, { taints: [{ ...UNREACHABLE, timeAdded }] });
  const { writes, againAfterMs } = cluster.planOf(controller, NAME);
  assert.deepEqual({ writes, againAfterMs }, { writes: [], againAfterMs: 40_000 });
  cluster.nowMs += 39_999;
  assert.deepEqual(cluster.planOf(controller, NAME).writes, []);
  node(cluster, { taints: [{ key: "people", effect: "NoExecute", timeAdded }] });
  assert.equal(cluster.planOf(controller, NAME).writes.length, 4, "taints of people count at once");
});

Deno.test("whoever will not be evicted after all is told so, once, in Kubernetes' words", () => {
  const cluster = new TestCluster();
  const taints = [{ ...UNREACHABLE, timeAdded: timestamp(cluster.nowMs) }];
  const forever = { ...UNREACHABLE, operator: "Exists" };
  const look = () => {
    const before = cluster.notices.length;
    cluster.perform(cluster.planOf(evictionController, NAME));
    return cluster.notices.slice(before).map(({ message }) => message);
  };
  const taint = () => cluster.put(nodes, { metadata: NAME, spec: { taints } });
  taint();
  pod(cluster, "waits");
  pod(cluster, "stays", { tolerations: [forever] });
  pod(cluster, "learns");
  pod(cluster, "goes");
  pod(cluster, "hasty", { tolerations: [{ ...forever, tolerationSeconds: 10 }] });
  assert.deepEqual(look(), []);
  cluster.nowMs += 10_000;
  assert.deepEqual(look(), ["Marking for deletion Pod default/hasty"]);
  assert.deepEqual(look(), [], "one that was deleted in time is not taken for one that is spared");
  pod(cluster, "learns", { tolerations: [forever] });
  assert.deepEqual(look(), ["Cancelling deletion of Pod default/learns"]);
  cluster.take(pods, { namespace: "default", name: "goes" });
  assert.deepEqual(look(), ["Cancelling deletion of Pod default/goes"]);
  node(cluster, {});
  assert.deepEqual(look(), ["Cancelling deletion of Pod default/waits"]);
  assert.deepEqual(look(), []);
  assert.ok(cluster.notices.every(({ reason }) => reason === "TaintManagerEviction"));
});

Deno.test("a second taint that is not tolerated cancels the time of the first, and evicts", () => {
  const cluster = new TestCluster();
  const timeAdded = timestamp(cluster.nowMs);
  node(cluster, { taints: [{ ...UNREACHABLE, timeAdded }] });
  pod(cluster, "a");
  cluster.perform(cluster.planOf(evictionController, NAME));
  node(cluster, {
    taints: [{ ...UNREACHABLE, timeAdded }, { key: "x", effect: "NoExecute", timeAdded }],
  });
  cluster.perform(cluster.planOf(evictionController, NAME));
  assert.deepEqual(cluster.notices.map(({ message }) => message), [
    "Cancelling deletion of Pod default/a",
    "Marking for deletion Pod default/a",
  ]);
});
