import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { Cause } from "../../schema/causes.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { suffixOf } from "../runtime/hashes.ts";
import { TestCluster } from "../test_cluster.ts";
import { replicaSetController } from "./replica_sets.ts";

const NAME = { namespace: "default", name: "web" };
const SPEC = { containers: [{ name: "web", image: "web" }] };
const labels = { app: "web", tier: "front" };

function replicaSet(
  cluster: TestCluster,
  replicas: number,
  metadata: object = {},
  more: object = {},
): ReplicaSet {
  return cluster.put(replicaSets, {
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels, ...metadata }, spec: SPEC },
      ...more,
    },
  });
}

function look(cluster: TestCluster) {
  return cluster.planOf(replicaSetController, NAME);
}

Deno.test("no more than 500 pods are created or deleted at once", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 501);
  const made = look(cluster).writes.filter(({ verb }) => verb === "create");
  assert.equal(made.length, 500);
  cluster.settle([replicaSetController]);
  assert.equal(cluster.list(pods).length, 501);
  const stored = cluster.get(replicaSets, NAME)!;
  cluster.put(replicaSets, { ...stored, spec: { ...stored.spec, replicas: 0 } });
  const deleted = look(cluster).writes.filter(({ verb }) => verb === "delete");
  assert.equal(deleted.length, 500);
});

Deno.test("a pod gets what the template has, and no empty fields", () => {
  const draftOf = (metadata: object) => {
    const cluster = new TestCluster();
    replicaSet(cluster, 1, metadata);
    const [write] = look(cluster).writes;
    assert.ok(write?.verb === "create");
    return write.draft.metadata;
  };
  const bare = draftOf({});
  assert.deepEqual(Object.keys(bare).sort(), [
    "generateName",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
  ]);
  const full = draftOf({ annotations: { a: "b" }, finalizers: ["x/y"] });
  assert.deepEqual([full.annotations, full.finalizers], [{ a: "b" }, ["x/y"]]);
});

Deno.test("names are derived from the state of the ReplicaSet, from the first slot on", () => {
  const cluster = new TestCluster();
  const { metadata } = replicaSet(cluster, 2);
  const seed = `${metadata.uid} ${metadata.resourceVersion}`;
  const names = look(cluster).writes.flatMap((write) =>
    write.verb === "create" ? [write.draft.metadata.name] : []
  );
  assert.deepEqual(names, [0, 1].map((slot) => `web-${suffixOf(`${seed} ${slot}`)}`));
});

Deno.test("only a namespace that is being deleted is no failure", () => {
  const rows: [reasons: Cause["reason"][], isFailure: boolean][] = [
    [["NamespaceTerminating"], false],
    [["FieldValueInvalid", "NamespaceTerminating"], false],
    [["FieldValueInvalid"], true],
    [[], true],
  ];
  for (const [reasons, isFailure] of rows) {
    const cluster = new TestCluster();
    replicaSet(cluster, 1);
    const [write] = look(cluster).writes;
    assert.ok(write?.verb === "create");
    const causes = reasons.map((reason) => ({ reason, message: "", field: "" }));
    const error = new ApiError("Forbidden", "no", { causes });
    const verbs = write.refused!(error).map(({ verb }) => verb);
    assert.equal(verbs.includes("event"), isFailure, reasons.join());
  }
});

Deno.test("a pod counts as fully labeled with all labels of the template, as available when it is ready for long enough", () => {
  const cluster = new TestCluster();
  replicaSet(cluster, 2);
  cluster.settle([replicaSetController]);
  const [first] = cluster.list(pods);
  const ready = { type: "Ready", status: "True", lastTransitionTime: timestamp(cluster.nowMs) };
  cluster.put(pods, {
    ...first!,
    metadata: { ...first!.metadata, labels: { app: "web" } },
    status: { phase: "Running", conditions: [ready] },
  });
  cluster.settle([replicaSetController]);
  const { status } = cluster.get(replicaSets, NAME)!;
  assert.deepEqual([status.fullyLabeledReplicas, status.availableReplicas], [1, 1]);
  assert.equal(look(cluster).againAfterMs, undefined);
  const stored = cluster.get(replicaSets, NAME)!;
  cluster.put(replicaSets, { ...stored, spec: { ...stored.spec, minReadySeconds: 30 } });
  assert.equal(look(cluster).againAfterMs, 30_000);
});
