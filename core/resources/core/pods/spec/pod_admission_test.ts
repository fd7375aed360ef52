import assert from "node:assert/strict";
import type { Pod } from "../../../../resources/core/pods/pods.ts";
import { pods } from "../../../../resources/core/pods/pods.ts";
import { freshObjects } from "../../../../objects/objects_fixture.ts";

const name = { namespace: "default", name: "web" };

function pod(spec: object = {}): { metadata: object; spec: object } {
  return { metadata: name, spec: { containers: [{ name: "c", image: "x" }], ...spec } };
}

Deno.test("a pod that names no account has the default one, under its old name too", async () => {
  const { objects } = await freshObjects();
  const { object, warnings } = await objects.create(pods, pod());
  const { spec } = object as Pod;
  assert.deepEqual([spec.serviceAccountName, spec.serviceAccount], ["default", "default"]);
  assert.deepEqual(warnings, []);
  const labels = { a: "b" };
  const again = { ...pod(), metadata: { ...name, labels } };
  assert.equal((await objects.update(pods, name, again)).outcome, "changed");
});

Deno.test("a pod that names an account keeps it, and a pod of before has none", async () => {
  const { objects } = await freshObjects();
  const { object } = await objects.create(pods, pod({ serviceAccount: "builder" }));
  assert.equal((object as Pod).spec.serviceAccountName, "builder");
  await objects.amend(pods, name, (current) => {
    const { serviceAccountName: _, serviceAccount: __, ...spec } = (current as Pod).spec;
    return { ...current, spec } as Pod;
  });
  const body = { spec: { activeDeadlineSeconds: 9 } };
  const changed = await objects.patch(pods, name, { type: "application/merge-patch+json", body });
  assert.equal((changed.object as Pod).spec.serviceAccountName, undefined);
});

Deno.test("a pod that names a RuntimeClass is refused in Kubernetes' words: there is none", async () => {
  const { objects } = await freshObjects();
  await assert.rejects(objects.create(pods, pod({ runtimeClassName: "gvisor" })), {
    message: 'pods "web" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
  });
});
