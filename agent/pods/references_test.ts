import assert from "node:assert/strict";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { VOLUME_TYPES } from "../volumes/types/mod.ts";
import type { VolumeType } from "../volumes/volume_type.ts";
import { podOf } from "./next_step_fixture.ts";
import { referencedKinds, referenceKey, referencesOf } from "./references.ts";

const shelves: VolumeType<{ service: string }> = {
  field: "shelf",
  reads: [services, secrets],
  references: ({ service }) => [{ resource: services, name: service }],
  make: () => Promise.resolve(),
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};

Deno.test("a pod is made of what its volumes, its variables and its init containers' variables name", () => {
  const variable = (valueFrom: object) => ({ name: "A", valueFrom });
  const pod = podOf({
    spec: {
      volumes: [
        { name: "a", configMap: { name: "files" } },
        { name: "b", secret: { secretName: "keys" } },
        { name: "c", emptyDir: {} },
        { name: "d", shelf: { service: "books" } },
        { name: "e", unheardOf: { name: "x" } },
      ],
      initContainers: [{ name: "init", envFrom: [{ secretRef: { name: "first" } }] }],
      containers: [{
        name: "main",
        env: [
          { name: "PLAIN", value: "b" },
          variable({ fieldRef: { fieldPath: "metadata.name" } }),
          variable({ configMapKeyRef: { name: "one", key: "k" } }),
          variable({ secretKeyRef: { name: "two", key: "k" } }),
        ],
        envFrom: [{ configMapRef: { name: "all" } }],
      }],
    },
  });
  assert.deepEqual([...referencesOf(pod, [...VOLUME_TYPES, shelves])].toSorted(), [
    "configmaps/all",
    "configmaps/files",
    "configmaps/one",
    "secrets/first",
    "secrets/keys",
    "secrets/two",
    "services/books",
  ]);
  assert.equal(referenceKey({ resource: configMaps, name: "all" }), "configmaps/all");
});

Deno.test("the kinds to follow are those that volume types read and variables come from, each once", () => {
  const pluralsOf = (types: readonly VolumeType[]) =>
    referencedKinds(types).map(({ plural }) => plural);
  assert.deepEqual(pluralsOf([]), ["configmaps", "secrets"]);
  assert.deepEqual(
    pluralsOf(VOLUME_TYPES),
    ["persistentvolumeclaims", "persistentvolumes", "configmaps", "secrets"],
  );
  assert.deepEqual(pluralsOf([shelves]), ["services", "secrets", "configmaps"]);
});
