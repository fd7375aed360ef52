import assert from "node:assert/strict";
import { ApiError, type Reason } from "../client/api_error.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { type Event, events } from "../resources/events/events.ts";
import { leases } from "../resources/coordination/leases.ts";
import { type Namespace, namespaces } from "../resources/core/namespaces.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { services } from "../resources/core/services/services.ts";
import { freshObjects } from "./objects_fixture.ts";
import type { Objects } from "./objects.ts";
import { subresourceOf } from "./subresources/mod.ts";
import { writeSubresource } from "./subresource_writes.ts";

const WEB = { namespace: "default", name: "web" };
const NEXT = "please apply your changes to the latest version and try again";

Deno.test("a created object carries what the server stamps", async () => {
  const { objects } = await freshObjects();
  const draft = { ...deployment(), status: { replicas: 9 } };
  const { object, outcome } = await objects.create(deployments, draft);
  const { uid, creationTimestamp, generation, resourceVersion } = object.metadata;
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.equal(creationTimestamp, "2026-01-01T00:00:00Z");
  assert.equal(generation, 1);
  assert.equal(resourceVersion, String(objects.store.revision));
  assert.equal(outcome, "created");
  assert.equal((object as Deployment).status.replicas, undefined);
});

Deno.test("a name is made up from generateName", async () => {
  const { objects } = await freshObjects();
  const draft = { metadata: { generateName: "web-" }, data: {} };
  const names = await Promise.all(
    Array.from(
      { length: 20 },
      async () => (await objects.create(configMaps, draft)).object.metadata.name,
    ),
  );
  assert.equal(new Set(names).size, 20);
  for (const name of names) assert.match(name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
});

Deno.test("what is refused is refused in Kubernetes' words", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const broken = { metadata: { name: "b" }, spec: { replicas: "x", foo: 1 } };
  const refusals: [Reason, string, () => unknown][] = [
    ["NotFound", 'pods "web" not found', () => objects.get(pods, WEB)],
    [
      "NotFound",
      'deployments.apps "x" not found',
      () => objects.delete(deployments, { ...WEB, name: "x" }),
    ],
    [
      "AlreadyExists",
      'deployments.apps "web" already exists',
      () => objects.create(deployments, deployment()),
    ],
    [
      "NotFound",
      'namespaces "x" not found',
      () => objects.create(configMaps, configMap({ namespace: "x" })),
    ],
    [
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
      () => objects.create(configMaps, configMap({ namespace: "a" }), { namespace: "b" }),
    ],
    [
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
      () => objects.create(namespaces, { metadata: { name: "a", namespace: "b" } }),
    ],
    [
      "BadRequest",
      "the name of the object (a) does not match the name on the URL (web)",
      () => objects.update(deployments, WEB, deployment({ name: "a" })),
    ],
    [
      "BadRequest",
      'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
      () => objects.create(deployments, { ...deployment(), apiVersion: "v1", kind: "Pod" }),
    ],
    [
      "BadRequest",
      "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)",
      () => objects.create(deployments, { ...deployment(), apiVersion: "apps/v1beta1" }),
    ],
    [
      "BadRequest",
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo"',
      () => objects.create(deployments, broken, { fieldValidation: "Strict" }),
    ],
    [
      "BadRequest",
      "resourceVersion should not be set on objects to be created",
      () => objects.create(configMaps, configMap({ resourceVersion: "1" })),
    ],
    [
      "Invalid",
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      async () => {
        await objects.create(leases, { metadata: { name: "l" }, spec: {} });
        await objects.update(leases, { namespace: "default", name: "l" }, { spec: {} });
      },
    ],
    [
      "Forbidden",
      'namespaces "default" is forbidden: this namespace may not be deleted',
      () => objects.delete(namespaces, { name: "default" }),
    ],
  ];
  for (const [reason, message, act] of refusals) await refuses(act, reason, message);
});

Deno.test("a name, a kind or a version that is an object is refused like any other wrong value", async () => {
  const { objects } = await freshObjects();
  const odd = { toString: 1, slice: 2 };
  const drafts = [
    { metadata: { name: odd } },
    { kind: odd, metadata: { name: "a" } },
    { apiVersion: odd, metadata: { name: "a" } },
  ];
  const isRefused = (error: unknown) =>
    error instanceof ApiError && [400, 422].includes(error.code);
  await objects.create(configMaps, { metadata: { name: "a" } }, { namespace: "default" });
  for (const draft of drafts) {
    const name = { namespace: "default", name: "a" };
    await assert.rejects(objects.create(configMaps, draft, { namespace: "default" }), isRefused);
    await assert.rejects(objects.update(configMaps, name, draft), isRefused);
  }
});

Deno.test("names are such that they can be host names where they become some", async () => {
  const { objects } = await freshObjects();
  const names: [AnyResource, string, RegExp | undefined][] = [
    [configMaps, "a.b-1", undefined],
    [
      configMaps,
      "../x",
      /metadata\.name: Invalid value: "\.\.\/x": a lowercase RFC 1123 subdomain/,
    ],
    [namespaces, "a.b", /metadata\.name: Invalid value: "a\.b": must not contain dots/],
    [services, "1a", /metadata\.name: Invalid value: "1a": a DNS-1035 label/],
  ];
  for (const [resource, name, refusal] of names) {
    const spec = resource === services ? { ports: [{ port: 80 }] } : undefined;
    const created = objects.create(resource, { metadata: { name }, ...(spec && { spec }) });
    if (refusal) await assert.rejects(created, refusal);
    else await created;
  }
});

Deno.test("an invalid object is refused with every cause", async () => {
  const { objects } = await freshObjects();
  const before = objects.store.revision;
  const act = () =>
    objects.create(deployments, { metadata: { name: "b" }, spec: { replicas: -1, foo: 1 } });
  const error = await act().catch((error) => error) as ApiError;
  assert.equal(error.reason, "Invalid");
  assert.match(error.message, /^Deployment\.apps "b" is invalid: \[spec\./);
  const fields = error.details.causes!.map(({ field }) => field);
  for (const field of ["spec.replicas", "spec.selector", "spec.template"]) {
    assert.ok(fields.includes(field), field);
  }
  assert.equal(objects.store.revision, before);
});

Deno.test("unknown fields are dropped with a warning, or in silence when asked", async () => {
  const { objects } = await freshObjects();
  const draft = { ...configMap(), foo: 1 };
  const { object, warnings } = await objects.create(configMaps, draft);
  assert.deepEqual(warnings, ['unknown field "foo"']);
  assert.equal("foo" in object, false);
  const silent = { ...configMap({ name: "b" }), foo: 1 };
  assert.deepEqual(
    (await objects.create(configMaps, silent, { fieldValidation: "Ignore" })).warnings,
    [],
  );
});

Deno.test("a dry run says what would be, and does nothing", async () => {
  const { objects } = await freshObjects();
  const before = objects.store.revision;
  const dry = { dryRun: true };
  const { object } = await objects.create(configMaps, configMap(), dry);
  assert.ok(object.metadata.uid);
  assert.equal(object.metadata.resourceVersion, undefined);
  await refuses(() => objects.create(configMaps, configMap({ namespace: "x" }), dry), "NotFound");
  assert.equal(objects.store.revision, before);
  await objects.create(configMaps, configMap());
  const changed = await objects.update(configMaps, WEB, { ...configMap(), data: { a: "2" } }, dry);
  assert.deepEqual((changed.object as unknown as { data: unknown }).data, { a: "2" });
  assert.equal((await objects.delete(configMaps, WEB, {}, dry)).outcome, "removed");
  assert.equal(objects.store.revision, before + 1);
});

Deno.test("an update replaces all but the status and what the server has set", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, deployment());
  await objects.update(deployments, WEB, { ...object, status: { replicas: 3 } }, {
    scope: "status",
  });
  const draft = { ...deployment({ labels: { a: "b" } }, { replicas: 5 }), status: { replicas: 9 } };
  const { object: changed } = await objects.update(deployments, WEB, draft);
  assert.equal(changed.metadata.uid, object.metadata.uid);
  assert.equal(changed.metadata.generation, 2);
  assert.deepEqual(changed.metadata.labels, { a: "b" });
  assert.equal((changed as Deployment).status.replicas, 3);
  assert.equal((changed as Deployment).spec.replicas, 5);
});

Deno.test("a status update changes the status alone, and not the generation", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const draft = { ...deployment({}, { replicas: 7 }), status: { replicas: 3 } };
  const { object } = await objects.update(deployments, WEB, draft, { scope: "status" });
  assert.equal((object as Deployment).status.replicas, 3);
  assert.equal((object as Deployment).spec.replicas, 1);
  assert.equal(object.metadata.generation, 1);
});

Deno.test("a status update is asked for the shape of the status, and for no rule of the rest", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const newRule = { field: "spec", reason: "FieldValueInvalid", message: "a new rule" } as const;
  const stricter = { ...deployments, validate: () => [newRule], warnings: () => ["a new word"] };
  const draft = { status: { replicas: 3 } };
  const { object, warnings } = await objects.update(stricter, WEB, draft, { scope: "status" });
  assert.equal((object as Deployment).status.replicas, 3);
  assert.deepEqual(warnings, []);
  await assert.rejects(objects.update(stricter, WEB, deployment()), /a new rule/);
  const broken = { spec: 7, status: { replicas: "many" } };
  await assert.rejects(
    objects.update(deployments, WEB, broken, { scope: "status" }),
    /status\.replicas: Invalid value/,
  );
});

Deno.test("a status update without labels and annotations keeps them", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment({ labels: { a: "b" }, annotations: { c: "d" } }));
  const draft = { status: { replicas: 3 } };
  const { object } = await objects.update(deployments, WEB, draft, { scope: "status" });
  assert.deepEqual(object.metadata.labels, { a: "b" });
  assert.deepEqual(object.metadata.annotations, { c: "d" });
});

Deno.test("who loses against a write in flight can read it when told", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, deployment());
  const winner = objects.update(deployments, WEB, {
    ...object,
    spec: { ...deployment().spec, replicas: 2 },
  });
  await refuses(() => objects.update(deployments, WEB, object), "Conflict");
  assert.equal((objects.get(deployments, WEB).object as Deployment).spec.replicas, 2);
  await winner;
});

Deno.test("a change of labels does not change the generation", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const { object } = await objects.update(deployments, WEB, deployment({ labels: { a: "b" } }));
  assert.equal(object.metadata.generation, 1);
});

Deno.test("a change of a Deployment's annotations counts, unless it comes with the status", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, deployment());
  const annotated = (value: string) => deployment({ annotations: { revision: value } });
  const status = { ...annotated("1"), status: (object as Deployment).status };
  const written = await objects.update(deployments, WEB, status, { scope: "status" });
  assert.equal(written.object.metadata.generation, 1);
  const { object: changed } = await objects.update(deployments, WEB, annotated("2"));
  assert.equal(changed.metadata.generation, 2);
});

Deno.test("what Kubernetes does not count has no generation", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(namespaces, { metadata: { name: "shop" } });
  assert.equal(object.metadata.generation, undefined);
});

Deno.test("an update of an outdated version is a conflict, and so is one of another object", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, deployment());
  await objects.update(deployments, WEB, deployment({}, { replicas: 2 }));
  const message =
    `Operation cannot be fulfilled on deployments.apps "web": the object has been modified; ${NEXT}`;
  await refuses(() => objects.update(deployments, WEB, object), "Conflict", message);
  await refuses(() => objects.update(deployments, WEB, deployment({ uid: "other" })), "Conflict");
  const patch = {
    metadata: { resourceVersion: object.metadata.resourceVersion },
    spec: { replicas: 3 },
  };
  await refuses(() => objects.patch(deployments, WEB, merge(patch)), "Conflict", message);
});

Deno.test("an update that changes nothing keeps the resourceVersion", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, deployment());
  const before = objects.store.revision;
  for (const draft of [deployment(), object]) {
    const written = await objects.update(deployments, WEB, draft);
    assert.equal(written.outcome, "unchanged");
    assert.equal(written.object, object);
  }
  assert.equal(objects.store.revision, before);
});

Deno.test("64 patches at once all take effect", async () => {
  const { objects } = await freshObjects();
  await objects.create(configMaps, configMap());
  const names = Array.from({ length: 64 }, (_, i) => `k${i}`);
  await Promise.all(
    names.map((name) => objects.patch(configMaps, WEB, merge({ data: { [name]: "x" } }))),
  );
  const { data } = objects.get(configMaps, WEB).object as unknown as { data: object };
  assert.equal(Object.keys(data).length, 65);
});

Deno.test("64 writers that repeat on conflict lose no increment", async () => {
  const { objects } = await freshObjects();
  await objects.create(configMaps, { ...configMap(), data: { count: "0" } });
  await Promise.all(Array.from({ length: 64 }, () => increment(objects)));
  const { data } = objects.get(configMaps, WEB).object as unknown as { data: { count: string } };
  assert.equal(data.count, "64");
});

Deno.test("patches of each type change a deployment", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const container = { name: "web", image: "two" };
  await objects.patch(deployments, WEB, {
    type: "application/strategic-merge-patch+json",
    body: { spec: { template: { spec: { containers: [container] } } } },
  });
  await objects.patch(deployments, WEB, merge({ metadata: { labels: { a: "b" } } }));
  const { object } = await objects.patch(deployments, WEB, {
    type: "application/json-patch+json",
    body: [{ op: "replace", path: "/spec/replicas", value: 4 }],
  });
  const { spec, metadata } = object as Deployment;
  assert.equal(spec.template.spec.containers[0]!.image, "two");
  assert.equal(spec.template.spec.containers.length, 1);
  assert.deepEqual(metadata.labels, { a: "b" });
  assert.equal(spec.replicas, 4);
  assert.equal(metadata.generation, 3);
});

Deno.test("a patch of the status leaves the spec alone", async () => {
  const { objects } = await freshObjects();
  await objects.create(deployments, deployment());
  const patch = merge({ spec: { replicas: 9 }, status: { replicas: 2 } });
  const { object } = await objects.patch(deployments, WEB, patch, { scope: "status" });
  assert.equal((object as Deployment).spec.replicas, 1);
  assert.equal((object as Deployment).status.replicas, 2);
});

Deno.test("a namespace is emptied before it goes, and takes nothing new meanwhile", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(namespaces, { metadata: { name: "shop" } });
  assert.deepEqual(object.metadata.labels, { "kubernetes.io/metadata.name": "shop" });
  assert.deepEqual((object as Namespace).spec.finalizers, ["kubernetes"]);
  const deleted = await objects.delete(namespaces, { name: "shop" });
  assert.equal((deleted.object as Namespace).status.phase, "Terminating");
  await refuses(
    () => objects.create(configMaps, configMap({ namespace: "shop" })),
    "Forbidden",
    'configmaps "web" is forbidden: unable to create new content in namespace shop because it is being terminated',
  );
  const causes = [{
    reason: "NamespaceTerminating",
    message: "namespace shop is being terminated",
    field: "metadata.namespace",
  }];
  await assert.rejects(objects.create(configMaps, configMap({ namespace: "shop" })), {
    details: { name: "web", kind: "configmaps", causes },
  });
  const subresource = subresourceOf(namespaces, "finalize")!;
  const target = { resource: namespaces, name: { name: "shop" }, subresource };
  const { outcome } = await writeSubresource(objects, target, { spec: { finalizers: [] } });
  assert.equal(outcome, "removed");
  await refuses(() => objects.get(namespaces, { name: "shop" }), "NotFound");
});

Deno.test("an object of another version is stored in the one", async () => {
  const { objects } = await freshObjects();
  const served = events.servedVersions.find(({ group }) => group === "events.k8s.io")!;
  const name = { namespace: "default", name: "e" };
  const draft = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: name,
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "example.com/tests",
    reportingInstance: "one",
    action: "Testing",
    reason: "Tested",
    type: "Normal",
    note: "first",
    regarding: { kind: "Pod", name: "web", namespace: "default" },
  };
  const { object } = await objects.create(events, draft, { served });
  assert.equal(object.apiVersion, "v1");
  assert.equal((object as Event).message, "first");
  const patched = await objects.patch(
    events,
    name,
    merge({ series: { count: 2, lastObservedTime: draft.eventTime } }),
    { served },
  );
  assert.equal((patched.object as Event).series?.count, 2);
});

Deno.test("a collection is deleted as far as it matches", async () => {
  const { objects } = await freshObjects();
  for (const name of ["a", "b", "c"]) await objects.create(configMaps, configMap({ name }));
  const deleted = await objects.deleteCollection(
    configMaps,
    "default",
    ({ metadata }) => metadata.name !== "b",
  );
  assert.deepEqual(deleted.map(({ object }) => object.metadata.name), ["a", "c"]);
  assert.deepEqual(objects.list(configMaps, "default").map(({ key }) => key[2]), ["b"]);
});

Deno.test("an object that is created again while it is being deleted is told so", async () => {
  const { objects } = await freshObjects();
  await objects.create(configMaps, configMap({ finalizers: ["example.com/hold"] }));
  await objects.delete(configMaps, WEB);
  const message = 'object is being deleted: configmaps "web" already exists';
  await refuses(() => objects.create(configMaps, configMap()), "AlreadyExists", message);
});

async function increment(objects: Objects): Promise<void> {
  while (true) {
    const current = objects.get(configMaps, WEB).object as KubeObject & { data: { count: string } };
    const data = { count: String(Number(current.data.count) + 1) };
    try {
      await objects.update(configMaps, WEB, { ...current, data });
      return;
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === "Conflict")) throw error;
    }
  }
}

async function refuses(act: () => unknown, reason: Reason, message?: string): Promise<void> {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.reason, reason, error.message);
    if (message !== undefined) assert.equal(error.message, message);
    return;
  }
  assert.fail(`not refused: ${message ?? reason}`);
}

function merge(body: unknown): { type: string; body: unknown } {
  return { type: "application/merge-patch+json", body };
}

function configMap(metadata: object = {}): object {
  return { metadata: { name: "web", ...metadata }, data: { a: "1" } };
}

function deployment(metadata: object = {}, spec: object = {}): { metadata: object; spec: object } {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "one" }] } };
  return {
    metadata: { ...WEB, ...metadata },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

Deno.test("a new pod tolerates a node that is away for 300 seconds, and keeps what it says itself", async () => {
  const { objects } = await freshObjects();
  const own = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" };
  const { object } = await objects.create(pods, {
    metadata: { name: "web", namespace: "default" },
    spec: { containers: [{ name: "a", image: "b:1" }], tolerations: [own] },
  });
  const { tolerations, priority, preemptionPolicy } = (object as Pod).spec;
  assert.deepEqual(tolerations, [own, {
    key: "node.kubernetes.io/not-ready",
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: 300,
  }]);
  assert.deepEqual([priority, preemptionPolicy], [0, "PreemptLowerPriority"]);
});
