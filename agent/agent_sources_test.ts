import assert from "node:assert/strict";
import { services } from "../core/resources/core/services/services.ts";
import { agentSources } from "./agent_sources.ts";
import { VOLUME_TYPES } from "./volumes/types/mod.ts";
import type { VolumeType } from "./volumes/volume_type.ts";

const shelves: VolumeType = {
  field: "shelf",
  reads: [services],
  make: () => Promise.resolve(),
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};

Deno.test("an agent follows the pods and the lease of its node, and once what volumes and variables read", () => {
  const sources = agentSources("edge", [...VOLUME_TYPES, shelves]);
  assert.deepEqual(
    sources.map(({ resource: { plural }, namespace, fieldSelector }) =>
      [plural, namespace, fieldSelector].filter((part) => part !== undefined).join(" ")
    ),
    [
      "pods spec.nodeName=edge",
      "leases kube-node-lease metadata.name=edge",
      "nodes",
      "services",
      "persistentvolumeclaims",
      "persistentvolumes",
      "configmaps",
      "secrets",
    ],
  );
});
