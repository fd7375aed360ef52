import assert from "node:assert/strict";
import { ApiError, type Reason } from "../client/api_error.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { AnyResource } from "../resources/resource.ts";
import { freshObjects } from "./objects_fixture.ts";
import { subresourceOf, subresourcesOf } from "./subresources/mod.ts";
import type { Scale } from "./subresources/scale.ts";
import { patchSubresource, writeSubresource } from "./subresource_writes.ts";

const WEB = { namespace: "default", name: "web" };
const SCALE = target(deployments, "scale");
const BINDING = target(pods, "binding");
const LABELS = { app: "web" };
const POD_SPEC = { containers: [{ name: "web", image: "web" }] };
const POD = { metadata: WEB, spec: POD_SPEC };
const DEPLOYMENT = {
  metadata: WEB,
  spec: {
    selector: { matchLabels: LABELS },
    template: { metadata: { labels: LABELS }, spec: POD_SPEC },
  },
};

Deno.test("the scale of a deployment is read, replaced and patched", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, DEPLOYMENT);
  const shown = () => SCALE.subresource.show!(objects.get(deployments, WEB).object) as Scale;
  const scale = shown();
  assert.equal(scale.apiVersion, "autoscaling/v1");
  assert.deepEqual(scale.spec, { replicas: 1 });
  assert.deepEqual(scale.status, { replicas: 0, selector: "app=web" });
  await writeSubresource(objects, SCALE, { ...scale, spec: { replicas: 3 } });
  await patchSubresource(objects, SCALE, merge({ spec: { replicas: 4 } }));
  assert.equal((objects.get(deployments, WEB).object as Deployment).spec.replicas, 4);
  await refuses(() => writeSubresource(objects, SCALE, scale), "Conflict");
  assert.equal(scale.metadata.uid, object.metadata.uid);
  await refuses(
    () => patchSubresource(objects, SCALE, merge({ spec: { replicas: -1 } })),
    "Invalid",
    'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  );
});

Deno.test("a pod is bound to a node once", async () => {
  const { objects } = await freshObjects();
  await objects.create(pods, POD);
  const { object } = await writeSubresource(objects, BINDING, {
    target: { kind: "Node", name: "n1" },
  });
  const { spec, status } = object as Pod;
  assert.equal(spec.nodeName, "n1");
  assert.equal(status.conditions?.find(({ type }) => type === "PodScheduled")?.status, "True");
  await refuses(
    () => writeSubresource(objects, BINDING, { target: { name: "n2" } }),
    "Conflict",
    'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"',
  );
  await refuses(
    () => writeSubresource(objects, BINDING, { target: { kind: "Pod" } }),
    "Invalid",
    'Binding "web" is invalid: [target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]',
  );
});

Deno.test("a scale names its object, and counts what is not said as none", () => {
  const sent = { metadata: { ...WEB, uid: "u" } };
  const scaled = SCALE.subresource.show!(sent as never) as Scale;
  assert.equal(scaled.metadata.namespace, "default");
  assert.deepEqual([scaled.spec, scaled.status], [{ replicas: 0 }, { replicas: 0 }]);
  const decision = SCALE.subresource.decide!(sent as never, { spec: {} }, 0);
  assert.deepEqual(decision, { next: { ...sent, spec: { replicas: 0 } } });
});

Deno.test("a status is written and patched by itself", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(deployments, DEPLOYMENT);
  const status = target(deployments, "status");
  const outdated = { ...object, status: { replicas: 1 } };
  const { object: replaced } = await writeSubresource(objects, status, {
    ...outdated,
    spec: { replicas: 9 },
  });
  assert.equal((replaced as Deployment).spec.replicas, 1);
  assert.equal((replaced as Deployment).status.replicas, 1);
  const { object: patched } = await patchSubresource(
    objects,
    status,
    merge({ spec: { replicas: 9 }, status: { readyReplicas: 1 } }),
  );
  assert.equal((patched as Deployment).spec.replicas, 1);
  assert.deepEqual((patched as Deployment).status, { replicas: 1, readyReplicas: 1 });
  await refuses(() => writeSubresource(objects, status, outdated), "Conflict");
});

Deno.test("a body that is none, of another object or of another version is refused", async () => {
  const { objects } = await freshObjects();
  await objects.create(pods, POD);
  await objects.create(namespaces, { metadata: { name: "web" } });
  const ofOther = { metadata: { name: "other" }, target: { name: "n1" } };
  const outdated = { metadata: { resourceVersion: "1" }, target: { name: "n1" } };
  const finalize = target(namespaces, "finalize");
  for (const each of [BINDING, finalize]) {
    const { kind } = each.subresource.body ?? each.resource;
    await refuses(
      () => writeSubresource(objects, each, []),
      "BadRequest",
      `the object provided is unrecognized (must be of type ${kind})`,
    );
    await refuses(
      () => writeSubresource(objects, each, ofOther),
      "BadRequest",
      "the name of the object (other) does not match the name on the URL (web)",
    );
    await refuses(() => writeSubresource(objects, each, outdated), "Conflict");
  }
  assert.equal((objects.get(pods, WEB).object as Pod).spec.nodeName, undefined);
});

Deno.test("a kind has what it declares, a status and a scale where it has them, in the order of names", () => {
  const namesOf = (resource: AnyResource) => subresourcesOf(resource).map(({ name }) => name);
  const ofPods = namesOf(pods);
  assert.deepEqual(ofPods, ofPods.toSorted());
  for (const name of ["binding", "log", "status"]) assert.ok(ofPods.includes(name), name);
  assert.deepEqual(namesOf(deployments), ["scale", "status"]);
  assert.deepEqual(namesOf(namespaces), ["finalize", "status"]);
});

function target(resource: AnyResource, name: string) {
  return { resource, name: WEB, subresource: subresourceOf(resource, name)! };
}

function merge(body: unknown): { type: string; body: unknown } {
  return { type: "application/merge-patch+json", body };
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
