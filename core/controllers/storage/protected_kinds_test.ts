import assert from "node:assert/strict";
import { persistentVolumeClaims } from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { volumeAttributesClasses } from "../../resources/storage/volume_attributes_classes.ts";
import { loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { attributesClassProtection, claimProtection, volumeProtection } from "./protected_kinds.ts";

const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z" };
const NAME = { namespace: "default", name: "data" };

function claim(cluster: TestCluster, metadata: object = {}, spec: object = {}): void {
  const finalizers = ["kubernetes.io/pvc-protection"];
  cluster.put(persistentVolumeClaims, { metadata: { ...NAME, finalizers, ...metadata }, spec });
}

function pod(cluster: TestCluster, spec: object, metadata: object = {}): void {
  const containers = [{ name: "a", image: "a" }];
  cluster.put(pods, {
    metadata: { namespace: "default", name: "p", ...metadata },
    spec: { containers, ...spec },
  });
}

const mounted = { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] };
const ephemeral = {
  nodeName: "n",
  volumes: [{ name: "data", ephemeral: { volumeClaimTemplate: { spec: {} } } }],
};

/** What there is, and whether the claim, which is being deleted, is let go. */
const CASES: [string, (cluster: TestCluster) => void, boolean][] = [
  ["nobody uses it", () => {}, true],
  ["a pod on a node mounts it", (cluster) => pod(cluster, { ...mounted, nodeName: "n" }), false],
  ["a pod without node names it", (cluster) => pod(cluster, mounted), true],
  [
    "a pod of another namespace mounts one of that name",
    (cluster) => pod(cluster, { ...mounted, nodeName: "n" }, { namespace: "other" }),
    true,
  ],
];

for (const [what, fill, isLetGo] of CASES) {
  Deno.test(`a deleted claim goes when it may: ${what}`, () => {
    const cluster = new TestCluster();
    claim(cluster, deleted);
    fill(cluster);
    assert.equal(cluster.planOf(claimProtection, NAME).writes.length, isLetGo ? 1 : 0);
  });
}

Deno.test("a claim of one pod is held until the node is done with the pod", () => {
  const cluster = new TestCluster();
  const name = { ...NAME, name: "p-data" };
  claim(cluster, { ...deleted, ...name });
  pod(cluster, ephemeral);
  assert.equal(cluster.planOf(claimProtection, name).writes.length, 0);
  pod(cluster, ephemeral, { ...deleted, deletionGracePeriodSeconds: 0 });
  assert.equal(cluster.planOf(claimProtection, name).writes.length, 1);
});

Deno.test("the end of a pod has its claims looked at that are to go, and no others", () => {
  const cluster = new TestCluster();
  const keys: string[] = [];
  claim(cluster);
  const { stop } = loopOf(claimProtection).start(cluster, (key) => keys.push(key));
  keys.splice(0);
  pod(cluster, { ...mounted, nodeName: "n" });
  assert.deepEqual(keys.splice(0), []);
  claim(cluster, deleted);
  keys.splice(0);
  cluster.take(pods, { namespace: "default", name: "p" });
  assert.deepEqual(keys.splice(0), ["default/data"]);
  stop();
});

Deno.test("a finalizer that was taken away comes back while the claim is wanted", () => {
  const cluster = new TestCluster();
  claim(cluster, { finalizers: ["a.b/c"] });
  const [write] = cluster.planOf(claimProtection, NAME).writes;
  assert.ok(write?.verb === "update");
  assert.deepEqual(write.object.metadata.finalizers, ["a.b/c", "kubernetes.io/pvc-protection"]);
});

Deno.test("a volume goes when it is not bound", () => {
  for (const phase of ["Bound", "Released"]) {
    const cluster = new TestCluster();
    const metadata = { name: "v", finalizers: ["kubernetes.io/pv-protection"], ...deleted };
    cluster.put(persistentVolumes, { metadata, status: { phase } });
    const { writes } = cluster.planOf(volumeProtection, { name: "v" });
    assert.equal(writes.length, phase === "Bound" ? 0 : 1, phase);
  }
});

Deno.test("a class of attributes goes when no claim and no volume has it", () => {
  const cluster = new TestCluster();
  const metadata = { name: "gold", finalizers: ["kubernetes.io/vac-protection"], ...deleted };
  cluster.put(volumeAttributesClasses, { metadata, driverName: "d" });
  const look = () => cluster.planOf(attributesClassProtection, { name: "gold" }).writes.length;
  assert.equal(look(), 1);
  claim(cluster, {}, { volumeAttributesClassName: "gold" });
  assert.equal(look(), 0);
  cluster.take(persistentVolumeClaims, NAME);
  cluster.put(persistentVolumes, {
    metadata: { name: "v" },
    spec: { volumeAttributesClassName: "gold" },
  });
  assert.equal(look(), 0);
});
