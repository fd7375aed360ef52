import assert from "node:assert/strict";
import { MirroredKind } from "../client/mirrored_kind.ts";
import type { View } from "../client/client.ts";
import { type EndpointSlice, endpointSlices } from "../resources/discovery/endpoint_slices.ts";
import { OwnEndpoints, sliceSeenBy } from "./own_endpoints.ts";

type Conditions = EndpointSlice["endpoints"][number]["conditions"];

const CASES: [name: string, nodeName: string, conditions: Conditions, isReady: boolean][] = [
  ["ready", "edge", { ready: true, serving: true, terminating: false }, true],
  ["of the node, which is offline for others", "edge", {
    ready: false,
    serving: true,
    terminating: false,
  }, true],
  [
    "of another node that is offline",
    "other",
    { ready: false, serving: true, terminating: false },
    false,
  ],
  ["not ready", "edge", { ready: false, serving: false, terminating: false }, false],
  ["about to end", "edge", { ready: false, serving: true, terminating: true }, false],
  ["of which only that is said", "edge", { ready: false }, false],
];

for (const [name, nodeName, conditions, isReady] of CASES) {
  Deno.test(`an endpoint ${name}: ${isReady ? "taken" : "passed over"}`, () => {
    const slice = sliceOf("1", nodeName, conditions);
    const seen = sliceSeenBy("edge", slice);
    assert.equal(seen.endpoints[0]!.conditions.ready, isReady);
    assert.equal(seen === slice, conditions.ready === isReady);
  });
}

Deno.test("what does not change stays the same, and what is told is what shows", () => {
  const kind = new MirroredKind<EndpointSlice>(endpointSlices);
  const under = {
    get: (_: unknown, name: { name: string }) => kind.get(name),
    list: () => kind.list(),
    by: (_: unknown, index: string, value: string) => kind.by(index, value),
    subscribe: (_: unknown, listener: never) => kind.subscribe(listener),
  } as unknown as View; // of slices alone
  const view = new OwnEndpoints(under, "edge");
  const told: EndpointSlice[] = [];
  view.subscribe(endpointSlices, ({ object }) => void told.push(object));
  kind.put(sliceOf("1", "edge", { ready: false, serving: true }));
  const list = view.list(endpointSlices);
  assert.equal(view.list(endpointSlices), list);
  assert.equal(list[0], told[0]);
  assert.equal(view.get(endpointSlices, list[0]!.metadata), told[0]);
  assert.equal(told[0]!.endpoints[0]!.conditions.ready, true);
  kind.put(sliceOf("2", "edge", { ready: false, serving: false }));
  assert.notEqual(view.list(endpointSlices), list);
  assert.equal(view.list(endpointSlices)[0]!.endpoints[0]!.conditions.ready, false);
});

function sliceOf(resourceVersion: string, nodeName: string, conditions: Conditions): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web", namespace: "default", uid: "u", resourceVersion },
    addressType: "IPv4",
    ports: [],
    endpoints: [{ addresses: ["10.0.0.1"], nodeName, conditions }],
  } as unknown as EndpointSlice; // all that is read
}
