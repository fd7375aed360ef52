import assert from "node:assert/strict";
import { check } from "../../../../schema/check.ts";
import { object, required, string } from "../../../../schema/schema.ts";
import { RESOURCES } from "../../../mod.ts";
import { pods } from "../pods.ts";
import { withVolumeSources } from "./volume_sources.ts";

const SHELF = { shelf: object("A shelf.", { label: required(string("Its label.")) }) };

Deno.test("a further source of volumes is known to pods and to all templates of pods", () => {
  const extended = withVolumeSources(RESOURCES, SHELF);
  const changed = extended.filter((resource, i) => resource !== RESOURCES[i]);
  assert.deepEqual(changed.map(({ plural }) => plural).sort(), [
    "cronjobs",
    "daemonsets",
    "deployments",
    "jobs",
    "pods",
    "podtemplates",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
  ]);
  const volumes = [{ name: "a", shelf: { label: "x" } }, { name: "b", shelf: {} }];
  const spec = { containers: [{ name: "main", image: "app:1" }], volumes };
  const pod = (spec: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec });
  const { causes, unknown } = check(
    changed.find(({ plural }) => plural === "pods")!.schema,
    pod(structuredClone(spec)),
  );
  assert.deepEqual(causes.map(({ field }) => field), ["spec.volumes[1].shelf.label"]);
  assert.deepEqual(unknown, []);
  const without = check(pods.schema, pod(structuredClone(spec)));
  assert.deepEqual(without.unknown, ["spec.volumes[0].shelf", "spec.volumes[1].shelf"]);
});

Deno.test("without further sources all kinds stay as they are", () => {
  assert.equal(withVolumeSources(RESOURCES, {}), RESOURCES);
});
