import assert from "node:assert/strict";
import { namespaces } from "../../resources/core/namespaces.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { referenceGrants } from "../../resources/gateway/reference_grants.ts";
import { services } from "../../resources/core/services/services.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import { gateways } from "../../resources/gateway/gateways.ts";
import { httpRoutes } from "../../resources/gateway/http_routes.ts";
import { GATEWAY_CONTROLLER } from "../../traffic/own_gateways.ts";
import { type Loop, loopOf } from "../runtime/controller.ts";
import { TestCluster } from "../test_cluster.ts";
import { gatewayController } from "./gateways.ts";
import { httpRouteController } from "./http_routes.ts";

const SPEC = { controllerName: GATEWAY_CONTROLLER };
const HTTP = { name: "http", port: 80, protocol: "HTTP" };

function gateway(cluster: TestCluster, name: string, more: object = {}): void {
  const listeners = [HTTP];
  cluster.put(gateways, {
    metadata: { name },
    spec: { gatewayClassName: "coracle", listeners, ...more },
  });
}

function route(cluster: TestCluster, name: string, more: object = {}, namespace = "default"): void {
  cluster.put(httpRoutes, {
    metadata: { name, namespace, uid: `${namespace} ${name}` },
    spec: { parentRefs: [{ name: "edge" }], rules: [{}], ...more },
  });
}

function to(...names: string[]): object {
  return { rules: [{ backendRefs: names.map((name) => ({ name, port: 80 })) }] };
}

/** Which keys a change adds. */
function heard(cluster: TestCluster, loop: Loop, change: () => void): string[] {
  const keys: string[] = [];
  const run = loop.start(cluster, (key) => keys.push(key));
  keys.length = 0;
  change();
  run.stop();
  return [...new Set(keys)].sort();
}

Deno.test("routes are looked at when a Gateway, a class, their namespace or one of their Services changes", () => {
  const cluster = new TestCluster();
  route(cluster, "a", to("web", "other"));
  route(cluster, "b", to("other"));
  route(cluster, "c", to("web"), "shop");
  const loop = loopOf(httpRouteController);
  const all = ["default/a", "default/b", "shop/c"];
  assert.deepEqual(heard(cluster, loop, () => gateway(cluster, "edge")), all);
  const putClass = () => cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec: SPEC });
  assert.deepEqual(heard(cluster, loop, () => void putClass()), all);
  const putNamespace = (name: string) => () => void cluster.put(namespaces, { metadata: { name } });
  assert.deepEqual(heard(cluster, loop, putNamespace("shop")), ["shop/c"]);
  const putService = (name: string) => () =>
    void cluster.put(services, { metadata: { name }, spec: {} });
  assert.deepEqual(heard(cluster, loop, putService("web")), ["default/a"]);
  assert.deepEqual(heard(cluster, loop, putService("other")), ["default/a", "default/b"]);
  assert.deepEqual(heard(cluster, loop, putService("none")), []);
});

Deno.test("a Gateway is looked at when a route comes to it or leaves it, and nodes matter where it is on all addresses", () => {
  const cluster = new TestCluster();
  gateway(cluster, "edge");
  gateway(cluster, "other");
  const loop = loopOf(gatewayController({ address: "127.0.0.1" }));
  const parents = (name: string) => ({ parentRefs: [{ name }] });
  route(cluster, "a", parents("edge"));
  assert.deepEqual(heard(cluster, loop, () => route(cluster, "a", parents("other"))), [
    "default/edge",
    "default/other",
  ]);
  const putNode = () => void cluster.put(nodes, { metadata: { name: "n1" } });
  assert.deepEqual(heard(cluster, loop, putNode), []);
  for (const address of ["0.0.0.0", "::"]) {
    assert.equal(heard(cluster, loopOf(gatewayController({ address })), putNode).length, 2);
  }
});

Deno.test("routes count for their own Gateway, addresses are 16 at most, and others' cannot be had", () => {
  const cluster = new TestCluster();
  cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec: SPEC });
  cluster.put(namespaces, { metadata: { name: "default" } });
  gateway(cluster, "edge");
  gateway(cluster, "other", { listeners: [{ ...HTTP, port: 81 }] });
  route(cluster, "a", { parentRefs: [{ name: "edge" }, { name: "edge", port: 80 }] });
  route(cluster, "b", { parentRefs: [{ name: "other" }] });
  route(cluster, "c", { parentRefs: [{ name: "other" }] });
  const controller = gatewayController({ address: "0.0.0.0" });
  const statusOf = (name: string) => {
    cluster.settle([controller]);
    return cluster.get(gateways, { namespace: "default", name })!.status;
  };
  assert.equal(statusOf("edge").listeners![0]!.attachedRoutes, 1);
  assert.equal(statusOf("other").listeners![0]!.attachedRoutes, 2);
  assert.equal("addresses" in statusOf("edge"), false);
  for (let i = 1; i <= 17; i++) {
    const addresses = [{ type: "InternalIP", address: `10.0.0.${i}` }];
    cluster.put(nodes, { metadata: { name: `n${i}` }, status: { addresses } });
  }
  assert.equal(statusOf("edge").addresses?.length, 16);
  const programmed = (value: string) => {
    gateway(cluster, "edge", { addresses: [{ value }] });
    return conditionOf(statusOf("edge").conditions, "Programmed")?.reason;
  };
  assert.equal(programmed("10.0.0.1"), "Programmed");
  assert.equal(programmed("192.0.2.1"), "AddressNotUsable");
});

Deno.test("a condition that stays the same keeps its time, one that no longer holds goes", () => {
  const cluster = new TestCluster();
  cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec: SPEC });
  cluster.put(namespaces, { metadata: { name: "default" } });
  gateway(cluster, "edge", { listeners: [HTTP, { ...HTTP, name: "alt", port: 81 }] });
  route(cluster, "a", { rules: [{ filters: [{ type: "ExtensionRef" }] }] });
  const controllers = [gatewayController({ address: "127.0.0.1" }), httpRouteController];
  cluster.settle(controllers);
  const routeNow = () => cluster.get(httpRoutes, { namespace: "default", name: "a" })!;
  const conditions = () => routeNow().status.parents[0]!.conditions;
  const listeners = () =>
    cluster.get(gateways, { namespace: "default", name: "edge" })!.status.listeners!;
  const started = conditionOf(conditions(), "Accepted")!.lastTransitionTime;
  assert.equal(conditionOf(conditions(), "PartiallyInvalid")?.reason, "UnsupportedValue");
  cluster.nowMs += 60_000;
  const { metadata, spec } = routeNow();
  cluster.put(httpRoutes, {
    ...routeNow(),
    metadata: { ...metadata, generation: 2 },
    spec: { ...spec, rules: [{}] },
  });
  cluster.settle(controllers);
  assert.equal(conditionOf(conditions(), "PartiallyInvalid"), undefined);
  const accepted = conditionOf(conditions(), "Accepted")!;
  assert.deepEqual([accepted.lastTransitionTime, accepted.observedGeneration], [started, 2]);
  for (const { name, conditions } of listeners()) {
    assert.equal(conditionOf(conditions, "Accepted")!.lastTransitionTime, started, name);
  }
  const before = cluster.get(gateways, { namespace: "default", name: "edge" })!;
  const changed = [HTTP, { ...HTTP, name: "alt", port: 81, protocol: "TLS" }];
  cluster.put(gateways, { ...before, spec: { ...before.spec, listeners: changed } });
  cluster.settle(controllers);
  assert.equal(conditionOf(listeners()[0]!.conditions, "Accepted")!.lastTransitionTime, started);
  assert.notEqual(conditionOf(listeners()[1]!.conditions, "Accepted")!.lastTransitionTime, started);
});

Deno.test("a Gateway is looked at when a Secret that it names changes, and all when a grant does", () => {
  const cluster = new TestCluster();
  const tls = (certificateRefs: object[]) => ({
    listeners: [{ ...HTTP, protocol: "HTTPS", tls: { certificateRefs } }],
  });
  gateway(cluster, "near", tls([{ name: "cert" }]));
  gateway(cluster, "far", tls([{ name: "cert", namespace: "shop" }]));
  gateway(cluster, "plain");
  route(cluster, "a");
  const loop = loopOf(gatewayController({ address: "127.0.0.1" }));
  const put = (namespace: string, name = "cert") => () =>
    void cluster.put(secrets, { metadata: { namespace, name }, type: "Opaque" });
  assert.deepEqual(heard(cluster, loop, put("default")), ["default/near"]);
  assert.deepEqual(heard(cluster, loop, put("shop")), ["default/far"]);
  assert.deepEqual(heard(cluster, loop, put("shop", "other")), []);
  const grant = () => void cluster.put(referenceGrants, { metadata: { name: "g" } });
  assert.equal(heard(cluster, loop, grant).length, 3);
  assert.deepEqual(heard(cluster, loopOf(httpRouteController), grant), ["default/a"]);
});
