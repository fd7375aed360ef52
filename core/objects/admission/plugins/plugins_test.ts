import assert from "node:assert/strict";
import { bootstrap } from "../../bootstrap.ts";
import { Objects } from "../../objects.ts";
import { freshObjects } from "../../objects_fixture.ts";
import { persistentVolumeClaims } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { persistentVolumes } from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { services } from "../../../resources/core/services/services.ts";
import { ingressClasses } from "../../../resources/networking/ingress_classes.ts";
import { type Ingress, ingresses } from "../../../resources/networking/ingresses.ts";
import { runtimeClasses } from "../../../resources/node/runtime_classes.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import { priorityClasses } from "../../../resources/scheduling/priority_classes.ts";
import { storageClasses } from "../../../resources/storage/storage_classes.ts";
import { volumeAttributesClasses } from "../../../resources/storage/volume_attributes_classes.ts";

const namespace = "default";

class World {
  private constructor(readonly objects: Objects) {}

  static async open(): Promise<World> {
    return new World((await freshObjects()).objects);
  }

  async put(resource: AnyResource, name: string, fields: object): Promise<KubeObject> {
    const metadata = { name, ...(resource.namespaced && { namespace }) };
    const { metadata: more, ...rest } = fields as { metadata?: object };
    const draft = { metadata: { ...metadata, ...more }, ...rest };
    return (await this.objects.create(resource, draft)).object;
  }

  async pod(spec: object = {}): Promise<Pod["spec"]> {
    const name = `p${this.objects.list(pods).length}`;
    const containers = [{ name: "c", image: "x" }];
    return (await this.put(pods, name, { spec: { containers, ...spec } }) as Pod).spec;
  }

  async refusal(writing: Promise<unknown>): Promise<string> {
    const error = await writing.then(
      () => undefined,
      (error: Error & { status?: object }) => error,
    );
    assert.ok(error, "it was not refused");
    return error.message;
  }
}

Deno.test("a pod has the priority of its class, of the default class, or none", async () => {
  const world = await World.open();
  const ofPod = async (spec: object = {}) => {
    const { priority, priorityClassName, preemptionPolicy } = await world.pod(spec);
    return [priorityClassName, priority, preemptionPolicy];
  };
  assert.deepEqual(await ofPod(), [undefined, 0, "PreemptLowerPriority"]);
  await world.put(priorityClasses, "high", { value: 7, preemptionPolicy: "Never" });
  assert.deepEqual(await ofPod({ priorityClassName: "high" }), ["high", 7, "Never"]);
  assert.deepEqual(await ofPod({ priorityClassName: "high", priority: 7 }), ["high", 7, "Never"]);
  await world.put(priorityClasses, "usual", { value: 3, globalDefault: true });
  assert.deepEqual(await ofPod(), ["usual", 3, "PreemptLowerPriority"]);
  const system = await ofPod({ priorityClassName: "system-node-critical" });
  assert.equal(system[1], 2_000_001_000);
});

Deno.test("a pod is refused that names no class there is, or a priority of its own", async () => {
  const world = await World.open();
  await world.put(priorityClasses, "high", { value: 7, preemptionPolicy: "Never" });
  const prefix = 'pods "p0" is forbidden: ';
  const refusalOf = async (spec: object) =>
    (await world.refusal(world.pod(spec))).replace(prefix, "");
  assert.equal(
    await refusalOf({ priorityClassName: "none" }),
    "no PriorityClass with name none was found",
  );
  assert.equal(
    await refusalOf({ priority: 5 }),
    "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
  );
  assert.equal(
    await refusalOf({ priorityClassName: "high", preemptionPolicy: "PreemptLowerPriority" }),
    "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name",
  );
});

Deno.test("one PriorityClass is the default, and may be written again", async () => {
  const world = await World.open();
  await world.put(priorityClasses, "a", { value: 1, globalDefault: true });
  assert.equal(
    await world.refusal(world.put(priorityClasses, "b", { value: 2, globalDefault: true })),
    'priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass a is already marked as default. Only one default can exist',
  );
  const body = { description: "x" };
  const patch = { type: "application/merge-patch+json", body } as const;
  await world.objects.patch(priorityClasses, { name: "a" }, patch);
});

Deno.test("a pod needs what its RuntimeClass says, where that says", async () => {
  const world = await World.open();
  const toleration = { key: "a", operator: "Exists", effect: "NoSchedule" };
  await world.put(runtimeClasses, "sandbox", {
    handler: "gvisor",
    overhead: { podFixed: { memory: "64Mi" } },
    scheduling: {
      nodeSelector: { sandbox: "yes" },
      tolerations: [toleration, { key: "b", operator: "Exists" }],
    },
  });
  const spec = await world.pod({
    runtimeClassName: "sandbox",
    nodeSelector: { disk: "ssd" },
    tolerations: [toleration, { key: "b", operator: "Equal", value: "1" }],
  });
  assert.deepEqual(spec.overhead, { memory: "64Mi" });
  assert.deepEqual(spec.nodeSelector, { disk: "ssd", sandbox: "yes" });
  assert.deepEqual(spec.tolerations?.map(({ key, value = "" }) => key + value), [
    "a",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "b", // of the class: it covers the pod's own
  ]);
});

Deno.test("a pod is refused that names no RuntimeClass there is, or contradicts its own", async () => {
  const world = await World.open();
  await world.put(runtimeClasses, "sandbox", {
    handler: "gvisor",
    overhead: { podFixed: { memory: "64Mi" } },
    scheduling: { nodeSelector: { sandbox: "yes" } },
  });
  const runtimeClassName = "sandbox";
  const table: [object, string][] = [
    [{ runtimeClassName: "none" }, 'pod rejected: RuntimeClass "none" not found'],
    [
      { runtimeClassName, overhead: { memory: "1Mi" } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      { overhead: { memory: "1Mi" } },
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ],
    [
      { runtimeClassName, nodeSelector: { sandbox: "no" } },
      "conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no",
    ],
  ];
  for (const [spec, why] of table) {
    assert.equal(await world.refusal(world.pod(spec)), `pods "p0" is forbidden: ${why}`);
  }
  await world.pod({ runtimeClassName, overhead: { memory: "64Mi" } });
});

const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const isDefault = { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } };

Deno.test("a claim that names no class has the newest of the default ones", async () => {
  const world = await World.open();
  const classOf = async (name: string, spec: object = {}) => {
    const object = await world.put(persistentVolumeClaims, name, { spec: { ...claim, ...spec } });
    return (object as unknown as { spec: { storageClassName?: string } }).spec.storageClassName;
  };
  assert.equal(await classOf("none"), "local-path");
  await world.put(storageClasses, "b", { provisioner: "p", metadata: isDefault });
  await world.put(storageClasses, "a", { provisioner: "p", metadata: isDefault });
  await world.put(storageClasses, "other", { provisioner: "p" });
  assert.equal(await classOf("some"), "a", "of the same age, the first by name");
  assert.equal(await classOf("own", { storageClassName: "other" }), "other");
  assert.equal(await classOf("empty", { storageClassName: "" }), "");
});

Deno.test("an Ingress that names no class has the default one", async () => {
  const world = await World.open();
  const spec = { defaultBackend: { service: { name: "s", port: { number: 80 } } } };
  const classOf = async (name: string, fields: object = {}) =>
    (await world.put(ingresses, name, { spec, ...fields }) as Ingress).spec.ingressClassName;
  assert.equal(await classOf("none"), "coracle");
  await world.put(ingressClasses, "an-other", {
    spec: { controller: "a.b/c" },
    metadata: { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
  });
  assert.equal(await classOf("some"), "an-other");
  const annotations = { "kubernetes.io/ingress.class": "other" };
  assert.equal(await classOf("old", { metadata: { annotations } }), undefined);
});

Deno.test("claims, volumes and classes of attributes are held from the start", async () => {
  const world = await World.open();
  const held = async (resource: AnyResource, fields: object) =>
    (await world.put(resource, "x", fields)).metadata.finalizers;
  assert.deepEqual(await held(persistentVolumeClaims, { spec: claim }), [
    "kubernetes.io/pvc-protection",
  ]);
  const volume = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] };
  assert.deepEqual(
    await held(persistentVolumes, {
      spec: { ...volume, hostPath: { path: "/x" } },
      metadata: { finalizers: ["a.b/c"] },
    }),
    ["a.b/c", "kubernetes.io/pv-protection"],
  );
  assert.deepEqual(
    await held(volumeAttributesClasses, { driverName: "d", parameters: { a: "b" } }),
    [
      "kubernetes.io/vac-protection",
    ],
  );
});

Deno.test("a claim grows only when it is bound, and its class allows it", async () => {
  const world = await World.open();
  await world.put(storageClasses, "fixed", { provisioner: "p" });
  await world.put(storageClasses, "elastic", { provisioner: "p", allowVolumeExpansion: true });
  const grow = (name: string) =>
    world.objects.patch(persistentVolumeClaims, { namespace, name }, {
      type: "application/merge-patch+json",
      body: { spec: { resources: { requests: { storage: "2Gi" } } } },
    });
  for (const name of ["fixed", "elastic"]) {
    await world.put(persistentVolumeClaims, name, { spec: { ...claim, storageClassName: name } });
    await world.objects.patch(persistentVolumeClaims, { namespace, name }, {
      type: "application/merge-patch+json",
      body: { status: { phase: "Bound", capacity: { storage: "1Gi" } } },
    }, { scope: "status" });
  }
  assert.equal(
    await world.refusal(grow("fixed")),
    'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  );
  await grow("elastic");
});

Deno.test("addresses from outside are refused when the operator asks for it, but those of before stay", async () => {
  const { objects } = await freshObjects();
  const { store, clock } = objects;
  const strict = new Objects({
    store,
    clock,
    random: { uuid: () => "u", suffix: () => "abcde", integer: () => 0 } as never,
    enabledPlugins: ["DenyServiceExternalIPs"],
  });
  await bootstrap(strict, { apiAddress: "127.0.0.1", apiPort: 6443 });
  const draft = (name: string, externalIPs: string[]) => ({
    metadata: { name, namespace },
    spec: { ports: [{ port: 80 }], externalIPs },
  });
  await objects.create(services, draft("old", ["192.0.2.1"]));
  await assert.rejects(strict.create(services, draft("new", ["192.0.2.1"])), {
    message: 'services "new" is forbidden: Use of external IPs is denied by admission control',
  });
  await strict.update(services, { name: "old", namespace }, draft("old", ["192.0.2.1"]));
  await assert.rejects(
    strict.update(services, { name: "old", namespace }, draft("old", ["192.0.2.1", "192.0.2.2"])),
  );
});
