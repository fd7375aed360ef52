import assert from "node:assert/strict";
import { deployments } from "../resources/apps/deployments.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { services } from "../resources/core/services/services.ts";
import { endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import { httpRoutes } from "../resources/gateway/http_routes.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { priorityClasses } from "../resources/scheduling/priority_classes.ts";
import { csiDrivers } from "../resources/storage/csi_drivers.ts";
import { firstGeneration, withGeneration } from "./generation.ts";

Deno.test("what Kubernetes counts the changes of has a generation from the start", () => {
  const counted = [deployments, endpointSlices, httpRoutes, pods];
  const uncounted = [configMaps, namespaces, nodes, services];
  assert.deepEqual(counted.map(firstGeneration), [1, 1, 1, 1]);
  assert.deepEqual(uncounted.map(firstGeneration), Array(4).fill(undefined));
});

Deno.test("some kinds count from the first change on, and one is 1 for ever", () => {
  const { generation: _, ...metadata } = BEFORE.metadata;
  const changed = { ...BEFORE, metadata, spec: { size: 2 } };
  const generationOf = (resource: AnyResource) =>
    withGeneration(resource, changed, { ...BEFORE, metadata } as KubeObject, { isOfStatus: false })
      .metadata.generation;
  assert.deepEqual([firstGeneration(csiDrivers), generationOf(csiDrivers)], [undefined, 1]);
  assert.deepEqual([firstGeneration(priorityClasses), generationOf(priorityClasses)], [
    1,
    undefined,
  ]);
});

const BEFORE = {
  apiVersion: "v1",
  kind: "Any",
  metadata: {
    name: "a",
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    generation: 3,
  },
  spec: { size: 1 },
  status: { size: 1 },
};
const ANNOTATED = { ...BEFORE.metadata, annotations: { a: "b" } };
/** The kind, what is written, whether of the status alone, and whether it counts. */
const CASES: [string, AnyResource, Partial<typeof BEFORE>, boolean, boolean][] = [
  ["nothing does not count", pods, {}, false, false],
  ["the spec counts", pods, { spec: { size: 2 } }, false, true],
  ["the status does not count", pods, { status: { size: 2 } }, true, false],
  [
    "labels do not count",
    deployments,
    {
      metadata: { ...BEFORE.metadata, ...{ labels: { a: "b" } } },
    },
    false,
    false,
  ],
  ["annotations do not count", pods, { metadata: ANNOTATED }, false, false],
  ["annotations of a Deployment count", deployments, { metadata: ANNOTATED }, false, true],
  [
    "annotations that come with a status do not count",
    deployments,
    { metadata: ANNOTATED },
    true,
    false,
  ],
];

for (const [name, resource, change, isOfStatus, counts] of CASES) {
  Deno.test(`of a change ${name}`, () => {
    const next: KubeObject = { ...BEFORE, ...change };
    const { metadata } = withGeneration(resource, next, BEFORE, { isOfStatus });
    assert.deepEqual(metadata, { ...next.metadata, generation: counts ? 4 : 3 });
  });
}

Deno.test("what is new, or has never been counted, is left as it is", () => {
  const { generation: _, ...uncounted } = BEFORE.metadata;
  const next = { ...BEFORE, spec: { size: 2 } };
  const before = { ...BEFORE, metadata: uncounted };
  assert.equal(withGeneration(pods, next, undefined, { isOfStatus: false }), next);
  assert.equal(withGeneration(pods, next, before, { isOfStatus: false }), next);
});
