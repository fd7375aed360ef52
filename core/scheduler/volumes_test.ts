import assert from "node:assert/strict";
import { claimBinding } from "../controllers/storage/claim_binding.ts";
import { ephemeralVolumes } from "../controllers/storage/ephemeral_volumes.ts";
import { localPathProvisioner } from "../controllers/storage/local_path_provisioner.ts";
import { localPathResizer } from "../controllers/storage/local_path_resizer.ts";
import { volumePhases } from "../controllers/storage/volume_phases.ts";
import { TestCluster } from "../controllers/test_cluster.ts";
import { conditionOf } from "../resources/conditions.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../resources/core/persistent_volumes/persistent_volumes.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { csiNodes } from "../resources/storage/csi_nodes.ts";
import { LOCAL_PATH_CLASS } from "../resources/storage/local_path.ts";
import { storageClasses } from "../resources/storage/storage_classes.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { scheduler } from "./scheduler.ts";

/** The scheduler and the controllers of storage. */
class World {
  readonly cluster = new TestCluster();
  readonly #keys = new Set<string>();
  readonly #run = scheduler(PLUGINS).start(this.cluster, (key) => this.#keys.add(key));

  constructor() {
    this.cluster.put(storageClasses, LOCAL_PATH_CLASS);
  }

  node(name: string, { folder = `/${name}`, cpu = "4", labels = {} } = {}): void {
    const annotations = folder === "" ? {} : { "coracle.dev/local-path-folder": folder };
    this.cluster.put(nodes, {
      metadata: { name, annotations, labels: { "kubernetes.io/hostname": name, ...labels } },
      status: {
        allocatable: { cpu, memory: "8Gi", pods: "110" },
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
  }

  claim(name: string, spec: object = {}): void {
    this.cluster.put(persistentVolumeClaims, {
      metadata: { name },
      spec: {
        storageClassName: "local-path",
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        ...spec,
      },
    });
  }

  /** One of the user's own, on one node. */
  volume(name: string, node: string, spec: object = {}): void {
    const expression = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
    this.cluster.put(persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        local: { path: "/x" },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } },
        ...spec,
      },
      status: { phase: "Available" },
    });
  }

  pod(name: string, claims: readonly string[], spec: object = {}): void {
    this.cluster.put(pods, {
      metadata: { name },
      spec: {
        containers: [{ name: "a", image: "a" }],
        volumes: claims.map((claimName) => ({
          name: claimName,
          persistentVolumeClaim: { claimName },
        })),
        ...spec,
      },
    });
  }

  decide(): void {
    const keys = [...this.#keys];
    this.#keys.clear();
    for (const key of keys) this.cluster.perform(this.#run.reconcile(key, this.cluster.moment));
  }

  settle(): this {
    const controllers = [
      claimBinding,
      volumePhases,
      localPathProvisioner,
      localPathResizer,
      ephemeralVolumes,
    ];
    for (let round = 0; round < 10; round++) {
      this.decide();
      this.cluster.settle(controllers);
    }
    assert.equal(this.#keys.size, 0, "the scheduler does not come to rest");
    return this;
  }

  /** The node of a pod, or why it has none. */
  placeOf(name: string): string {
    const { spec, status } = this.cluster.get(pods, { namespace: "default", name })!;
    return spec.nodeName ?? conditionOf(status.conditions, "PodScheduled")?.message ?? "waits";
  }

  claimNamed(name: string): PersistentVolumeClaim {
    return this.cluster.get(persistentVolumeClaims, { namespace: "default", name })!;
  }

  told(reason: string): string[] {
    return this.cluster.notices.filter((notice) => notice.reason === reason)
      .map(({ message }) => message);
  }
}

const HOPELESS = (count: number) =>
  `preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`;

Deno.test("a volume is made for the node that the pod's claim waits for, and the pod is bound to it then", () => {
  const world = new World();
  world.node("a", { cpu: "100m" });
  world.node("b");
  world.claim("data");
  const resources = { requests: { cpu: "1" } };
  world.pod("p", ["data"], { containers: [{ name: "a", image: "a", resources }] });
  world.decide();
  const annotations = world.claimNamed("data").metadata.annotations;
  assert.equal(annotations?.["volume.kubernetes.io/selected-node"], "b");
  assert.equal(world.placeOf("p"), "waits", "its claim is not bound yet");
  world.settle();
  assert.equal(world.placeOf("p"), "b");
  const claim = world.claimNamed("data");
  const name = `pvc-${claim.metadata.uid}`;
  assert.equal(claim.spec.volumeName, name);
  const volume = world.cluster.get(persistentVolumes, { name })!;
  assert.equal(volume.spec.local?.path, `/b/${name}`);
  assert.deepEqual(volume.metadata.finalizers, [
    "external-provisioner.volume.kubernetes.io/finalizer",
  ]);
  assert.equal(volume.metadata.annotations?.["coracle.dev/local-path-node"], "b");
  assert.deepEqual(world.told("ProvisioningSucceeded"), [
    `Successfully provisioned volume ${name}`,
  ]);
  world.pod("q", ["data"]);
  world.settle();
  assert.equal(world.placeOf("q"), "b", "where the data is");
});

Deno.test("a pod keeps its place while its volume is made", () => {
  const world = new World();
  world.node("a", { cpu: "1" });
  world.claim("data");
  const containers = [{ name: "a", image: "a", resources: { requests: { cpu: "1" } } }];
  world.pod("p", ["data"], { containers });
  world.decide();
  world.pod("q", [], { containers });
  world.decide();
  assert.match(world.placeOf("q"), /1 Insufficient cpu/);
  world.settle();
  assert.equal(world.placeOf("p"), "a");
});

Deno.test("of volumes that users made, those within reach are given to all claims of a pod together", () => {
  const world = new World();
  world.cluster.put(storageClasses, {
    metadata: { name: "own" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  });
  for (const name of ["a", "b"]) world.node(name);
  const own = { storageClassName: "own" };
  world.volume("a1", "a", own);
  world.volume("b1", "b", { ...own, capacity: { storage: "1Gi" } });
  world.volume("b2", "b", { ...own, capacity: { storage: "5Gi" } });
  world.claim("large", { ...own, resources: { requests: { storage: "1Gi" } } });
  world.claim("small", { ...own, resources: { requests: { storage: "1Mi" } } });
  world.pod("p", ["large", "small"]);
  world.settle();
  assert.equal(world.placeOf("p"), "b");
  const names = ["small", "large"].map((name) => world.claimNamed(name).spec.volumeName);
  assert.deepEqual(names, ["b1", "b2"]);
  world.claim("more", own);
  world.claim("most", own);
  world.pod("q", ["more", "most"]);
  world.settle();
  assert.equal(
    world.placeOf("q"),
    `0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. ${
      HOPELESS(2)
    }`,
  );
});

/** What there is of a pod's claim `data`, and why the pod waits. */
const WAITS: [string, (world: World) => void, string][] = [
  ["is not there", () => {}, 'persistentvolumeclaim "data" not found'],
  [
    "is to be bound at once",
    (world) => world.claim("data", { storageClassName: "" }),
    "pod has unbound immediate PersistentVolumeClaims",
  ],
  ["is going", (world) =>
    world.cluster.put(persistentVolumeClaims, {
      metadata: {
        name: "data",
        deletionTimestamp: "2026-01-01T00:00:00Z",
        finalizers: ["a.b/c"],
      },
      spec: { storageClassName: "local-path" },
    }), 'persistentvolumeclaim "data" is being deleted'],
  ["is lost", (world) => {
    world.claim("data", { storageClassName: "" });
    world.volume("v", "a");
    world.cluster.settle([claimBinding, volumePhases]);
    world.cluster.take(persistentVolumes, { name: "v" });
    world.cluster.settle([claimBinding, volumePhases]);
  }, 'persistentvolumeclaim "data" bound to non-existent persistentvolume "v"'],
];

for (const [what, fill, why] of WAITS) {
  Deno.test(`a pod whose claim ${what} waits, in Kubernetes' words`, () => {
    const world = new World();
    world.node("a");
    fill(world);
    world.pod("p", ["data"]);
    world.decide();
    assert.equal(world.placeOf("p"), `0/1 nodes are available: ${why}. ${HOPELESS(1)}`);
  });
}

Deno.test("a pod whose claim comes late is placed then", () => {
  const world = new World();
  world.node("a");
  world.pod("p", ["data"]);
  world.settle();
  world.claim("data");
  world.settle();
  assert.equal(world.placeOf("p"), "a");
});

Deno.test("a pod goes only where its volume can be reached", () => {
  const world = new World();
  world.node("a");
  world.node("b");
  world.volume("v", "b");
  world.claim("data", { storageClassName: "", volumeName: "v" });
  world.cluster.settle([claimBinding, volumePhases]);
  world.pod("p", ["data"]);
  world.pod("q", ["data"], { nodeSelector: { "kubernetes.io/hostname": "a" } });
  world.settle();
  assert.equal(world.placeOf("p"), "b");
  assert.equal(
    world.placeOf("q"),
    "0/2 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, " +
      `1 node(s) didn't match Pod's node affinity/selector. ${HOPELESS(2)}`,
  );
});

Deno.test("a claim of the mode ReadWriteOncePod has one pod at a time, wherever they are", () => {
  const world = new World();
  world.node("a");
  world.node("b");
  world.cluster.put(persistentVolumes, {
    metadata: { name: "v" },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOncePod"],
      nfs: { server: "s", path: "/" },
    },
    status: { phase: "Available" },
  });
  world.claim("data", { storageClassName: "", accessModes: ["ReadWriteOncePod"] });
  world.cluster.settle([claimBinding, volumePhases]);
  world.pod("p", ["data"]);
  world.pod("q", ["data"]);
  world.settle();
  const [first, second] = ["p", "q"].toSorted((a) => /^[ab]$/.test(world.placeOf(a)) ? -1 : 1);
  assert.match(
    world.placeOf(second!),
    /2 node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod/,
  );
  world.cluster.take(pods, { namespace: "default", name: first! });
  world.settle();
  assert.match(world.placeOf(second!), /^[ab]$/);
});

Deno.test("a node takes no more volumes of a CSI driver than it can attach", () => {
  const world = new World();
  world.node("a");
  world.cluster.put(csiNodes, {
    metadata: { name: "a" },
    spec: { drivers: [{ name: "d.example.com", nodeID: "a", allocatable: { count: 1 } }] },
  });
  for (const name of ["x", "y"]) {
    world.cluster.put(persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        csi: { driver: "d.example.com", volumeHandle: name },
      },
      status: { phase: "Available" },
    });
    world.claim(name, { storageClassName: "", volumeName: name });
  }
  world.cluster.settle([claimBinding, volumePhases]);
  world.pod("p", ["x"]);
  world.settle();
  world.pod("same", ["x"]);
  world.pod("other", ["y"]);
  world.settle();
  assert.equal(world.placeOf("same"), "a", "it is attached already");
  assert.match(world.placeOf("other"), /1 node\(s\) exceed max volume count/);
});

Deno.test("the volume of a node that has gone is chosen another node", () => {
  const world = new World();
  world.node("a");
  world.claim("data");
  world.pod("p", ["data"]);
  world.decide();
  world.cluster.take(nodes, { name: "a" });
  world.node("b");
  world.settle();
  assert.equal(world.placeOf("p"), "b");
  assert.match(world.told("ProvisioningFailed").join(), /node "a" not found/);
});

/** What claims ask for in vain. */
const REFUSED: [object, string][] = [
  [{ volumeMode: "Block" }, "block volumes are not supported by the provisioner"],
  [{ selector: { matchLabels: { a: "b" } } }, "claim Selector is not supported"],
];

for (const [spec, why] of REFUSED) {
  Deno.test(`a claim of local-path is told: ${why}`, () => {
    const world = new World();
    world.node("a");
    world.claim("data", spec);
    world.pod("p", ["data"]);
    world.settle();
    assert.deepEqual(world.told("ProvisioningFailed").slice(0, 1), [
      `failed to provision volume with StorageClass "local-path": ${why}`,
    ]);
    assert.equal(world.placeOf("p"), "waits");
  });
}

Deno.test("a claim that does not wait for a pod gets the node with the fewest volumes", () => {
  const world = new World();
  world.cluster.put(storageClasses, {
    metadata: { name: "now" },
    provisioner: "coracle.dev/local-path",
  });
  world.node("a");
  world.node("b");
  world.node("none", { folder: "" });
  for (const name of ["x", "y", "z"]) {
    world.claim(name, { storageClassName: "now" });
    world.settle();
  }
  const folders = world.cluster.list(persistentVolumes).map(({ spec }) =>
    spec.local!.path.split("/")[1]
  );
  assert.deepEqual(folders.sort(), ["a", "a", "b"]);
});

Deno.test("a claim grows with its volume, step by step", () => {
  const world = new World();
  world.node("a");
  world.claim("data");
  world.pod("p", ["data"]);
  world.settle();
  const claim = world.claimNamed("data");
  world.cluster.put(persistentVolumeClaims, {
    ...claim,
    spec: { ...claim.spec, resources: { requests: { storage: "2Gi" } } },
  });
  const name = { namespace: "default", name: "data" };
  world.cluster.perform(world.cluster.planOf(localPathResizer, name));
  const growing = world.claimNamed("data").status;
  assert.deepEqual(growing.conditions?.map(({ type, status }) => [type, status]), [
    ["Resizing", "True"],
  ]);
  assert.deepEqual(growing.capacity, { storage: "1Gi" });
  assert.deepEqual(growing.allocatedResourceStatuses, { storage: "ControllerResizeInProgress" });
  world.settle();
  const { conditions, capacity, allocatedResources, allocatedResourceStatuses } =
    world.claimNamed("data").status;
  assert.deepEqual({ conditions, capacity, allocatedResources, allocatedResourceStatuses }, {
    conditions: undefined,
    capacity: { storage: "2Gi" },
    allocatedResources: { storage: "2Gi" },
    allocatedResourceStatuses: undefined,
  });
  assert.deepEqual(world.told("VolumeResizeSuccessful"), ["Resize volume succeeded"]);
});

Deno.test("an ephemeral volume has a claim of its pod; one of that name that is not the pod's is not used", () => {
  const world = new World();
  world.node("a");
  const { spec } = { spec: { accessModes: ["ReadWriteOnce"], storageClassName: "local-path" } };
  const volumeClaimTemplate = { metadata: { labels: { a: "b" } }, spec };
  const volumes = [{ name: "data", ephemeral: { volumeClaimTemplate } }];
  world.claim("q-data");
  world.pod("p", [], { volumes });
  world.pod("q", [], { volumes });
  world.settle();
  assert.equal(world.placeOf("p"), "a");
  const { metadata } = world.claimNamed("p-data");
  const uid = world.cluster.get(pods, { namespace: "default", name: "p" })!.metadata.uid;
  assert.deepEqual(metadata.labels, { a: "b" });
  assert.deepEqual(metadata.ownerReferences, [{
    apiVersion: "v1",
    kind: "Pod",
    name: "p",
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }]);
  const why = "PVC default/q-data was not created for pod default/q (pod is not owner)";
  assert.equal(world.placeOf("q"), `0/1 nodes are available: ${why}. ${HOPELESS(1)}`);
  assert.equal(world.told("FailedBinding").at(-1), `ephemeral volume data: ${why}`);
});
