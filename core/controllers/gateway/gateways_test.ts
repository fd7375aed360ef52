import assert from "node:assert/strict";
import type { Condition } from "../../resources/conditions.ts";
import { gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import { type Gateway, gateways } from "../../resources/gateway/gateways.ts";
import { type HttpRoute, httpRoutes } from "../../resources/gateway/http_routes.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { GATEWAY_CONTROLLER } from "../../traffic/own_gateways.ts";
import { services } from "../../resources/core/services/services.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { selfSigned, tlsSecret } from "../../traffic/certificate_fixture.ts";
import { gatewayClassController, gatewayController } from "./gateways.ts";
import { httpRouteController } from "./http_routes.ts";
import { TestCluster } from "../test_cluster.ts";

function start({ controllerName = GATEWAY_CONTROLLER } = {}): TestCluster {
  const cluster = new TestCluster();
  cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec: { controllerName } });
  cluster.put(namespaces, { metadata: { name: "default" } });
  cluster.put(services, { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
  return cluster;
}

function settle(cluster: TestCluster, address = "127.0.0.1"): void {
  const controllers = [gatewayClassController, gatewayController({ address }), httpRouteController];
  cluster.settle(controllers);
}

const http = { name: "http", port: 80, protocol: "HTTP" };

function gateway(cluster: TestCluster, listeners: object[] = [http], spec = {}): void {
  cluster.put(gateways, {
    metadata: { name: "edge" },
    spec: { gatewayClassName: "coracle", listeners, ...spec },
  });
}

function route(cluster: TestCluster, spec: object = {}, metadata: object = {}): void {
  cluster.put(httpRoutes, {
    metadata: { name: "web", ...metadata },
    spec: {
      parentRefs: [{ name: "edge" }],
      rules: [{ backendRefs: [{ name: "web", port: 80 }] }],
      ...spec,
    },
  });
}

function gatewayOf(cluster: TestCluster): Gateway {
  return cluster.get(gateways, { namespace: "default", name: "edge" })!;
}

function routeOf(cluster: TestCluster, namespace = "default"): HttpRoute {
  return cluster.get(httpRoutes, { namespace, name: "web" })!;
}

function words(conditions: readonly Condition[] = []): string[] {
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

Deno.test("a class of ours is accepted, one of others is left alone", () => {
  const ours = start();
  settle(ours);
  const [accepted] = ours.list(gatewayClasses);
  assert.deepEqual(words(accepted!.status.conditions), ["Accepted True Accepted"]);
  assert.equal(accepted!.status.conditions[0]!.observedGeneration, 1);
  assert.equal(accepted!.status.conditions[0]!.lastTransitionTime, "2026-01-01T00:00:00Z");
  const theirs = start({ controllerName: "example.com/other" });
  gateway(theirs);
  route(theirs);
  settle(theirs);
  assert.deepEqual(words(theirs.list(gatewayClasses)[0]!.status.conditions), [
    "Accepted Unknown Pending",
  ]);
  assert.deepEqual(words(gatewayOf(theirs).status.conditions), [
    "Accepted Unknown Pending",
    "Programmed Unknown Pending",
  ]);
  assert.deepEqual(routeOf(theirs).status.parents, []);
});

Deno.test("a Gateway says where it is and what each listener takes", () => {
  const cluster = start();
  gateway(cluster);
  route(cluster);
  settle(cluster);
  const { status } = gatewayOf(cluster);
  assert.deepEqual(words(status.conditions), [
    "Accepted True Accepted",
    "Programmed True Programmed",
  ]);
  assert.deepEqual(status.addresses, [{ type: "IPAddress", value: "127.0.0.1" }]);
  const [listener] = status.listeners!;
  assert.equal(listener!.attachedRoutes, 1);
  assert.deepEqual(listener!.supportedKinds, [{
    group: "gateway.networking.k8s.io",
    kind: "HTTPRoute",
  }]);
  assert.deepEqual(words(listener!.conditions), [
    "Accepted True Accepted",
    "Programmed True Programmed",
    "ResolvedRefs True ResolvedRefs",
    "Conflicted False NoConflicts",
  ]);
  cluster.take(httpRoutes, { namespace: "default", name: "web" });
  settle(cluster);
  assert.equal(gatewayOf(cluster).status.listeners![0]!.attachedRoutes, 0);
});

Deno.test("a Gateway on all addresses names those of the nodes", () => {
  const cluster = start();
  gateway(cluster);
  for (const [name, address] of [["n1", "10.0.0.1"], ["n2", "10.0.0.2"]]) {
    cluster.put(nodes, {
      metadata: { name: name! },
      status: { addresses: [{ type: "InternalIP", address }, { type: "Hostname", address: name }] },
    });
  }
  settle(cluster, "0.0.0.0");
  assert.deepEqual(gatewayOf(cluster).status.addresses?.map(({ value }) => value), [
    "10.0.0.1",
    "10.0.0.2",
  ]);
});

Deno.test("a Gateway on chosen nodes names those, as their labels change, and says when there is none", () => {
  const cluster = start();
  gateway(cluster, [http], { infrastructure: { labels: { "coracle.dev/nodes": "berlin" } } });
  const node = (name: string, site: string, address: string) =>
    cluster.put(nodes, {
      metadata: { name, labels: { "coracle.dev/nodes": site } },
      status: { addresses: [{ type: "InternalIP", address }] },
    });
  const seen = () => {
    settle(cluster, "0.0.0.0");
    const { status: { addresses = [], conditions } } = gatewayOf(cluster);
    return [addresses.map(({ value }) => value), words(conditions)[1]];
  };
  node("n1", "paris", "10.0.0.1");
  assert.deepEqual(seen(), [[], "Programmed False NoResources"]);
  node("n2", "berlin", "10.0.0.2");
  assert.deepEqual(seen(), [["10.0.0.2"], "Programmed True Programmed"]);
  node("n2", "paris", "10.0.0.2");
  node("n1", "berlin", "10.0.0.1");
  assert.deepEqual(seen(), [["10.0.0.1"], "Programmed True Programmed"]);
});

Deno.test("a listener that cannot be served says why, and the others go on", () => {
  const cluster = start();
  gateway(cluster, [http, { name: "tls", port: 443, protocol: "TLS" }]);
  settle(cluster);
  assert.deepEqual(words(gatewayOf(cluster).status.conditions), [
    "Accepted True ListenersNotValid",
    "Programmed True Programmed",
  ]);
  assert.deepEqual(words(gatewayOf(cluster).status.listeners![1]!.conditions).slice(0, 2), [
    "Accepted False UnsupportedProtocol",
    "Programmed False Invalid",
  ]);
  gateway(cluster, [{ name: "tls", port: 443, protocol: "TLS" }]);
  settle(cluster);
  assert.deepEqual(words(gatewayOf(cluster).status.conditions), [
    "Accepted False ListenersNotValid",
    "Programmed False Invalid",
  ]);
});

Deno.test("a route says of each Gateway of ours whether it is taken and its backends are there", () => {
  const ok = ["Accepted True Accepted", "ResolvedRefs True ResolvedRefs"];
  const backend = (reference: object) => ({ rules: [{ backendRefs: [reference] }] });
  const rows: [string, object[], object, string[]][] = [
    ["all well", [http], {}, ok],
    ["no such listener", [http], { parentRefs: [{ name: "edge", sectionName: "x" }] }, [
      "Accepted False NoMatchingParent",
      ok[1]!,
    ]],
    ["other host", [{ ...http, hostname: "a.com" }], { hostnames: ["b.com"] }, [
      "Accepted False NoMatchingListenerHostname",
      ok[1]!,
    ]],
    ["host below a wildcard", [{ ...http, hostname: "*.a.com" }], { hostnames: ["x.a.com"] }, ok],
    ["no service", [http], backend({ name: "none", port: 80 }), [
      ok[0]!,
      "ResolvedRefs False BackendNotFound",
    ]],
    ["no such port", [http], backend({ name: "web", port: 81 }), [
      ok[0]!,
      "ResolvedRefs False BackendNotFound",
    ]],
    ["not a service", [http], backend({ name: "web", kind: "Bucket", group: "x.io", port: 80 }), [
      ok[0]!,
      "ResolvedRefs False InvalidKind",
    ]],
    ["another namespace", [http], backend({ name: "web", namespace: "x", port: 80 }), [
      ok[0]!,
      "ResolvedRefs False RefNotPermitted",
    ]],
  ];
  for (const [title, listeners, spec, expected] of rows) {
    const cluster = start();
    gateway(cluster, listeners);
    route(cluster, spec);
    settle(cluster);
    const { parents } = routeOf(cluster).status;
    assert.deepEqual(
      parents.map(({ controllerName }) => controllerName),
      [GATEWAY_CONTROLLER],
      title,
    );
    assert.deepEqual(words(parents[0]!.conditions), expected, title);
  }
});

Deno.test("listeners choose the namespaces of their routes", () => {
  const rows: [object, boolean][] = [
    [{ from: "Same" }, false],
    [{ from: "All" }, true],
    [{ from: "Selector", selector: { matchLabels: { team: "a" } } }, true],
    [{ from: "Selector", selector: { matchLabels: { team: "b" } } }, false],
  ];
  for (const [allowed, isTaken] of rows) {
    const cluster = start();
    cluster.put(namespaces, { metadata: { name: "shop", labels: { team: "a" } } });
    gateway(cluster, [{ ...http, allowedRoutes: { namespaces: allowed } }]);
    route(cluster, { parentRefs: [{ name: "edge", namespace: "default" }], rules: [{}] }, {
      namespace: "shop",
    });
    settle(cluster);
    const [accepted] = words(routeOf(cluster, "shop").status.parents[0]!.conditions);
    assert.equal(
      accepted,
      isTaken ? "Accepted True Accepted" : "Accepted False NotAllowedByListeners",
    );
    assert.equal(gatewayOf(cluster).status.listeners![0]!.attachedRoutes, isTaken ? 1 : 0);
  }
});

Deno.test("a Gateway that wants what an older one has is in conflict, until the older one goes", () => {
  const cluster = start();
  gateway(cluster, [{ ...http, hostname: "bank.example" }]);
  cluster.put(namespaces, { metadata: { name: "evil" } });
  cluster.put(gateways, {
    metadata: { name: "edge", namespace: "evil" },
    spec: { gatewayClassName: "coracle", listeners: [{ ...http, hostname: "bank.example" }] },
  });
  route(cluster, { rules: [{}] }, { namespace: "evil" });
  settle(cluster);
  const evil = () => cluster.get(gateways, { namespace: "evil", name: "edge" })!;
  const listener = () => evil().status.listeners![0]!;
  assert.deepEqual(words(listener().conditions), [
    "Accepted False HostnameConflict",
    "Programmed False Invalid",
    "ResolvedRefs True ResolvedRefs",
    "Conflicted True HostnameConflict",
  ]);
  assert.equal(listener().attachedRoutes, 0);
  assert.deepEqual(words(evil().status.conditions), [
    "Accepted False ListenersNotValid",
    "Programmed False Invalid",
  ]);
  const accepted = () => words(routeOf(cluster, "evil").status.parents[0]!.conditions)[0];
  assert.equal(accepted(), "Accepted False NoMatchingParent");
  assert.deepEqual(words(gatewayOf(cluster).status.listeners![0]!.conditions).slice(-1), [
    "Conflicted False NoConflicts",
  ]);
  cluster.take(gateways, { namespace: "default", name: "edge" });
  settle(cluster);
  assert.deepEqual(words(listener().conditions).slice(-1), ["Conflicted False NoConflicts"]);
  assert.equal(listener().attachedRoutes, 1);
  assert.equal(accepted(), "Accepted True Accepted");
});

Deno.test("what other controllers say of a route stays, what no longer holds goes", () => {
  const cluster = start();
  gateway(cluster);
  route(cluster);
  const other = {
    parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "theirs" },
    controllerName: "example.com/other",
    conditions: [{
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    }],
  };
  cluster.patchStatus(httpRoutes, { namespace: "default", name: "web" }, { parents: [other] });
  settle(cluster);
  assert.deepEqual(routeOf(cluster).status.parents.map(({ controllerName }) => controllerName), [
    "example.com/other",
    GATEWAY_CONTROLLER,
  ]);
  cluster.take(gateways, { namespace: "default", name: "edge" });
  settle(cluster);
  assert.deepEqual(routeOf(cluster).status.parents, [other]);
});

Deno.test("a listener without a certificate says why, until there is one; the others go on", async () => {
  const cluster = start();
  const tls = { certificateRefs: [{ name: "cert" }] };
  const https = { name: "https", port: 443, protocol: "HTTPS", tls };
  gateway(cluster, [http, https]);
  route(cluster);
  const seen = () => {
    settle(cluster);
    const { conditions, listeners = [] } = gatewayOf(cluster).status;
    return [
      ...words(conditions),
      ...words(listeners[1]!.conditions).slice(0, 3),
      listeners[1]!.attachedRoutes,
    ];
  };
  const missing = [
    "Accepted True ListenersNotValid",
    "Programmed True Programmed",
    "Accepted True Accepted",
    "Programmed False Invalid",
    "ResolvedRefs False InvalidCertificateRef",
    1,
  ];
  assert.deepEqual(seen(), missing);
  cluster.put(secrets, tlsSecret("cert", await selfSigned(["a.example"])));
  assert.deepEqual(seen(), [
    "Accepted True Accepted",
    "Programmed True Programmed",
    "Accepted True Accepted",
    "Programmed True Programmed",
    "ResolvedRefs True ResolvedRefs",
    1,
  ]);
  cluster.take(secrets, { namespace: "default", name: "cert" });
  assert.deepEqual(seen(), missing);
  gateway(cluster, [https]);
  settle(cluster);
  assert.deepEqual(words(gatewayOf(cluster).status.conditions), [
    "Accepted True ListenersNotValid",
    "Programmed False Invalid",
  ]);
});
