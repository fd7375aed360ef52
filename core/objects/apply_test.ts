import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../resources/core/config_maps.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { parseManifests } from "../manifest/manifest.ts";
import { RESOURCES } from "../resources/mod.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { type Applied, applyManifest, type ApplyOptions } from "./apply.ts";
import { LAST_APPLIED } from "./managed_fields/last_applied.ts";
import { freshObjects } from "./objects_fixture.ts";
import type { Objects } from "./objects.ts";

const WEB = { namespace: "default", name: "web" };

Deno.test("an apply creates, then changes, then leaves alone", async () => {
  const { objects } = await freshObjects();
  assert.deepEqual(await outcomes(objects, [deployment(1)]), ["deployment.apps/web created"]);
  assert.deepEqual(await outcomes(objects, [deployment(2)]), ["deployment.apps/web configured"]);
  const { revision } = objects.store;
  assert.deepEqual(await outcomes(objects, [deployment(2)]), ["deployment.apps/web unchanged"]);
  assert.equal(objects.store.revision, revision);
  assert.equal((objects.get(deployments, WEB).object as Deployment).spec.replicas, 2);
});

Deno.test("an apply keeps what others set and takes away what it set before", async () => {
  const { objects } = await freshObjects();
  await apply(objects, [configMap({ data: { a: "1", b: "2" } })]);
  const patch = { type: "application/merge-patch+json", body: { data: { other: "x" } } };
  await objects.patch(configMaps, WEB, patch);
  await apply(objects, [configMap({ data: { a: "3" } })]);
  assert.deepEqual((objects.get(configMaps, WEB).object as ConfigMap).data, { a: "3", other: "x" });
});

Deno.test("a pod with tolerations of its own can be applied again", async () => {
  const { objects } = await freshObjects();
  const spec = {
    containers: [{ name: "web", image: "one" }],
    tolerations: [{ key: "edge", operator: "Exists" }],
  };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: WEB, spec };
  assert.deepEqual(await outcomes(objects, [pod]), ["pod/web created"]);
  assert.deepEqual(await outcomes(objects, [pod]), ["pod/web unchanged"]);
  const labelled = { ...pod, metadata: { ...WEB, labels: { a: "b" } } };
  assert.deepEqual(await outcomes(objects, [labelled]), ["pod/web configured"]);
});

Deno.test("what was applied is kept as kubectl keeps it", async () => {
  const { objects } = await freshObjects();
  await apply(objects, [configMap({ data: { b: "1", a: "2" } })]);
  const { annotations } = objects.get(configMaps, WEB).object.metadata;
  assert.equal(
    annotations![LAST_APPLIED],
    '{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"web","namespace":"default"}}\n',
  );
});

Deno.test("objects may come before their namespace", async () => {
  const { objects } = await freshObjects();
  const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  const inShop = configMap({ metadata: { name: "web", namespace: "shop" } });
  assert.deepEqual(await outcomes(objects, [inShop, shop]), [
    "configmap/web created",
    "namespace/shop created",
  ]);
  assert.ok(objects.get(namespaces, { name: "shop" }));
});

Deno.test("a pod may come with its service account, after it", async () => {
  const { objects } = await freshObjects({ hasAccounts: true });
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "crew" } };
  const spec = { serviceAccountName: "crew", containers: [{ name: "web", image: "one" }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: WEB, spec };
  const refused = { ...pod, metadata: { ...WEB, name: "first" } };
  const applied = await apply(objects, [refused, account]);
  assert.deepEqual(applied.map(({ outcome }) => outcome), ["failed", "skipped"]);
  assert.deepEqual(await outcomes(objects, [account, pod]), [
    "serviceaccount/crew created",
    "pod/web created",
  ]);
});

Deno.test("one wrong document: every error of every document is told, and nothing is written", async () => {
  const { objects } = await freshObjects();
  const { revision } = objects.store;
  const wrong = {
    ...deployment(-1),
    spec: { ...deployment(-1).spec, foo: 1, selector: undefined },
    metadata: { ...WEB, namespace: "nowhere" },
  };
  const unknown = { apiVersion: "v1", kind: "Foo", metadata: { name: "x" } };
  const nameless = { apiVersion: "v1", kind: "ConfigMap" };
  const applied = await apply(objects, [configMap({}), wrong, unknown, nameless]);
  assert.deepEqual(applied.map(({ outcome }) => outcome), [
    "skipped",
    "failed",
    "failed",
    "failed",
  ]);
  const messages = applied.flatMap(({ errors }) => errors.map(({ message }) => message));
  for (
    const message of [
      'unknown field "spec.foo"',
      'namespaces "nowhere" not found',
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      "spec.selector: Required value",
      'no matches for kind "Foo" in version "v1"',
      "metadata.name: Required value: resource name may not be empty",
    ]
  ) assert.ok(messages.includes(message), `${message} is not in ${messages.join("\n")}`);
  assert.equal(objects.store.revision, revision);
});

Deno.test("an error is told with its place", async () => {
  const { objects } = await freshObjects();
  const [applied] = await apply(objects, [{ ...configMap({}), foo: 1 }]);
  assert.deepEqual(applied!.errors, [
    { line: 7, column: 3, field: "foo", message: 'unknown field "foo"' },
  ]);
});

Deno.test("unknown fields are warnings when asked", async () => {
  const { objects } = await freshObjects();
  const [applied] = await apply(objects, [{ ...configMap({}), foo: 1 }], {
    fieldValidation: "Warn",
  });
  assert.equal(applied!.outcome, "created");
  assert.deepEqual(applied!.warnings, ['unknown field "foo"']);
});

Deno.test("a List stands for its items", async () => {
  const { objects } = await freshObjects();
  const list = { apiVersion: "v1", kind: "List", items: [configMap({}), deployment(1)] };
  assert.deepEqual(await outcomes(objects, [list]), [
    "configmap/web created",
    "deployment.apps/web created",
  ]);
});

Deno.test("a dry run says what would be", async () => {
  const { objects } = await freshObjects();
  const { revision } = objects.store;
  const [applied] = await apply(objects, [configMap({})], { dryRun: true });
  assert.equal(applied!.outcome, "created");
  assert.equal(objects.store.revision, revision);
});

Deno.test("a manifest without a namespace goes where it is told", async () => {
  const { objects } = await freshObjects();
  const [applied] = await apply(objects, [configMap({})], { namespace: "kube-public" });
  assert.equal(applied!.namespace, "kube-public");
});

Deno.test("an object too large to be remembered is applied all the same", async () => {
  const { objects } = await freshObjects();
  await apply(objects, [configMap({ data: { a: "x".repeat(300_000) } })]);
  assert.equal(objects.get(configMaps, WEB).object.metadata.annotations?.[LAST_APPLIED], undefined);
});

function apply(
  objects: Objects,
  values: unknown[],
  options?: ApplyOptions,
): Promise<readonly Applied[]> {
  const text = values.map((value) => JSON.stringify(value, undefined, 2)).join("\n---\n");
  return applyManifest(objects, RESOURCES, parseManifests(text), options);
}

async function outcomes(objects: Objects, values: unknown[]): Promise<string[]> {
  const applied = await apply(objects, values);
  assert.deepEqual(applied.flatMap(({ errors }) => errors), []);
  return applied.map(({ object, outcome }) => `${object} ${outcome}`);
}

function configMap(rest: object): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, ...rest };
}

function deployment(replicas: number): { spec: object } {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "one" }] } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: WEB,
    spec: { replicas, selector: { matchLabels: labels }, template },
  } as { spec: object };
}
