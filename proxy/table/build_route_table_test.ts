import assert from "node:assert/strict";
import { buildRouteTable } from "./build_route_table.ts";
import type { HttpListener, RouteTable, TcpListener } from "./route_table.ts";
import {
  FixedView,
  gateway,
  GATEWAY_CLASS,
  type Manifest,
  route,
  rule,
  service,
} from "./table_fixture.ts";

Deno.test("a Gateway, a route and a Service make a listener, a match and endpoints", () => {
  const table = tableOf(
    gateway("gw", {}),
    route("r", { rules: [rule("/", "web")] }),
    ...service("web", "10.0.0.1"),
  );
  assert.deepEqual(table.problems, []);
  assert.deepEqual(table.backends, [{
    name: "default/web:80",
    state: "valid",
    endpoints: [{ address: "10.0.0.1", port: 8080, podUid: "10.0.0.1" }],
  }]);
  const [listener] = table.listeners as HttpListener[];
  assert.deepEqual([listener!.address, listener!.port], ["0.0.0.0", 80]);
  assert.deepEqual(listener!.hosts[0]!.routes[0]!.rule, {
    key: "default/r/0",
    shares: [{ weight: 1, backend: 0 }],
  });
});

Deno.test("the listeners of a Gateway are opened on its nodes, with its routes, and on no others", () => {
  const placed = gateway("gw", {}), { spec } = placed;
  const labels = { "coracle.dev/nodes": "berlin" };
  const manifests = [
    { ...placed, spec: { ...spec as object, infrastructure: { labels } } },
    route("r", { rules: [rule("/", "web")] }),
    ...service("web", "10.0.0.1"),
    { kind: "Node", metadata: { name: "here", labels } },
    { kind: "Node", metadata: { name: "there" } },
  ];
  const openOn = (nodeName: string) => {
    const view = new FixedView(GATEWAY_CLASS, ...manifests);
    const { listeners, problems } = buildRouteTable(view, { gatewayAddress: "0.0.0.0", nodeName });
    assert.deepEqual(problems, []);
    return listeners.map(({ port }) => port);
  };
  assert.deepEqual([openOn("here"), openOn("there"), openOn("unknown")], [[80], [], []]);
});

Deno.test("a Gateway follows the hints of a Service that asks for it, share by share", () => {
  const endpoint = (ip: string, name: string) => ({
    addresses: [ip],
    targetRef: { uid: ip },
    hints: { forZones: [{ name }] },
  });
  const both = [endpoint("10.0.0.1", "berlin"), endpoint("10.0.1.1", "paris")];
  const near = service("near", ...both), any = service("any", ...both);
  const zone = { "topology.kubernetes.io/zone": "berlin" };
  const weights = [{ name: "near", port: 80, weight: 9 }, { name: "any", port: 80, weight: 1 }];
  const view = new FixedView(
    ...[GATEWAY_CLASS, gateway("gw", {}), { kind: "Node", metadata: { name: "n", labels: zone } }],
    route("r", { rules: [rule("/", "near", { backendRefs: weights })] }),
    { ...near[0]!, spec: { ...near[0]!.spec as object, trafficDistribution: "PreferClose" } },
    ...[near[1]!, ...any],
  );
  const { listeners, backends } = buildRouteTable(view, {
    gatewayAddress: "0.0.0.0",
    nodeName: "n",
  });
  const { shares } = (listeners[0] as HttpListener).hosts[0]!.routes[0]!.rule;
  const addresses = shares.map(({ weight, backend }) => [
    weight,
    backends[backend]!.endpoints.map(({ address }) => address),
  ]);
  assert.deepEqual(addresses, [[9, ["10.0.0.1"]], [1, ["10.0.0.1", "10.0.1.1"]]]);
});

Deno.test("routes stand in the order of precedence of the Gateway API", () => {
  const header = { matches: [{ headers: [{ name: "X-A", value: "1" }] }] };
  const method = { matches: [{ method: "GET" }] };
  const param = { matches: [{ queryParams: [{ name: "q", value: "1" }] }] };
  const table = tableOf(
    gateway("gw", {}),
    route("young", { rules: [rule("/", "young")] }, { creationTimestamp: "2026-02-01T00:00:00Z" }),
    route("z-old", { rules: [rule("/", "z-old")] }),
    route("a-old", {
      rules: [
        rule("/", "all"),
        rule("/a", "prefix"),
        rule("/a/longer", "longer"),
        rule("/a", "exact", {}, "Exact"),
        rule("/.*", "regex", {}, "RegularExpression"),
        rule("/", "param", param),
        rule("/", "header", header),
        rule("/", "method", method),
      ],
    }),
    route("host", { hostnames: ["a.example.com"], rules: [rule("/", "host")] }),
    route("wild", { hostnames: ["*.example.com"], rules: [rule("/", "wild")] }),
  );
  assert.deepEqual(namesOf(table), [
    "host",
    "wild",
    "exact",
    "longer",
    "prefix",
    "method",
    "header",
    "param",
    "all",
    "z-old",
    "young",
    "regex",
  ]);
});

Deno.test("listener and route have only common host names", () => {
  const cases: [listener: string | undefined, route: string[], common: string[]][] = [
    [undefined, [], [""]],
    ["a.example.com", [], ["a.example.com"]],
    [undefined, ["b.example.com"], ["b.example.com"]],
    ["*.example.com", ["A.example.com", "other.org", "example.com"], ["a.example.com"]],
    ["a.example.com", ["*.example.com"], ["a.example.com"]],
    ["*.example.com", ["*.a.example.com"], ["*.a.example.com"]],
  ];
  for (const [hostname, hostnames, common] of cases) {
    const table = tableOf(
      gateway("gw", hostname ? { hostname } : {}),
      route("r", { hostnames, rules: [rule("/", "web")] }),
    );
    const [listener] = table.listeners as HttpListener[];
    assert.deepEqual(listener!.hosts[0]!.routes.map((route) => route.hostname), common);
  }
});

Deno.test("a route that may not attach, or is for another listener, serves nothing, and says why", () => {
  const cases: [listener: object, spec: object, reason: string][] = [
    [{}, { parentRefs: [{ name: "gw", sectionName: "other" }] }, "NoMatchingParent"],
    [{}, { parentRefs: [{ name: "gw", port: 81 }] }, "NoMatchingParent"],
    [{ hostname: "a" }, { hostnames: ["b"] }, "NoMatchingListenerHostname"],
    [{ allowedRoutes: { kinds: [{ kind: "GRPCRoute" }] } }, {}, "NotAllowedByListeners"],
    [
      {
        allowedRoutes: { namespaces: { from: "Selector", selector: { matchLabels: { a: "b" } } } },
      },
      {},
      "NotAllowedByListeners",
    ],
  ];
  for (const [listener, spec, reason] of cases) {
    const table = tableOf(
      gateway("gw", listener),
      route("r", { rules: [rule("/", "web")], ...spec }),
    );
    assert.deepEqual(table.problems.map((problem) => problem.reason), [reason]);
    assert.deepEqual(namesOf(table), []);
  }
});

Deno.test("routes of other namespaces attach where the listener lets them", () => {
  const spec = { parentRefs: [{ name: "gw", namespace: "default" }], rules: [rule("/", "web")] };
  const foreign = route("r", spec, { namespace: "shop" });
  const shop: Manifest = { kind: "Namespace", metadata: { name: "shop", labels: { open: "yes" } } };
  const from = (namespaces: object) =>
    namesOf(tableOf(gateway("gw", { allowedRoutes: { namespaces } }), foreign, shop));
  assert.deepEqual(from({ from: "Same" }), []);
  assert.deepEqual(from({ from: "All" }), ["web"]);
  assert.deepEqual(from({ from: "Selector", selector: { matchLabels: { open: "yes" } } }), ["web"]);
});

Deno.test("a Gateway of another class is not ours", () => {
  const other = gateway("gw", {});
  other.spec = { ...other.spec as object, gatewayClassName: "istio" };
  assert.deepEqual(tableOf(other, route("r", {})).listeners, []);
});

Deno.test("only ready endpoints are used; those that end but serve, when there is no other", () => {
  const ending = (address: string, serving: boolean) => ({
    addresses: [address],
    conditions: { ready: false, serving, terminating: true },
  });
  const addresses = (...endpoints: (string | object)[]) =>
    tableOf(
      gateway("gw", {}),
      route("r", { rules: [rule("/", "web")] }),
      ...service("web", ...endpoints),
    )
      .backends[0]!.endpoints.map(({ address, isEnding }) => address + (isEnding ? " ends" : ""));
  const starting = { addresses: ["10.0.0.9"], conditions: { ready: false } };
  assert.deepEqual(addresses("10.0.0.1", ending("10.0.0.2", true), starting), ["10.0.0.1"]);
  assert.deepEqual(addresses(ending("10.0.0.2", true), ending("10.0.0.3", false)), [
    "10.0.0.2 ends",
  ]);
  assert.deepEqual(addresses(starting), []);
});

Deno.test("what does not exist answers 500, what is not ready 503, each for its share", () => {
  const refs = [{ name: "gone", port: 80, weight: 3 }, { name: "web", port: 80 }, {
    name: "web",
    port: 81,
  }];
  const table = tableOf(
    gateway("gw", {}),
    route("r", { rules: [{ backendRefs: refs }] }),
    ...service("web"),
  );
  assert.deepEqual(table.backends.map(({ state, reason }) => [state, reason]), [
    ["invalid", 'Service "gone" is not there'],
    ["empty", 'service "default/web" has no ready endpoints'],
    ["invalid", 'Service "web" has no port 81'],
  ]);
  const [listener] = table.listeners as HttpListener[];
  assert.deepEqual(listener!.hosts[0]!.routes[0]!.rule.shares.map(({ weight }) => weight), [
    3,
    1,
    1,
  ]);
});

Deno.test("mirrors get all requests, so many of 100, or a fraction; bad ones are left out", () => {
  const mirror = (more: object, name = "copy") => ({
    type: "RequestMirror",
    requestMirror: { backendRef: { name, port: 80 }, ...more },
  });
  const filters = [
    mirror({}),
    mirror({ percent: 5 }),
    mirror({ fraction: { numerator: 1, denominator: 3 } }),
    mirror({ fraction: { numerator: 7, denominator: 3 } }),
    { type: "RequestMirror", requestMirror: { backendRef: { name: "copy", kind: "Bucket" } } },
  ];
  const table = tableOf(
    gateway("gw", {}),
    route("r", { rules: [rule("/", "web", { filters })] }),
    ...service("web", "10.0.0.1"),
    ...service("copy", "10.0.0.2"),
  );
  const { mirrors, shares } = (table.listeners as HttpListener[])[0]!.hosts[0]!.routes[0]!.rule;
  assert.deepEqual(shares.map(({ backend }) => table.backends[backend]!.name), ["default/web:80"]);
  assert.deepEqual(
    mirrors!.map(({ backend, numerator, denominator }) => [
      table.backends[backend]!.name,
      `${numerator}/${denominator}`,
    ]),
    ["100/100", "5/100", "1/3", "3/3"].map((part) => ["default/copy:80", part]),
  );
  assert.deepEqual(table.problems.map(({ reason }) => reason), ["InvalidKind"]);
});

Deno.test("what is not implemented is a problem, and never done by halves", () => {
  const cases: [rule: object, reason: string][] = [
    [{ backendRefs: [{ name: "web", namespace: "other", port: 80 }] }, "RefNotPermitted"],
    [{ backendRefs: [{ name: "web", kind: "Bucket", port: 80 }] }, "InvalidKind"],
    [
      { filters: [{ type: "ExtensionRef" }], backendRefs: [{ name: "web", port: 80 }] },
      "UnsupportedValue",
    ],
  ];
  for (const [rule, reason] of cases) {
    const table = tableOf(
      gateway("gw", {}),
      route("r", { rules: [rule] }),
      ...service("web", "10.0.0.1"),
    );
    assert.deepEqual(table.problems.map((problem) => problem.reason), [reason]);
    assert.deepEqual(table.backends.map(({ state }) => state), ["invalid"]);
  }
  const regex = tableOf(
    gateway("gw", {}),
    route("r", { rules: [rule("/(", "web", {}, "RegularExpression")] }),
  );
  assert.deepEqual(regex.problems.map(({ reason }) => reason), ["UnsupportedValue"]);
  for (
    const [protocol, reason] of [["TLS", "UnsupportedProtocol"], ["HTTPS", "InvalidCertificateRef"]]
  ) {
    const { problems, listeners } = tableOf(gateway("gw", { protocol }));
    assert.deepEqual(problems.map((problem) => problem.reason), [reason]);
    assert.deepEqual(listeners, []);
  }
});

Deno.test("timeouts and filters become part of the rule", () => {
  const table = tableOf(
    gateway("gw", {}),
    route("r", {
      rules: [rule("/a", "web", {
        timeouts: { request: "10s", backendRequest: "0s" },
        filters: [
          {
            type: "URLRewrite",
            urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } },
          },
          { type: "RequestHeaderModifier", requestHeaderModifier: { remove: ["X-A"] } },
        ],
      })],
    }),
  );
  const [listener] = table.listeners as HttpListener[];
  const { rule: built } = listener!.hosts[0]!.routes[0]!;
  assert.equal(built.requestMs, 10_000);
  assert.equal(built.backendRequestMs, 0);
  assert.deepEqual(built.rewrite, { path: { type: "ReplacePrefixMatch", value: "/b" } });
  assert.deepEqual(built.requestHeaders, { set: [], add: [], remove: ["x-a"] });
});

Deno.test("Services are listened on where the kernel does not forward them", () => {
  const [web, slice] = service("web", "10.0.0.1");
  web!.spec = {
    clusterIP: "10.96.0.7",
    type: "NodePort",
    ports: [{ name: "http", port: 80, nodePort: 30080 }],
  };
  const view = new FixedView(web!, slice!);
  const slots = (options: object) =>
    buildRouteTable(view, { gatewayAddress: "0.0.0.0", ...options }).listeners
      .map(({ protocol, address, port }) => `${protocol} ${address}:${port}`);
  assert.deepEqual(slots({}), []);
  assert.deepEqual(slots({ listensOnClusterIPs: true, nodePortAddress: "127.0.0.1" }), [
    "TCP 10.96.0.7:80",
    "TCP 127.0.0.1:30080",
  ]);
});

Deno.test("where the kernel does not, listeners for ClusterIPs refuse strangers; those for NodePorts do not", () => {
  const [web, slice] = service("web", "10.0.0.1");
  const ports = [{ name: "http", port: 80, nodePort: 30080 }];
  web!.spec = { clusterIP: "10.96.0.7", type: "NodePort", ports };
  const { listeners } = buildRouteTable(new FixedView(web!, slice!), {
    gatewayAddress: "0.0.0.0",
    nodePortAddress: "0.0.0.0",
    listensOnClusterIPs: true,
    clusterIPPeers: ["10.42.0.0/24"],
  });
  const peers = (listeners as TcpListener[]).map(({ port, peers }) => [port, peers]);
  assert.deepEqual(peers, [[80, ["10.42.0.0/24"]], [30080, undefined]]);
});

function tableOf(...manifests: Manifest[]): RouteTable {
  return buildRouteTable(new FixedView(GATEWAY_CLASS, ...manifests), { gatewayAddress: "0.0.0.0" });
}

/** The Services of the routes of the first listener, in their order. */
function namesOf({ listeners, backends }: RouteTable): string[] {
  const [listener] = listeners as HttpListener[];
  return listener!.hosts.flatMap(({ routes }) =>
    routes.map(({ rule }) => backends[rule.shares[0]!.backend]!.name.split(/[/:]/)[1]!)
  );
}

Deno.test("the Service of cluster DNS is left to the node, unless it selects pods", () => {
  for (const selector of [undefined, { app: "coredns" }]) {
    const dns = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "kube-system", name: "kube-dns" },
      spec: { clusterIP: "10.96.0.10", ports: [{ name: "dns-tcp", port: 53 }], selector },
    };
    const options = { gatewayAddress: "0.0.0.0", listensOnClusterIPs: true };
    const { listeners } = buildRouteTable(new FixedView(dns), options);
    assert.equal(listeners.length, selector === undefined ? 0 : 1);
  }
});
