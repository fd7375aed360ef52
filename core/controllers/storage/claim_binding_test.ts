import assert from "node:assert/strict";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { storageClasses } from "../../resources/storage/storage_classes.ts";
import { TestCluster } from "../test_cluster.ts";
import { claimBinding } from "./claim_binding.ts";
import { volumePhases } from "./volume_phases.ts";

const COMPLETED = "pv.kubernetes.io/bind-completed";
const BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller";

class Storage {
  readonly cluster = new TestCluster();

  volume(name: string, spec: object = {}, more: object = {}): void {
    this.cluster.put(persistentVolumes, {
      metadata: { name, ...more },
      spec: {
        capacity: { storage: "10Gi" },
        accessModes: ["ReadWriteOnce"],
        hostPath: { path: "/x" },
        ...spec,
      },
      status: { phase: "Available" },
    });
  }

  claim(name: string, spec: object = {}, metadata: object = {}): void {
    this.cluster.put(persistentVolumeClaims, {
      metadata: { name, ...metadata },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "5Gi" } },
        ...spec,
      },
    });
  }

  storageClass(name: string, fields: object = {}): void {
    this.cluster.put(storageClasses, { metadata: { name }, provisioner: "a.b/c", ...fields });
  }

  settle(): this {
    this.cluster.settle([claimBinding, volumePhases]);
    return this;
  }

  claimNamed(name: string): PersistentVolumeClaim {
    return this.cluster.get(persistentVolumeClaims, { namespace: "default", name })!;
  }

  volumeNamed(name: string): PersistentVolume {
    return this.cluster.get(persistentVolumes, { name })!;
  }

  /** E.g. `Bound v1`. */
  stateOf(name: string): string {
    const { spec, status } = this.claimNamed(name);
    return `${status.phase} ${spec.volumeName ?? "-"}`;
  }

  get told(): string[] {
    return this.cluster.notices.map(({ reason, message }) => `${reason}: ${message}`);
  }
}

Deno.test("a claim and a volume that fits are bound to each other, and both say who did it", () => {
  const storage = new Storage();
  storage.volume("v", { accessModes: ["ReadOnlyMany", "ReadWriteOnce"] });
  storage.claim("c");
  storage.settle();
  const claim = storage.claimNamed("c");
  assert.equal(storage.stateOf("c"), "Bound v");
  assert.deepEqual(claim.metadata.annotations, { [COMPLETED]: "yes", [BY_CONTROLLER]: "yes" });
  assert.deepEqual(claim.status.capacity, { storage: "10Gi" });
  assert.deepEqual(claim.status.accessModes, ["ReadOnlyMany", "ReadWriteOnce"]);
  const volume = storage.volumeNamed("v");
  assert.equal(volume.status.phase, "Bound");
  assert.deepEqual(volume.metadata.annotations, { [BY_CONTROLLER]: "yes" });
  assert.equal(volume.spec.claimRef?.uid, claim.metadata.uid);
  assert.deepEqual(storage.told, []);
});

/** Volumes, the claim, and which one it gets. */
const CHOICES: [string, Record<string, object>, object, string | undefined][] = [
  [
    "the smallest that is large enough",
    {
      a: { capacity: { storage: "4Gi" } },
      b: { capacity: { storage: "20Gi" } },
      c: { capacity: { storage: "5Gi" } },
    },
    {},
    "c",
  ],
  ["none that is too small", { a: { capacity: { storage: "5119Mi" } } }, {}, undefined],
  [
    "the one with the fewest modes, though it is larger",
    {
      a: { accessModes: ["ReadWriteOnce", "ReadWriteMany"] },
      b: { capacity: { storage: "20Gi" } },
    },
    {},
    "b",
  ],
  ["none that lacks a mode", { a: {} }, { accessModes: ["ReadWriteMany"] }, undefined],
  ["one of its class", { a: {}, b: { storageClassName: "fast" } }, {
    storageClassName: "fast",
  }, "b"],
  ["one of no class when it names none", { a: { storageClassName: "fast" }, b: {} }, {
    storageClassName: "",
  }, "b"],
  ["one of its mode", { a: {}, b: { volumeMode: "Block" } }, { volumeMode: "Block" }, "b"],
  ["none of another mode", { a: { volumeMode: "Block" } }, {}, undefined],
  [
    "the one that is reserved for it",
    {
      a: { capacity: { storage: "5Gi" } },
      b: { claimRef: { namespace: "default", name: "c" } },
    },
    {},
    "b",
  ],
  [
    "none that is reserved for another",
    {
      a: { claimRef: { namespace: "default", name: "other" } },
      b: { claimRef: { namespace: "other", name: "c" } },
      d: { claimRef: { namespace: "default", name: "c", uid: "of the one before" } },
    },
    {},
    undefined,
  ],
  ["the one that it names", { a: {}, b: {} }, { volumeName: "b" }, "b"],
  ["one that its selector selects", { a: {}, b: {} }, {
    selector: { matchLabels: { name: "b" } },
  }, "b"],
  ["one with its attributes", { a: {}, b: { volumeAttributesClassName: "gold" } }, {
    volumeAttributesClassName: "gold",
  }, "b"],
];

for (const [what, volumes, claim, expected] of CHOICES) {
  Deno.test(`of several volumes a claim gets ${what}`, () => {
    const storage = new Storage();
    for (const [name, spec] of Object.entries(volumes)) {
      storage.volume(name, spec, { labels: { name } });
    }
    storage.claim("c", claim);
    storage.settle();
    assert.equal(
      storage.stateOf("c"),
      expected === undefined ? "Pending -" : `Bound ${expected}`,
    );
  });
}

/** A volume that a claim names, the claim, and what it is told. */
const NAMED: [string, object, object, object, string][] = [
  ["is too small", { capacity: { storage: "1Gi" } }, {}, {}, "requested PV is too small"],
  ["is of another class", { storageClassName: "fast" }, {}, {}, "storageClassName does not match"],
  ["is of another mode", { volumeMode: "Block" }, {}, {}, "incompatible volumeMode"],
  ["cannot be shared", {}, { accessModes: ["ReadWriteMany"] }, {}, "incompatible accessMode"],
  ["is going", {}, {}, {
    deletionTimestamp: "2026-01-01T00:00:00Z",
    finalizers: ["a.b/c"],
  }, 'the volume is marked for deletion "v"'],
];

for (const [what, spec, claim, metadata, why] of NAMED) {
  Deno.test(`a claim that names a volume which ${what} waits, and says why`, () => {
    const storage = new Storage();
    storage.volume("v", spec, metadata);
    storage.claim("c", { volumeName: "v", ...claim });
    storage.settle();
    assert.equal(storage.stateOf("c"), "Pending v");
    assert.deepEqual(storage.told, [`VolumeMismatch: Cannot bind to requested volume "v": ${why}`]);
  });
}

Deno.test("of two claims that name a volume one gets it, and keeps it", () => {
  const storage = new Storage();
  storage.volume("v");
  storage.claim("a", { volumeName: "v" });
  storage.claim("b", { volumeName: "v" });
  storage.settle();
  assert.deepEqual([storage.stateOf("a"), storage.stateOf("b")], ["Bound v", "Pending v"]);
  assert.deepEqual(storage.told, ['FailedBinding: volume "v" already bound to a different claim.']);
  const { annotations } = storage.claimNamed("a").metadata;
  assert.deepEqual(annotations, { [COMPLETED]: "yes" }, "a user asked for it");
});

Deno.test("a claim without class gets a default one that comes later; one that wants none does not", () => {
  const storage = new Storage();
  storage.claim("any");
  storage.claim("none", { storageClassName: "" });
  storage.settle();
  const words = "no persistent volumes available for this claim and no storage class is set";
  assert.deepEqual(storage.told, [`FailedBinding: ${words}`, `FailedBinding: ${words}`]);
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  storage.storageClass("old", { metadata: { name: "old", annotations } });
  storage.cluster.nowMs += 60_000;
  storage.storageClass("new", { metadata: { name: "new", annotations } });
  storage.settle();
  assert.equal(storage.claimNamed("any").spec.storageClassName, "new");
  assert.equal(storage.claimNamed("none").spec.storageClassName, "");
});

Deno.test("a claim of a delayed class waits for a pod, then for its node, then for its maker, and says so once each", () => {
  const storage = new Storage();
  storage.storageClass("late", { volumeBindingMode: "WaitForFirstConsumer" });
  storage.volume("free", { storageClassName: "late" });
  storage.claim("c", { storageClassName: "late" });
  storage.settle().settle();
  const pod = (name: string) =>
    storage.cluster.put(pods, {
      metadata: { name },
      spec: {
        containers: [{ name: "a", image: "a" }],
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }],
      },
    });
  pod("p");
  storage.settle();
  pod("q");
  storage.settle();
  const claim = storage.claimNamed("c");
  const annotations = { "volume.kubernetes.io/selected-node": "n" };
  storage.cluster.put(persistentVolumeClaims, {
    ...claim,
    metadata: { ...claim.metadata, annotations },
  });
  storage.settle();
  assert.deepEqual(storage.told, [
    "WaitForFirstConsumer: waiting for first consumer to be created before binding",
    "WaitForPodScheduled: waiting for pod p to be scheduled",
    "WaitForPodScheduled: waiting for pods p,q to be scheduled",
    "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'a.b/c' or manually " +
    "by the system administrator. If volume creation is delayed, please verify that the provisioner is running and " +
    "correctly registered.",
  ]);
  assert.deepEqual(storage.claimNamed("c").metadata.annotations, {
    ...annotations,
    "volume.beta.kubernetes.io/storage-provisioner": "a.b/c",
    "volume.kubernetes.io/storage-provisioner": "a.b/c",
  });
  assert.equal(storage.volumeNamed("free").status.phase, "Available");
});

Deno.test("a claim that waits says so again, but seldom", () => {
  const storage = new Storage();
  storage.claim("c");
  storage.settle();
  const look = () => storage.cluster.planOf(claimBinding, { namespace: "default", name: "c" });
  assert.equal(look().writes.length, 0);
  assert.equal(look().againAfterMs, 30 * 60_000);
  storage.cluster.nowMs += 30 * 60_000 - 1;
  assert.deepEqual(look(), { writes: [], againAfterMs: 1 });
  storage.cluster.nowMs += 1;
  assert.equal(look().writes.length, 1);
});

/** The class of a claim, and what is told. */
const PROVISIONERS: [string, object | undefined, string][] = [
  ["is not there", undefined, 'storageclass.storage.k8s.io "s" not found'],
  [
    "has nobody who makes volumes",
    { provisioner: "kubernetes.io/no-provisioner" },
    "no volume plugin matched name: kubernetes.io/no-provisioner",
  ],
];

for (const [what, fields, why] of PROVISIONERS) {
  Deno.test(`a claim whose class ${what} says so`, () => {
    const storage = new Storage();
    if (fields) storage.storageClass("s", fields);
    storage.claim("c", { storageClassName: "s" });
    storage.settle();
    assert.deepEqual(storage.told, [`ProvisioningFailed: ${why}`]);
  });
}

Deno.test("a claim whose volume is deleted is lost, and says so once", () => {
  const storage = new Storage();
  storage.volume("v");
  storage.claim("c");
  storage.settle();
  storage.cluster.take(persistentVolumes, { name: "v" });
  storage.settle().settle();
  assert.equal(storage.stateOf("c"), "Lost v");
  assert.equal(storage.claimNamed("c").status.capacity, undefined);
  assert.deepEqual(storage.told, [
    "ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!",
  ]);
  storage.volume("v", { claimRef: { namespace: "default", name: "other", uid: "x" } });
  storage.settle();
  assert.equal(storage.stateOf("c"), "Lost v", "a volume of that name may be anybody's");
});

Deno.test("a volume whose claim has lost its name is bound to it again", () => {
  const storage = new Storage();
  storage.volume("v");
  storage.claim("c");
  storage.settle();
  const { spec: { claimRef: _, ...spec }, metadata } = storage.volumeNamed("v");
  storage.cluster.put(persistentVolumes, { metadata, spec });
  storage.settle();
  assert.equal(storage.volumeNamed("v").spec.claimRef?.name, "c");
  assert.equal(storage.stateOf("c"), "Bound v");
});

/** The policy of a volume, who made it, and what becomes of it when its claim has gone. */
const RECLAIMED: [string, object, string, string[]][] = [
  ["Retain", {}, "Released", []],
  ["Delete", { "pv.kubernetes.io/provisioned-by": "a.b/c" }, "Released", []],
  ["Delete", {}, "Failed", [
    'VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
  ]],
  ["Recycle", {}, "Failed", ["VolumeFailedRecycle: No recycler plugin found for the volume!"]],
];

for (const [policy, annotations, phase, told] of RECLAIMED) {
  Deno.test(`${policy}: a volume ${JSON.stringify(annotations)} is ${phase} when its claim has gone`, () => {
    const storage = new Storage();
    storage.volume("v", { persistentVolumeReclaimPolicy: policy }, { annotations });
    storage.claim("c");
    storage.settle();
    storage.cluster.take(persistentVolumeClaims, { namespace: "default", name: "c" });
    storage.settle().settle();
    assert.equal(storage.volumeNamed("v").status.phase, phase);
    assert.deepEqual(storage.told, told);
    storage.claim("c"); // another one of that name
    storage.settle();
    assert.equal(storage.stateOf("c"), "Pending -", "it is not given to anybody else");
  });
}

Deno.test("a volume is free again when the claim that it was given to has another one", () => {
  const storage = new Storage();
  storage.volume("v");
  storage.claim("c");
  storage.settle();
  const claimRef = storage.volumeNamed("v").spec.claimRef;
  storage.volume("taken", { claimRef }, { annotations: { [BY_CONTROLLER]: "yes" } });
  storage.volume("asked", { claimRef });
  storage.settle();
  assert.deepEqual(storage.volumeNamed("taken").spec.claimRef, undefined);
  assert.equal(storage.volumeNamed("taken").metadata.annotations, undefined);
  const { uid: _, ...asked } = claimRef!;
  assert.deepEqual(storage.volumeNamed("asked").spec.claimRef, asked, "its user wants it so");
  for (const name of ["taken", "asked"]) {
    assert.equal(storage.volumeNamed(name).status.phase, "Available");
  }
});
