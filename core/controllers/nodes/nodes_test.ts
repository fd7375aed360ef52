import assert from "node:assert/strict";
import { leases } from "../../resources/coordination/leases.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { evictionController as evictionControllerOf } from "./evictions.ts";
import { largeOutageLoop } from "./large_outages.ts";
import { nodeController as nodeControllerOf } from "./nodes.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";

const HEARTBEAT_GRACE_MS = 50_000, STARTUP_GRACE_MS = 60_000;
const NAME = { name: "n1" };
const evictionController = evictionControllerOf({ graceMs: 0 });
const nodeController = nodeControllerOf();
const outages = largeOutageLoop();

function node(
  cluster: TestCluster,
  conditions: object[] = [{ type: "Ready", status: "True" }],
  spec = {},
): Node {
  return cluster.put(nodes, { metadata: NAME, spec, status: { conditions } });
}

/** The agent renews its lease; what its clock says does not matter. */
function renew(cluster: TestCluster, renewTime: string, name = NAME.name): void {
  const metadata = { namespace: "kube-node-lease", name };
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

/** Another node, which stays in reach: else the server would be the one that is cut off. */
function another(cluster: TestCluster): void {
  const conditions = [{ type: "Ready", status: "True" }];
  cluster.put(nodes, { metadata: { name: "other" }, status: { conditions } });
  renew(cluster, timestamp(cluster.nowMs), "other");
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
  another(cluster);
  cluster.settle([outages]);
  cluster.nowMs += HEARTBEAT_GRACE_MS;
  another(cluster);
  cluster.settle([nodeController, outages]);
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
  assert.deepEqual(taintsOf(cluster).sort(), [
    "node.kubernetes.io/unreachable:NoExecute",
    "node.kubernetes.io/unreachable:NoSchedule",
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

Deno.test("a clock that is set makes no node lost and no pod go, and keeps none", () => {
  for (const byMs of [24 * 3_600_000, -24 * 3_600_000]) {
    const cluster = new TestCluster();
    const controllers = [nodeController, outages, evictionController];
    node(cluster);
    another(cluster);
    renew(cluster, "2026-01-01T00:00:00Z");
    pod(cluster, "a", {}, { conditions: [{ type: "Ready", status: "True" }] });
    cluster.settle(controllers);
    cluster.setClock(byMs);
    cluster.settle(controllers);
    assert.deepEqual(taintsOf(cluster), []);
    cluster.nowMs += HEARTBEAT_GRACE_MS;
    another(cluster);
    cluster.settle(controllers);
    assert.equal(taintsOf(cluster).length, 2);
    cluster.setClock(byMs);
    cluster.nowMs += 299_000;
    another(cluster);
    cluster.settle(controllers);
    const left = () => cluster.list(pods).filter(({ metadata }) => !metadata.deletionTimestamp);
    assert.equal(left().length, 1, "it went before it was time");
    cluster.nowMs += 1_000;
    another(cluster);
    cluster.settle(controllers);
    assert.equal(left().length, 0, "it stayed for longer than it may");
  }
});

Deno.test("how long a node may be silent: longer when it has never said anything", () => {
  const ready = { type: "Ready", status: "True" };
  const rows: [conditions: object[], hasLease: boolean, graceMs: number][] = [
    [[], false, STARTUP_GRACE_MS],
    [[{ type: "DiskPressure", status: "False" }], false, STARTUP_GRACE_MS],
    [[], true, HEARTBEAT_GRACE_MS],
    [[ready], false, HEARTBEAT_GRACE_MS],
    [[ready], true, HEARTBEAT_GRACE_MS],
  ];
  for (const [conditions, hasLease, graceMs] of rows) {
    const cluster = new TestCluster();
    node(cluster, conditions);
    if (hasLease) renew(cluster, "2026-01-01T00:00:00Z");
    const againAfterMs = () => cluster.planOf(nodeController, NAME).againAfterMs;
    assert.equal(againAfterMs(), graceMs);
    cluster.nowMs += graceMs - 1;
    cluster.settle([nodeController]);
    assert.equal(againAfterMs(), 1);
    assert.notEqual(conditionOf(found(cluster).status.conditions, "Ready")?.status, "Unknown");
    cluster.nowMs += 1;
    cluster.settle([nodeController]);
    assert.equal(conditionOf(found(cluster).status.conditions, "Ready")?.status, "Unknown");
    assert.equal(againAfterMs(), undefined, "it is the lease that wakes it");
  }
});

Deno.test("one condition that is still known becomes unknown too", () => {
  const cluster = new TestCluster();
  const unknown = ["MemoryPressure", "DiskPressure", "PIDPressure"].map((type) => ({
    type,
    status: "Unknown",
  }));
  node(cluster, [{ type: "Ready", status: "True" }, ...unknown]);
  cluster.settle([nodeController]);
  cluster.nowMs += HEARTBEAT_GRACE_MS;
  cluster.settle([nodeController]);
  assert.equal(conditionOf(found(cluster).status.conditions, "Ready")?.status, "Unknown");
});

Deno.test("a taint keeps the time at which it was added, and no empty list is left", () => {
  const cluster = new TestCluster();
  const key = "node.kubernetes.io/not-ready", timeAdded = "2025-01-01T00:00:00Z";
  node(cluster, [{ type: "Ready", status: "False" }], {
    taints: [{ key, effect: "NoExecute", timeAdded }],
  });
  renew(cluster, "2026-01-01T00:00:00Z");
  cluster.settle([nodeController]);
  assert.deepEqual(found(cluster).spec.taints, [
    { key, effect: "NoExecute", timeAdded },
    { key, effect: "NoSchedule", timeAdded: timestamp(cluster.nowMs) },
  ]);
  cluster.patchStatus(nodes, NAME, { conditions: [{ type: "Ready", status: "True" }] });
  cluster.settle([nodeController]);
  assert.equal("taints" in found(cluster).spec, false);
});

Deno.test("after a restart, pods that were ready before their node was lost are marked, others not", () => {
  const cluster = new TestCluster();
  const at = (ms: number) => ({ lastTransitionTime: timestamp(cluster.nowMs + ms) });
  const readyAt = (name: string, ms: number) =>
    pod(cluster, name, {}, {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True", ...at(ms) }],
    });
  const readiness = () =>
    cluster.list(pods).map(({ status }) => conditionOf(status.conditions, "Ready")?.status);
  node(cluster, [{ type: "Ready", status: "True", ...at(0) }]);
  readyAt("before", -1_000);
  readyAt("since", 0);
  cluster.settle([nodeController]);
  assert.deepEqual(readiness(), ["True", "True"], "the node can be reached");
  cluster.patchStatus(nodes, NAME, {
    conditions: [{ type: "Ready", status: "Unknown", ...at(0) }],
  });
  cluster.restartControllers();
  cluster.settle([nodeController]);
  assert.deepEqual(readiness(), ["False", "True"]);
});

Deno.test("heartbeats, and pods on nodes that cannot be reached, have a node looked at", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  const run = loopOf(nodeController).start(cluster, (key) => keys.push(key));
  renew(cluster, "2026-01-01T00:00:00Z");
  assert.deepEqual(keys.splice(0), ["/n1"]);
  cluster.put(leases, { metadata: { namespace: "default", ...NAME }, spec: {} });
  pod(cluster, "early");
  assert.deepEqual(keys.splice(0), []);
  node(cluster);
  keys.length = 0;
  pod(cluster, "calm");
  cluster.put(pods, { metadata: { name: "x" }, spec: { containers: [{ name: "a", image: "a" }] } });
  assert.deepEqual(keys.splice(0), []);
  node(cluster, [{ type: "Ready", status: "Unknown" }]);
  keys.length = 0;
  pod(cluster, "lost");
  assert.deepEqual(keys.splice(0), ["/n1"]);
  run.stop();
});
