import assert from "node:assert/strict";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { ApiError } from "../../client/api_error.ts";
import { loopOf, type Write } from "../runtime/controller.ts";
import { replicaSetController } from "./replica_sets.ts";
import { TestCluster } from "../test_cluster.ts";
import { timestamp } from "../../lib/timestamp.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};

function replicaSet(cluster: TestCluster, replicas: number, more = {}): ReplicaSet {
  return cluster.put(replicaSets, {
    metadata: { name: "web" },
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template, ...more },
  });
}

function settle(cluster: TestCluster): ReplicaSet {
  cluster.settle([replicaSetController]);
  return cluster.get(replicaSets, { namespace: "default", name: "web" })!;
}

function look(cluster: TestCluster) {
  const found = cluster.get(replicaSets, { namespace: "default", name: "web" })!;
  return replicaSetController.reconcile(found, cluster, cluster.nowMs);
}

function makeReady(cluster: TestCluster, pod: Pod, { node = "n1" } = {}): void {
  const ready = { type: "Ready", status: "True", lastTransitionTime: timestamp(cluster.nowMs) };
  cluster.put(pods, {
    ...pod,
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, phase: "Running", conditions: [ready] },
  });
}

Deno.test("a ReplicaSet makes the pods that are missing, with the template and itself as owner", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 3);
  const { status } = settle(cluster);
  const made = cluster.list(pods);
  assert.equal(made.length, 3);
  for (const { metadata, spec } of made) {
    assert.match(metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(metadata.generateName, "web-");
    assert.deepEqual(metadata.labels, { app: "web" });
    assert.equal(metadata.ownerReferences?.[0]?.controller, true);
    assert.equal(spec.containers[0]?.image, "web:1");
  }
  assert.equal(status.replicas, 3);
  assert.equal(status.fullyLabeledReplicas, 3);
  assert.equal(status.readyReplicas, undefined);
  assert.equal(cluster.notices.length, 3);
  assert.match(cluster.notices[0]!.message, /^Created pod: web-/);
});

Deno.test("pods of a ReplicaSet with a long name have names that can be the names of machines", () => {
  const cluster = new TestCluster();
  const owner = `${"long-".repeat(13)}5d9f7c8b6`;
  const spec = { replicas: 2, selector: { matchLabels: { app: "web" } }, template };
  cluster.put(replicaSets, { metadata: { name: owner }, spec });
  cluster.settle([replicaSetController]);
  const names = cluster.list(pods).map(({ metadata }) => metadata.name);
  assert.deepEqual(
    names.map((name) => name.slice(0, -5)),
    [owner, owner].map((name) => name.slice(0, 58)),
  );
  assert.equal(new Set(names).size, 2);
});

Deno.test("a ReplicaSet without a generation has none that was seen", () => {
  const cluster = new TestCluster();
  cluster.put(replicaSets, {
    metadata: { name: "web", generation: undefined } as object,
    spec: { replicas: 0, selector: { matchLabels: { app: "web" } }, template },
    status: { replicas: 1 },
  });
  assert.equal(settle(cluster).status.observedGeneration, undefined);
});

Deno.test("a plan that is repeated makes the same pods, not duplicates", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 4);
  const names = () =>
    look(cluster).writes.flatMap((write) =>
      write.verb === "create" ? [write.draft.metadata.name] : []
    );
  const first = look(cluster);
  assert.deepEqual(names(), names());
  cluster.perform(first);
  cluster.perform({ writes: first.writes.filter(({ verb }) => verb === "create") });
  assert.equal(cluster.list(pods).length, 4);
});

Deno.test("a plan that was done in part is completed by the next, with other names", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 3);
  cluster.perform({ writes: look(cluster).writes.slice(0, 1) });
  cluster.perform({ writes: look(cluster).writes.filter(({ verb }) => verb === "create") });
  assert.equal(cluster.list(pods).length, 3);
});

Deno.test("a new pod never has the name of one that is still ending", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  settle(cluster);
  const [old] = cluster.list(pods);
  cluster.put(pods, {
    ...old!,
    metadata: { ...old!.metadata, deletionTimestamp: timestamp(cluster.nowMs) },
  });
  settle(cluster);
  assert.equal(cluster.list(pods).length, 2);
  assert.equal(new Set(cluster.list(pods).map(({ metadata }) => metadata.name)).size, 2);
});

Deno.test("pods that have failed are replaced and stay to be looked at", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  settle(cluster);
  cluster.patchStatus(pods, cluster.list(pods)[0]!.metadata, { phase: "Failed" });
  const { status } = settle(cluster);
  assert.equal(cluster.list(pods).length, 2);
  assert.equal(status.replicas, 1);
});

Deno.test("too many pods are deleted in the order of their worth", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 5);
  settle(cluster);
  const [unbound, pending, notReady, cheap, dear] = cluster.list(pods);
  assert.equal(unbound!.spec.nodeName, undefined);
  cluster.put(pods, { ...pending!, spec: { ...pending!.spec, nodeName: "n1" } });
  cluster.put(pods, {
    ...notReady!,
    spec: { ...notReady!.spec, nodeName: "n1" },
    status: { phase: "Running" },
  });
  const cost = (value: string) => ({ "controller.kubernetes.io/pod-deletion-cost": value });
  makeReady(cluster, { ...cheap!, metadata: { ...cheap!.metadata, annotations: cost("-1") } });
  makeReady(cluster, { ...dear!, metadata: { ...dear!.metadata, annotations: cost("10") } });
  const order = [unbound, pending, notReady, cheap, dear].map((pod) => pod!.metadata.name);
  for (let left = 4; left >= 0; left--) {
    const found = cluster.get(replicaSets, { namespace: "default", name: "web" })!;
    cluster.put(replicaSets, { ...found, spec: { ...found.spec, replicas: left } });
    const before = active(cluster);
    settle(cluster);
    const gone = before.filter((name) => !active(cluster).includes(name));
    assert.deepEqual(gone, [order.shift()]);
  }
});

function active(cluster: TestCluster): string[] {
  return cluster.list(pods).filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name);
}

Deno.test("a pod without owner is taken, one that no longer fits is let go and replaced", () => {
  const cluster = new TestCluster();
  cluster.put(pods, { metadata: { name: "stray", labels: { app: "web" } }, spec: template.spec });
  const { metadata } = replicaSet(cluster, 2);
  settle(cluster);
  const stray = cluster.get(pods, { namespace: "default", name: "stray" })!;
  assert.equal(stray.metadata.ownerReferences?.[0]?.uid, metadata.uid);
  assert.equal(cluster.list(pods).length, 2);
  cluster.put(pods, { ...stray, metadata: { ...stray.metadata, labels: { app: "debug" } } });
  settle(cluster);
  const released = cluster.get(pods, { namespace: "default", name: "stray" })!;
  assert.equal(released.metadata.ownerReferences, undefined);
  assert.equal(cluster.list(pods).length, 3);
});

Deno.test("a pod counts as available once it has been ready for minReadySeconds", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1, { minReadySeconds: 10 });
  settle(cluster);
  makeReady(cluster, cluster.list(pods)[0]!);
  cluster.nowMs += 4_000;
  const waiting = settle(cluster);
  assert.equal(waiting.status.readyReplicas, 1);
  assert.equal(waiting.status.availableReplicas, undefined);
  assert.equal(look(cluster).againAfterMs, 6_000);
  cluster.nowMs += 6_000;
  assert.equal(settle(cluster).status.availableReplicas, 1);
  assert.equal(look(cluster).againAfterMs, undefined);
});

Deno.test("a pod on a machine whose clock runs ahead counts as available without waiting for that", () => {
  for (const minReadySeconds of [0, 10]) {
    const cluster = new TestCluster();
    replicaSet(cluster, 1, { minReadySeconds });
    settle(cluster);
    cluster.setClock(3_600_000);
    makeReady(cluster, cluster.list(pods)[0]!);
    cluster.setClock(-3_600_000);
    assert.equal(settle(cluster).status.availableReplicas, 1);
  }
});

Deno.test("a refused pod is told in the status and as an event, and forgotten when it works", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  const [write] = look(cluster).writes;
  assert.ok(write?.verb === "create");
  const refused = write.refused!(new ApiError("Forbidden", "exceeded quota"));
  cluster.perform({ writes: refused });
  const failed = cluster.get(replicaSets, { namespace: "default", name: "web" })!;
  assert.deepEqual(
    failed.status.conditions?.map(({ type, reason, message }) => [type, reason, message]),
    [["ReplicaFailure", "FailedCreate", "exceeded quota"]],
  );
  assert.equal(cluster.notices[0]?.message, "Error creating: exceeded quota");
  assert.equal(settle(cluster).status.conditions, undefined);
});

/** What is written when the first of the missing pods is refused. */
function refuse(cluster: TestCluster, message: string): readonly Write[] {
  const [write] = look(cluster).writes;
  assert.ok(write?.verb === "create");
  const writes = write.refused!(new ApiError("Forbidden", message));
  cluster.perform({ writes });
  return writes;
}

Deno.test("while pods are refused, the status goes on to tell of those that are there", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  const made = settle(cluster);
  cluster.put(replicaSets, { ...made, spec: { ...made.spec, replicas: 2 } });
  refuse(cluster, "exceeded quota");
  makeReady(cluster, cluster.list(pods)[0]!);
  refuse(cluster, "exceeded quota");
  const { status } = cluster.get(replicaSets, { namespace: "default", name: "web" })!;
  assert.deepEqual([status.replicas, status.readyReplicas], [1, 1]);
});

Deno.test("that pods are refused is written once, though each try names another pod", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  const written = ["web-a", "web-b"].map((name) =>
    refuse(cluster, `pods "${name}" is forbidden`).filter(({ verb }) => verb === "updateStatus")
  );
  assert.deepEqual(written.map(({ length }) => length), [1, 0]);
});

Deno.test("a ReplicaSet that is being deleted neither makes nor takes pods", () => {
  const cluster = new TestCluster();
  const made = replicaSet(cluster, 2);
  const metadata = {
    ...made.metadata,
    deletionTimestamp: timestamp(cluster.nowMs),
    finalizers: ["x/y"],
  };
  cluster.put(replicaSets, { ...made, metadata });
  cluster.put(pods, { metadata: { name: "stray", labels: { app: "web" } }, spec: template.spec });
  settle(cluster);
  assert.deepEqual(cluster.list(pods).map((pod) => pod.metadata.ownerReferences), [undefined]);
});

Deno.test("a ReplicaSet is looked at again when it has let a pod go", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 1);
  settle(cluster);
  const asked: string[] = [];
  const run = loopOf(replicaSetController).start(cluster, (key) => asked.push(key));
  const [pod] = cluster.list(pods);
  asked.length = 0;
  const { ownerReferences: _, ...metadata } = pod!.metadata;
  cluster.put(pods, { ...pod!, metadata: { ...metadata, labels: { app: "lost" } } });
  run.stop();
  assert.deepEqual(asked, ["default/web"]);
});
