import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { gateways } from "../resources/gateway/gateways.ts";
import { type HttpRoute, httpRoutes } from "../resources/gateway/http_routes.ts";
import { type Attachment, attachmentsOf, attachmentsOfRoute } from "./attachments.ts";
import { GATEWAY_CONTROLLER, ownGatewaysOf } from "./own_gateways.ts";

const HTTP = { name: "http", port: 80, protocol: "HTTP" };

function clusterOf(listeners: object[], controllerName = GATEWAY_CONTROLLER): TestCluster {
  const cluster = new TestCluster();
  cluster.put(gatewayClasses, { metadata: { name: "coracle" }, spec: { controllerName } });
  for (const [name, team] of [["default", "a"], ["shop", "b"]]) {
    cluster.put(namespaces, { metadata: { name: name!, labels: { team: team! } } });
  }
  cluster.put(gateways, {
    metadata: { name: "edge" },
    spec: { gatewayClassName: "coracle", listeners },
  });
  return cluster;
}

function route(cluster: TestCluster, spec: object = {}, metadata: object = {}): HttpRoute {
  return cluster.put(httpRoutes, {
    metadata: { name: "web", ...metadata },
    spec: { parentRefs: [{ name: "edge", namespace: "default" }], rules: [{}], ...spec },
  });
}

function attached(cluster: TestCluster, made: HttpRoute): Attachment[] {
  return attachmentsOfRoute(made, cluster, ownGatewaysOf(cluster));
}

/** The reason of the refusal, or the listeners with the common host names. */
function outcome({ refusal, listeners }: Attachment): string | object {
  if (refusal !== undefined) {
    assert.deepEqual(listeners, []);
    return refusal.reason;
  }
  return Object.fromEntries(listeners.map(({ listener: { spec }, hostnames }) => [
    spec.name,
    hostnames,
  ]));
}

Deno.test("a route is attached to the listeners that its parentRef means, which are free, allow it and have its hosts", () => {
  const named = (more: object) => ({ parentRefs: [{ name: "edge", ...more }] });
  const allowing = (allowedRoutes: object) => [{ ...HTTP, allowedRoutes }];
  const two = [HTTP, { ...HTTP, name: "alt", port: 8080 }];
  const rows: [title: string, listeners: object[], spec: object, expected: string | object][] = [
    ["all that there are", two, {}, { http: [""], alt: [""] }],
    ["by name", two, named({ sectionName: "alt" }), { alt: [""] }],
    ["by port", two, named({ port: 80 }), { http: [""] }],
    ["by both", two, named({ port: 80, sectionName: "alt" }), "NoMatchingParent"],
    ["no such name", two, named({ sectionName: "x" }), "NoMatchingParent"],
    ["of another protocol", [{ ...HTTP, protocol: "TLS" }], {}, "NotAllowedByListeners"],
    ["by TLS", [{ ...HTTP, protocol: "HTTPS" }], {}, { http: [""] }],
    [
      "one of them is of another protocol",
      [HTTP, { ...HTTP, name: "tls", port: 443, protocol: "TLS" }],
      {},
      {
        http: [""],
      },
    ],
    [
      "only routes of other kinds",
      allowing({ kinds: [{ kind: "GRPCRoute" }] }),
      {},
      "NotAllowedByListeners",
    ],
    [
      "of a group that is not the Gateway API's",
      allowing({ kinds: [{ kind: "HTTPRoute", group: "x.io" }] }),
      {},
      "NotAllowedByListeners",
    ],
    [
      "routes of its kind among others",
      allowing({ kinds: [{ kind: "GRPCRoute" }, { kind: "HTTPRoute" }] }),
      {},
      { http: [""] },
    ],
    ["hosts in common", [{ ...HTTP, hostname: "*.A.com" }], {
      hostnames: ["X.a.com", "b.com", "*.y.a.com"],
    }, {
      http: ["x.a.com", "*.y.a.com"],
    }],
    [
      "the listener is the narrower",
      [{ ...HTTP, hostname: "x.a.com" }],
      { hostnames: ["*.a.com"] },
      {
        http: ["x.a.com"],
      },
    ],
    [
      "no host in common",
      [{ ...HTTP, hostname: "a.com" }],
      { hostnames: ["b.com"] },
      "NoMatchingListenerHostname",
    ],
    [
      "hosts of one of them",
      [{ ...HTTP, hostname: "a.com" }, { ...HTTP, name: "b", hostname: "b.com" }],
      { hostnames: ["b.com"] },
      {
        b: ["b.com"],
      },
    ],
  ];
  for (const [title, listeners, spec, expected] of rows) {
    const cluster = clusterOf(listeners);
    const [attachment, ...more] = attached(cluster, route(cluster, spec));
    assert.deepEqual([outcome(attachment!), more], [expected, []], title);
  }
});

Deno.test("listeners choose the namespaces of their routes", () => {
  const selecting = (team: string) => ({ from: "Selector", selector: { matchLabels: { team } } });
  const rows: [from: object | undefined, namespace: string, isAllowed: boolean][] = [
    [undefined, "default", true],
    [undefined, "shop", false],
    [{ from: "Same" }, "shop", false],
    [{ from: "All" }, "shop", true],
    [selecting("b"), "shop", true],
    [selecting("a"), "shop", false],
    [selecting("a"), "unknown", false],
    [{ from: "Selector" }, "default", false],
  ];
  for (const [from, namespace, isAllowed] of rows) {
    const cluster = clusterOf([{ ...HTTP, ...(from && { allowedRoutes: { namespaces: from } }) }]);
    const [attachment] = attached(cluster, route(cluster, {}, { namespace }));
    const expected = isAllowed ? { http: [""] } : "NotAllowedByListeners";
    assert.deepEqual(outcome(attachment!), expected, JSON.stringify([from, namespace]));
  }
});

Deno.test("no route is attached to a listener in conflict", () => {
  const cluster = clusterOf([HTTP]);
  cluster.nowMs += 1_000;
  const listeners = [HTTP, { ...HTTP, name: "alt", port: 81 }];
  const spec = { gatewayClassName: "coracle", listeners };
  cluster.put(gateways, { metadata: { name: "late" }, spec });
  const to = (more: object) => ({ parentRefs: [{ name: "late", ...more }] });
  const [free] = attached(cluster, route(cluster, to({})));
  assert.deepEqual(outcome(free!), { alt: [""] });
  const [none] = attached(cluster, route(cluster, to({ sectionName: "http" })));
  assert.deepEqual(none!.refusal, {
    reason: "NoMatchingParent",
    message: "The listener is in conflict with one of an older Gateway",
  });
});

Deno.test("only parents that are Gateways of ours count, in their order", () => {
  const parentRefs = [
    { name: "edge", sectionName: "x" },
    { name: "none" },
    { name: "edge", kind: "Service", group: "" },
    { name: "edge", kind: "Gateway", group: "example.com" },
    { name: "edge", kind: "Mesh" },
    { name: "edge", namespace: "shop" },
    { name: "edge" },
  ];
  const cluster = clusterOf([HTTP]);
  const made = route(cluster, { parentRefs });
  const own = attached(cluster, made);
  assert.deepEqual(own.map(({ parentRef: { sectionName } }) => sectionName), ["x", undefined]);
  assert.deepEqual(own.map(({ parent }) => parent.gateway.metadata.name), ["edge", "edge"]);
  const theirs = clusterOf([HTTP], "example.com/other");
  assert.deepEqual(attached(theirs, route(theirs)), []);
  assert.deepEqual(attached(cluster, route(cluster, { parentRefs: undefined })), []);
});

Deno.test("attachments come by the age of their routes, then by name", () => {
  const cluster = clusterOf([{ ...HTTP, allowedRoutes: { namespaces: { from: "All" } } }]);
  const at = (name: string, namespace: string, day: number) =>
    route(cluster, {}, { name, namespace, creationTimestamp: `2026-01-0${day}T00:00:00Z` });
  at("c", "default", 1);
  at("b", "shop", 2);
  at("b", "default", 2);
  at("a", "default", 2);
  at("a", "a-young-one", 3);
  const names = attachmentsOf(cluster, ownGatewaysOf(cluster)).map(({ route: { metadata } }) =>
    `${metadata.namespace}/${metadata.name}`
  );
  const expected = ["default/c", "default/a", "default/b", "shop/b", "a-young-one/a"];
  assert.deepEqual(names, expected);
});
