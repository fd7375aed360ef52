import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import type { PodStatus } from "../resources/core/pods/pod_status.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { services } from "../resources/core/services/services.ts";
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
    subscribe: ({ plural }: { plural: string }, listener: never) =>
      plural === "endpointslices" ? kind.subscribe(listener) : () => {},
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

Deno.test("a node knows by itself which of its own pods are ready, whatever the server has heard", () => {
  const world = ownWorld();
  assert.deepEqual(world.ready(), { own: true, other: true });
  world.report("own", false);
  assert.deepEqual(world.ready(), { own: false, other: true }, "at once, without a server");
  assert.equal(world.told.at(-1)!.endpoints[0]!.conditions.ready, false);
  assert.equal(world.told.at(-1)!.endpoints[0]!.conditions.serving, false);
  const [[slice], count] = [world.view.list(endpointSlices), world.told.length];
  world.report("own", false);
  assert.equal(world.view.list(endpointSlices)[0], slice, "nothing is new");
  assert.equal(world.told.length, count);
  world.report("own", true);
  assert.deepEqual(world.ready(), { own: true, other: true });
  world.slice({ own: { ready: false, serving: false } });
  assert.deepEqual(world.ready(), { own: true, other: true }, "the server's word is an old one");
  world.report("own", false);
  world.pod("own", true);
  world.forget("own");
  assert.deepEqual(world.ready(), { own: false, other: true }, "the view is late");
  world.pod("own", true);
  assert.deepEqual(world.ready(), { own: true, other: true }, "then it counts");
  world.pod("own", false);
  assert.deepEqual(world.ready(), { own: false, other: true });
  world.report("other", false);
  assert.deepEqual(
    world.ready(),
    { own: false, other: true },
    "of pods of others it knows nothing",
  );
});

Deno.test("what is not by the pod alone stays as the slice has it", () => {
  const world = ownWorld();
  world.report("own", false);
  world.slice({ own: { ready: false, serving: true, terminating: true } });
  assert.equal(world.conditions().serving, true, "of one that ends, that it still serves");
  world.slice({ own: { ready: true } }, { labels: { "kubernetes.io/service-name": "web" } });
  assert.equal(world.conditions().ready, true, "a slice that people made");
  world.slice({ own: { ready: true } });
  assert.equal(world.conditions().ready, false);
  world.cluster.put(services, { metadata: SERVICE, spec: { publishNotReadyAddresses: true } });
  assert.equal(world.conditions().ready, true, "a Service that publishes all");
  world.cluster.take(pods, { namespace: "default", name: "own" });
  world.slice({ own: { ready: false } });
  assert.equal(world.conditions().ready, false, "a pod that is gone");
});

const SERVICE = { name: "web", namespace: "default" };
const LABELS = {
  "kubernetes.io/service-name": "web",
  "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
};

/** A Service with a pod on this node, "edge", and one on another; all ready. */
function ownWorld() {
  const cluster = new TestCluster();
  const kept = new Map<string, PodStatus>();
  const listeners = new Set<(uid: string) => void>();
  const statusOf = (isReady: boolean) =>
    ({ conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] }) as PodStatus; // all that is read
  const uidOf = (name: string) =>
    cluster.get(pods, { namespace: "default", name })?.metadata.uid ?? name;
  const change = (name: string, act: (uid: string) => void) => {
    act(uidOf(name));
    for (const listener of listeners) listener(uidOf(name));
  };
  for (const [name, nodeName] of [["own", "edge"], ["other", "far"]]) {
    const spec = { nodeName, containers: [{ name: "a", image: "a" }] };
    cluster.put(pods, { metadata: { name: name! }, spec, status: statusOf(true) });
  }
  cluster.put(services, { metadata: SERVICE, spec: {} });
  const slice = (
    conditions: Record<string, Conditions> = {},
    { labels = LABELS as Record<string, string> } = {},
  ) =>
    cluster.put(endpointSlices, {
      metadata: { name: "web-1", namespace: "default", labels },
      addressType: "IPv4",
      ports: [],
      endpoints: [["own", "edge"], ["other", "far"]].map(([name, nodeName]) => ({
        addresses: ["10.0.0.1"],
        nodeName,
        conditions: conditions[name!] ?? { ready: true, serving: true, terminating: false },
        targetRef: { kind: "Pod", namespace: "default", name, uid: uidOf(name!) },
      })),
    });
  slice();
  const view = new OwnEndpoints(cluster, "edge", {
    get: (uid) => kept.get(uid),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const told: EndpointSlice[] = [];
  view.subscribe(endpointSlices, ({ object }) => void told.push(object));
  const endpoints = () => view.by(endpointSlices, "service", "default/web")[0]!.endpoints;
  return {
    ...{ cluster, view, told, slice },
    report: (name: string, isReady: boolean) =>
      change(name, (uid) => kept.set(uid, statusOf(isReady))),
    forget: (name: string) => change(name, (uid) => kept.delete(uid)),
    pod: (name: string, isReady: boolean) =>
      cluster.patchStatus(pods, { namespace: "default", name }, statusOf(isReady)),
    ready: () =>
      Object.fromEntries(
        endpoints().map(({ targetRef, conditions }) => [targetRef!.name, conditions.ready]),
      ),
    conditions: () => endpoints()[0]!.conditions,
  };
}

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
