import assert from "node:assert/strict";
import { leases } from "../../resources/coordination/leases.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { evictionController } from "./evictions.ts";
import { HEARTBEAT_GRACE_MS, nodeController, STARTUP_GRACE_MS } from "./nodes.ts";
import {
  finishedPodLimit,
  orphanedPodController,
  unscheduledPodController,
} from "./pod_cleanup.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";

const NAME = { name: "n1" };

function node(
  cluster: TestCluster,
  conditions: object[] = [{ type: "Ready", status: "True" }],
  spec = {},
): Node {
  return cluster.put(nodes, { metadata: NAME, spec, status: { conditions } });
}

/** The agent renews its lease; what its clock says does not matter. */
function renew(cluster: TestCluster, renewTime: string): void {
  const metadata = { namespace: "kube-node-lease", ...NAME };
  const before = cluster.get(leases, metadata);
  cluster.put(leases, { metadata: { ...before?.metadata, ...metadata }, spec: { renewTime } });
}

function pod(cluster: TestCluster, name: string, spec: object = {}, status: object = {}): Pod {
  return cluster.put(pods, {
    metadata: { name },
    spec: { nodeName: "n1", containers: [{ name: "a", image: "a" }], ...spec },
    status,
  });
}

function found(cluster: TestCluster): Node {
  return cluster.get(nodes, NAME)!;
}

function taintsOf(cluster: TestCluster): string[] {
  return (found(cluster).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
}

Deno.test("a node whose lease is renewed stays ready, whatever its clock says", () => {
  const cluster = new TestCluster();
  node(cluster);
  for (
    const renewTime of ["1999-01-01T00:00:00Z", "2077-01-01T00:00:00Z", "1999-01-01T00:00:10Z"]
  ) {
    renew(cluster, renewTime);
    cluster.settle([nodeController]);
    cluster.nowMs += HEARTBEAT_GRACE_MS - 1;
    cluster.settle([nodeController]);
    assert.equal(conditionOf(found(cluster).status.conditions, "Ready")?.status, "True");
  }
});

Deno.test("a node whose lease is not renewed is unknown, tainted and told about once", () => {
  const cluster = new TestCluster();
  node(cluster, [{ type: "Ready", status: "True" }, { type: "DiskPressure", status: "False" }]);
  renew(cluster, "2026-01-01T00:00:00Z");
  cluster.settle([nodeController]);
  const { againAfterMs } = cluster.planOf(nodeController, NAME);
  assert.equal(againAfterMs, HEARTBEAT_GRACE_MS);
  cluster.nowMs += HEARTBEAT_GRACE_MS;
  cluster.settle([nodeController]);
  const words = found(cluster).status.conditions?.map(({ type, status, reason, message }) =>
    `${type} ${status} ${reason} ${message}`
  );
  const unknown = "Unknown NodeStatusUnknown Kubelet stopped posting node status.";
  const never = "Unknown NodeStatusNeverUpdated Kubelet never posted node status.";
  assert.deepEqual(words, [
    `Ready ${unknown}`,
    `DiskPressure ${unknown}`,
    `MemoryPressure ${never}`,
    `PIDPressure ${never}`,
  ]);
  assert.deepEqual(taintsOf(cluster), [
    "node.kubernetes.io/unreachable:NoSchedule",
    "node.kubernetes.io/unreachable:NoExecute",
  ]);
  assert.deepEqual(cluster.notices.map(({ message }) => message), [
    "Node n1 status is now: NodeNotReady",
  ]);
});

Deno.test("a restart of the server gives every node its whole grace again", () => {
  const cluster = new TestCluster();
  node(cluster);
  renew(cluster, "2026-01-01T00:00:00Z");
  cluster.settle([nodeController]);
  cluster.nowMs += 3_600_000;
  cluster.restartControllers();
  cluster.settle([nodeController]);
  assert.equal(conditionOf(found(cluster).status.conditions, "Ready")?.status, "True");
  cluster.nowMs += HEARTBEAT_GRACE_MS;
  cluster.settle([nodeController]);
  assert.equal(conditionOf(found(cluster).status.conditions, "Ready")?.status, "Unknown");
});

Deno.test("a new node that never says anything is kept off, then unreachable", () => {
  const cluster = new TestCluster();
  node(cluster, []);
  cluster.settle([nodeController]);
  assert.deepEqual(taintsOf(cluster), ["node.kubernetes.io/not-ready:NoSchedule"]);
  cluster.nowMs += STARTUP_GRACE_MS;
  cluster.settle([nodeController]);
  assert.equal(
    conditionOf(found(cluster).status.conditions, "Ready")?.reason,
    "NodeStatusNeverUpdated",
  );
});

Deno.test("taints follow the state of the node, and those of people stay", () => {
  const rows: [object[], object, string[]][] = [
    [[{ type: "Ready", status: "True" }], {}, []],
    [[{ type: "Ready", status: "True" }], { unschedulable: true }, [
      "node.kubernetes.io/unschedulable:NoSchedule",
    ]],
    [[{ type: "Ready", status: "False" }], {}, [
      "node.kubernetes.io/not-ready:NoSchedule",
      "node.kubernetes.io/not-ready:NoExecute",
    ]],
    [[{ type: "Ready", status: "True" }, { type: "MemoryPressure", status: "True" }], {}, [
      "node.kubernetes.io/memory-pressure:NoSchedule",
    ]],
    [[{ type: "Ready", status: "True" }], {
      taints: [
        { key: "gpu", effect: "NoSchedule" },
        { key: "node.kubernetes.io/not-ready", effect: "NoExecute" },
      ],
    }, ["gpu:NoSchedule"]],
  ];
  for (const [conditions, spec, expected] of rows) {
    const cluster = new TestCluster();
    node(cluster, conditions, spec);
    renew(cluster, "2026-01-01T00:00:00Z");
    cluster.settle([nodeController]);
    assert.deepEqual(taintsOf(cluster), expected);
  }
});

Deno.test("pods of a node that cannot be reached are no longer ready", () => {
  const cluster = new TestCluster();
  node(cluster);
  pod(cluster, "a", {}, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
  cluster.settle([nodeController]);
  cluster.nowMs += STARTUP_GRACE_MS;
  cluster.settle([nodeController]);
  const [left] = cluster.list(pods);
  assert.equal(conditionOf(left!.status.conditions, "Ready")?.status, "False");
});

Deno.test("pods of a lost node are no longer ready, however wrong the clock of its agent is", () => {
  for (const byMs of [3_600_000, -3_600_000]) {
    const cluster = new TestCluster();
    const readyNow = () => ({
      type: "Ready",
      status: "True",
      lastTransitionTime: timestamp(cluster.nowMs + byMs),
    });
    node(cluster);
    pod(cluster, "a", {}, { phase: "Running", conditions: [readyNow()] });
    cluster.settle([nodeController]);
    cluster.nowMs += STARTUP_GRACE_MS;
    cluster.settle([nodeController]);
    const ready = () => conditionOf(cluster.list(pods)[0]!.status.conditions, "Ready")?.status;
    assert.equal(ready(), "False");
    const { metadata } = cluster.list(pods)[0]!;
    cluster.put(pods, {
      ...cluster.list(pods)[0]!,
      metadata,
      status: { conditions: [readyNow()] },
    });
    cluster.settle([nodeController]);
    assert.equal(ready(), "True", "its agent is back");
  }
});

Deno.test("a pod that becomes ready again after its node was lost is left so: its agent is back", () => {
  const cluster = new TestCluster();
  node(cluster);
  cluster.settle([nodeController]);
  cluster.nowMs += STARTUP_GRACE_MS;
  cluster.settle([nodeController]);
  const ready = { type: "Ready", status: "True", lastTransitionTime: timestamp(cluster.nowMs) };
  pod(cluster, "a", {}, { phase: "Running", conditions: [ready] });
  cluster.settle([nodeController]);
  const [left] = cluster.list(pods);
  assert.equal(conditionOf(left!.status.conditions, "Ready")?.status, "True");
});

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
    node(cluster, [], { taints: given });
    const made = cluster.planOf(evictionController, NAME);
    const words = JSON.stringify(tolerations);
    assert.equal(made.writes.length, afterMs === 0 ? 1 : 0, words);
    if (afterMs !== 0) assert.equal(made.againAfterMs, afterMs, words);
  }
});

Deno.test("pods that do not tolerate a taint are evicted in time, and the next is waited for", () => {
  const cluster = new TestCluster();
  node(cluster, [], { taints: [{ ...UNREACHABLE, timeAdded: timestamp(cluster.nowMs) }] });
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
  node(cluster, [], { taints: [{ ...taint, timeAdded: timestamp(cluster.nowMs) }] });
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
  assert.equal(look().writes.length, 2);
});

Deno.test("a clock that is set makes no node lost and no pod go, and keeps none", () => {
  for (const byMs of [24 * 3_600_000, -24 * 3_600_000]) {
    const cluster = new TestCluster();
    const controllers = [nodeController, evictionController];
    node(cluster);
    renew(cluster, "2026-01-01T00:00:00Z");
    pod(cluster, "a", {}, { conditions: [{ type: "Ready", status: "True" }] });
    cluster.settle(controllers);
    cluster.setClock(byMs);
    cluster.settle(controllers);
    assert.deepEqual(taintsOf(cluster), []);
    cluster.nowMs += HEARTBEAT_GRACE_MS;
    cluster.settle(controllers);
    assert.equal(taintsOf(cluster).length, 2);
    cluster.setClock(byMs);
    cluster.nowMs += 299_000;
    cluster.settle(controllers);
    const left = () => cluster.list(pods).filter(({ metadata }) => !metadata.deletionTimestamp);
    assert.equal(left().length, 1, "it went before it was time");
    cluster.nowMs += 1_000;
    cluster.settle(controllers);
    assert.equal(left().length, 0, "it stayed for longer than it may");
  }
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

Deno.test("pods of a node that is gone are removed, unless it comes back in time", () => {
  const cluster = new TestCluster();
  pod(cluster, "a");
  const look = () => cluster.planOf(orphanedPodController, NAME);
  assert.equal(look().againAfterMs, 40_000);
  cluster.nowMs += 30_000;
  node(cluster);
  assert.equal(look().againAfterMs, undefined);
  cluster.take(nodes, NAME);
  assert.equal(look().againAfterMs, 40_000);
  cluster.nowMs += 39_999;
  assert.deepEqual([look().againAfterMs, look().writes], [1, []]);
  cluster.nowMs += 1;
  cluster.perform(look());
  assert.equal(cluster.list(pods).length, 0);
  assert.deepEqual(look().writes, []);
  pod(cluster, "b");
  assert.equal(look().againAfterMs, 40_000, "a node without pods is forgotten");
});

Deno.test("a pod whose node is gone, and the node itself, have its pods looked at", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  pod(cluster, "early");
  const run = loopOf(orphanedPodController).start(cluster, (key) => keys.push(key));
  assert.deepEqual(keys.splice(0), ["/n1"], "one that was there at the start");
  pod(cluster, "late");
  assert.deepEqual(keys.splice(0), ["/n1"]);
  node(cluster);
  assert.deepEqual(keys.splice(0), ["/n1"]);
  pod(cluster, "fine");
  cluster.put(pods, {
    metadata: { name: "unbound" },
    spec: { containers: [{ name: "a", image: "a" }] },
  });
  assert.deepEqual(keys, []);
  run.stop();
});

Deno.test("a pod that is to end and never got a node is removed, no other", () => {
  const spec = { nodeName: undefined };
  const rows: [spec: object, isEnding: boolean, isRemoved: boolean][] = [
    [spec, true, true],
    [spec, false, false],
    [{}, true, false],
    [{}, false, false],
  ];
  for (const [spec, isEnding, isRemoved] of rows) {
    const cluster = new TestCluster();
    const made = pod(cluster, "a", spec);
    const deletionTimestamp = timestamp(cluster.nowMs);
    if (isEnding) cluster.put(pods, { ...made, metadata: { ...made.metadata, deletionTimestamp } });
    cluster.settle([unscheduledPodController]);
    assert.equal(cluster.list(pods).length, isRemoved ? 0 : 1, `${spec} ${isEnding}`);
  }
});

Deno.test("of too many finished pods the oldest are removed", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  const run = finishedPodLimit.start(cluster, (key) => keys.push(key));
  node(cluster);
  for (let number = 0; number < 1_000; number++) {
    pod(cluster, `p${number}`, {}, { phase: number % 2 === 0 ? "Succeeded" : "Failed" });
    cluster.nowMs += 1_000;
  }
  pod(cluster, "running", {}, { phase: "Running" });
  assert.deepEqual(keys, []);
  cluster.take(pods, { namespace: "default", name: "p0" });
  pod(cluster, "last", {}, { phase: "Succeeded" });
  assert.deepEqual(keys, [], "one has gone, one has come");
  pod(cluster, "more", {}, { phase: "Succeeded" });
  assert.equal(keys.length, 1);
  cluster.perform(run.reconcile(keys[0]!, cluster.moment));
  assert.equal(cluster.list(pods).length, 1_001);
  assert.equal(cluster.get(pods, { namespace: "default", name: "p1" }), undefined);
  run.stop();
  const restarted: string[] = [];
  finishedPodLimit.start(cluster, (key) => restarted.push(key)).stop();
  assert.deepEqual(restarted, []);
});
