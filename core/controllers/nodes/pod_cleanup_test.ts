import assert from "node:assert/strict";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import {
  FINISHED_PODS_MAX,
  finishedPodLimit,
  orphanedPodController,
  outOfServicePodController,
  unscheduledPodController,
} from "./pod_cleanup.ts";

const NAME = { name: "n1" };

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
  for (let number = 0; number < FINISHED_PODS_MAX; number++) {
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
  assert.equal(cluster.list(pods).length, FINISHED_PODS_MAX + 1);
  assert.equal(cluster.get(pods, { namespace: "default", name: "p1" }), undefined);
  assert.deepEqual(run.reconcile(keys[0]!, cluster.moment).writes, [], "there are enough");
  run.stop();
  const keysAtStart = () => {
    const restarted: string[] = [];
    finishedPodLimit.start(cluster, (key) => restarted.push(key)).stop();
    return restarted.length;
  };
  assert.equal(keysAtStart(), 0);
  pod(cluster, "too many", {}, { phase: "Failed" });
  assert.equal(keysAtStart(), 1);
});

Deno.test("a pod of a node that is gone has failed, and says why, before it goes", () => {
  const cluster = new TestCluster();
  const finalizers = ["batch.kubernetes.io/job-tracking"];
  const made = pod(cluster, "a", {}, { phase: "Running" });
  cluster.put(pods, { ...made, metadata: { ...made.metadata, finalizers } });
  cluster.planOf(orphanedPodController, NAME);
  cluster.perform(cluster.planOf(orphanedPodController, NAME));
  assert.equal(cluster.list(pods)[0]!.status.phase, "Running");
  cluster.nowMs += 40_000;
  cluster.perform(cluster.planOf(orphanedPodController, NAME));
  const [{ metadata, status }] = cluster.list(pods) as [Pod];
  assert.notEqual(metadata.deletionTimestamp, undefined);
  assert.equal(status.phase, "Failed");
  assert.deepEqual(
    status.conditions!.map(({ type, status, reason, message }) => ({
      type,
      status,
      reason,
      message,
    })),
    [{
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
    }],
  );
});

Deno.test("pods that are to end are removed from a node that is out of service, and no others", () => {
  const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }];
  const rows: [taints: object[], ready: string, isRemoved: boolean][] = [
    [taints, "Unknown", true],
    [taints, "True", false],
    [[], "False", false],
  ];
  for (const [taints, ready, isRemoved] of rows) {
    const cluster = new TestCluster();
    const conditions = [{ type: "Ready", status: ready }];
    cluster.put(nodes, { metadata: NAME, spec: { taints }, status: { conditions } });
    const ending = pod(cluster, "ending", {}, { phase: "Running" });
    const deletionTimestamp = timestamp(cluster.nowMs);
    cluster.put(pods, { ...ending, metadata: { ...ending.metadata, deletionTimestamp } });
    pod(cluster, "staying", {}, { phase: "Running" });
    cluster.perform(cluster.planOf(outOfServicePodController, NAME));
    const left = cluster.list(pods).map(({ metadata }) => metadata.name);
    assert.deepEqual(left, isRemoved ? ["staying"] : ["ending", "staying"], ready);
  }
});
