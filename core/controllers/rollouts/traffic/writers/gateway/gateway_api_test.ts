import assert from "node:assert/strict";
import fc from "fast-check";
import { type HttpRoute, httpRoutes } from "../../../../../resources/gateway/http_routes.ts";
import { referenceGrants } from "../../../../../resources/gateway/reference_grants.ts";
import { RoutingFixture } from "../../port/routing_fixture.ts";
import type { RoutedRollout } from "../../port/traffic_writer.ts";
import { gatewayWriter } from "./gateway_api.ts";
import { isManaged } from "./managed_rules.ts";

const SETTINGS = { httpRoute: "web" };
const refs = (...names: string[]) => names.map((name) => ({ name, port: 80 }));

function fixture(
  rules: object[] = [{ backendRefs: refs("web-stable", "web-canary") }],
): RoutingFixture {
  const made = new RoutingFixture();
  made.cluster.put(httpRoutes, { metadata: { name: "web" }, spec: { rules } });
  return made;
}

function routeOf({ cluster }: RoutingFixture, name = "web"): HttpRoute {
  return cluster.get(httpRoutes, { namespace: "default", name })!;
}

/** `service=weight` of each backend of each rule. */
function sharesOf(route: HttpRoute): string[][] {
  return route.spec.rules.map(({ backendRefs = [] }) =>
    backendRefs.map(({ name, weight }) => `${name}=${weight}`)
  );
}

function setWeight(
  made: RoutingFixture,
  weight: number,
  { extra = [], settings = SETTINGS, status, routing = {} }: {
    extra?: { weight: number; serviceName: string }[];
    settings?: object;
    status?: object;
    routing?: object;
  } = {},
): RoutedRollout {
  const routed = made.routed(routing, status && { status });
  gatewayWriter(routed, settings).setWeight(weight, extra);
  made.write(routed);
  return routed;
}

Deno.test("HTTPRoute: the two services share the weight in every rule; others keep theirs", () => {
  const made = fixture([
    { backendRefs: refs("web-stable", "web-canary", "other") },
    { backendRefs: refs("other") },
    { backendRefs: refs("web-canary", "web-stable") },
  ]);
  setWeight(made, 30);
  assert.deepEqual(sharesOf(routeOf(made)), [
    ["web-stable=70", "web-canary=30", "other=1"],
    ["other=1"],
    ["web-canary=30", "web-stable=70"],
  ]);
  assert.deepEqual(routeOf(made).metadata.labels, {
    "rollouts.argoproj.io/gatewayapi-canary": "in-progress",
  });
  setWeight(made, 0);
  assert.equal(routeOf(made).metadata.labels, undefined);
});

Deno.test("HTTPRoute: experiments take from the stable service, and go again", () => {
  const made = fixture();
  setWeight(made, 20, { extra: [{ weight: 10, serviceName: "probe" }] });
  assert.deepEqual(sharesOf(routeOf(made)), [["web-stable=70", "web-canary=20", "probe=10"]]);
  assert.equal(routeOf(made).spec.rules[0]!.backendRefs![2]!.port, 80);
  const weights = {
    canary: { weight: 20 },
    stable: { weight: 70 },
    additional: [{ weight: 10, serviceName: "probe" }],
  };
  setWeight(made, 50, { status: { canary: { weights } } });
  assert.deepEqual(sharesOf(routeOf(made)), [["web-stable=50", "web-canary=50"]]);
});

Deno.test("HTTPRoute: whatever the weights, those of the rollout add up to the whole", () => {
  const share = fc.record({
    weight: fc.nat({ max: 20 }),
    serviceName: fc.constantFrom("probe", "web"),
  });
  const extras = fc.uniqueArray(share, {
    selector: ({ serviceName }) => serviceName,
    maxLength: 2,
  });
  fc.assert(
    fc.property(fc.nat({ max: 60 }), extras, fc.constantFrom(100, 1_000), (weight, extra, max) => {
      const made = fixture();
      setWeight(made, weight, { extra, routing: { maxTrafficWeight: max } });
      const all = routeOf(made).spec.rules[0]!.backendRefs!.map((each) => each.weight);
      assert.equal(all.reduce((sum, each) => sum + each, 0), max);
    }),
  );
});

Deno.test("HTTPRoute: the same weight again writes nothing; verified is what proxies serve", () => {
  const made = fixture();
  setWeight(made, 30);
  const routed = made.routed({});
  const writer = gatewayWriter(routed, SETTINGS);
  writer.setWeight(30, []);
  writer.removeManagedRoutes();
  assert.equal(made.write(routed), 0);
  assert.equal(writer.verified({ serves: (_, { metadata }) => metadata.name === "web" }), true);
  assert.equal(writer.verified({ serves: () => false }), false);
  writer.setWeight(31, []);
  assert.equal(writer.verified({ serves: () => true }), false, "another weight is not yet in use");
});

Deno.test("HTTPRoute: a header route sends what matches to the canary alone", () => {
  const rule = {
    matches: [{ path: { type: "PathPrefix", value: "/a" }, headers: [{ name: "x", value: "1" }] }],
    filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: { remove: ["y"] } }],
    backendRefs: refs("web-stable", "web-canary"),
  };
  const made = fixture([rule, { backendRefs: refs("other") }, rule]);
  const routing = { managedRoutes: [{ name: "mine" }] };
  const match = [
    { headerName: "a", headerValue: { exact: "b" } },
    { headerName: "c", headerValue: { prefix: "d." } },
    { headerName: "e", headerValue: { regex: "f+" } },
  ];
  const routed = made.routed(routing);
  gatewayWriter(routed, SETTINGS).setHeaderRoute({ name: "mine", match });
  gatewayWriter(routed, SETTINGS).setWeight(40, []);
  assert.equal(made.write(routed), 1);
  const [, , , first, second] = routeOf(made).spec.rules;
  assert.deepEqual([first!.name, second!.name], ["mine", "mine-1"]);
  assert.deepEqual(first!.matches[0]!.headers, [
    { type: "Exact", name: "x", value: "1" },
    { type: "Exact", name: "a", value: "b" },
    { type: "RegularExpression", name: "c", value: "d\\..*" },
    { type: "RegularExpression", name: "e", value: "f+" },
  ]);
  assert.deepEqual(first!.filters, routeOf(made).spec.rules[0]!.filters);
  assert.deepEqual(sharesOf(routeOf(made)).slice(2), [
    ["web-stable=60", "web-canary=40"],
    ["web-canary=1"],
    ["web-canary=1"],
  ]);
  const removed = made.routed(routing);
  gatewayWriter(removed, SETTINGS).setHeaderRoute({ name: "mine" });
  made.write(removed);
  assert.equal(routeOf(made).spec.rules.length, 3);
});

Deno.test("HTTPRoute: a mirror route shares as before and copies to the canary", () => {
  const made = fixture();
  const routing = { managedRoutes: [{ name: "copies" }] };
  const step = {
    name: "copies",
    percentage: 50,
    match: [{ method: { exact: "GET" }, path: { prefix: "/api" }, headers: { a: { exact: "b" } } }],
  };
  const routed = made.routed(routing);
  gatewayWriter(routed, SETTINGS).setMirrorRoute(step);
  gatewayWriter(routed, SETTINGS).setWeight(40, []);
  made.write(routed);
  const rule = routeOf(made).spec.rules[1]!;
  assert.deepEqual(rule.matches, [{
    path: { type: "PathPrefix", value: "/api" },
    method: "GET",
    headers: [{ type: "Exact", name: "a", value: "b" }],
  }]);
  assert.deepEqual(rule.filters, [{
    type: "RequestMirror",
    requestMirror: {
      backendRef: { group: "", kind: "Service", name: "web-canary", port: 80 },
      percent: 50,
    },
  }]);
  assert.deepEqual(sharesOf(routeOf(made))[1], ["web-stable=60", "web-canary=40"]);
  const removed = made.routed(routing);
  gatewayWriter(removed, SETTINGS).removeManagedRoutes();
  made.write(removed);
  assert.equal(routeOf(made).spec.rules.length, 1);
});

Deno.test("HTTPRoute: a mirror route stays within the paths of the rule", () => {
  const rule = (value: string) => ({
    matches: [{ path: { type: "PathPrefix", value } }],
    backendRefs: refs("web-stable", "web-canary"),
  });
  const made = fixture([rule("/a"), rule("/b")]);
  const routed = made.routed({ managedRoutes: [{ name: "m" }] });
  gatewayWriter(routed, SETTINGS).setMirrorRoute({
    name: "m",
    match: [{ path: { exact: "/a/x" } }],
  });
  made.write(routed);
  assert.deepEqual(routeOf(made).spec.rules.slice(2).map(({ matches }) => matches[0]!.path), [
    { type: "Exact", value: "/a/x" },
  ]);
});

Deno.test("HTTPRoute: several routes and those that a selector finds; header routes where they are wanted", () => {
  const made = fixture();
  const rules = [{ backendRefs: refs("web-stable", "web-canary") }];
  made.cluster.put(httpRoutes, { metadata: { name: "b" }, spec: { rules } });
  made.cluster.put(httpRoutes, { metadata: { name: "c", labels: { app: "c" } }, spec: { rules } });
  const settings = {
    httpRoutes: [{ name: "web" }, { name: "b", useHeaderRoutes: true }],
    httpRouteSelector: { matchLabels: { app: "c" } },
    disableInProgressLabel: true,
  };
  const routed = made.routed({ managedRoutes: [{ name: "m" }] });
  const writer = gatewayWriter(routed, settings);
  writer.setWeight(5, []);
  writer.setHeaderRoute({ name: "m", match: [{ headerName: "a", headerValue: { exact: "b" } }] });
  assert.equal(made.write(routed), 3);
  const counts = ["web", "b", "c"].map((name) => routeOf(made, name).spec.rules.length);
  assert.deepEqual(counts, [1, 2, 2]);
  assert.equal(routeOf(made, "b").metadata.labels, undefined);
});

Deno.test("HTTPRoute: a route of another namespace must be permitted there, and mean the rollout's services", () => {
  const made = new RoutingFixture();
  const rules = [{
    backendRefs: [
      ...refs("web-stable", "web-canary"),
      ...refs("web-stable", "web-canary").map((each) => ({ ...each, namespace: "default" })),
    ],
  }];
  made.cluster.put(httpRoutes, { metadata: { name: "web", namespace: "edge" }, spec: { rules } });
  const settings = { httpRoute: "web", namespace: "edge" };
  assert.throws(() => setWeight(made, 1, { settings }), /no ReferenceGrant there/);
  made.cluster.put(referenceGrants, {
    metadata: { name: "a", namespace: "edge" },
    spec: {
      from: [{ group: "argoproj.io", kind: "Rollout", namespace: "default" }],
      to: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute" }],
    },
  });
  setWeight(made, 10, { settings });
  const route = made.cluster.get(httpRoutes, { namespace: "edge", name: "web" })!;
  assert.deepEqual(sharesOf(route), [[
    "web-stable=1",
    "web-canary=1",
    "web-stable=90",
    "web-canary=10",
  ]]);
});

const FAULTS: [name: string, settings: unknown, message: RegExp][] = [
  ["no route", {}, /^No routes configured/],
  ["no settings", null, /Cannot read .* the settings/],
  [
    "a route that is not there",
    { httpRoute: "none" },
    /^httproutes\.gateway\.networking\.k8s\.io "none" not found$/,
  ],
  ["a number for a name", { httpRoute: 5 }, /httpRoute has a value of another type/],
  ["a list of texts", { httpRoutes: ["web"] }, /httpRoutes has a value of another type/],
  [
    "a bad selector",
    { httpRouteSelector: { matchExpressions: [{ key: "a", operator: "Is" }] } },
    /httpRouteSelector/,
  ],
  ["routes of TCP", { tcpRoute: "web" }, /TCPRoutes are not served here/],
];

for (const [name, settings, message] of FAULTS) {
  Deno.test(`HTTPRoute: ${name} is said`, () => {
    const made = fixture();
    assert.throws(() => gatewayWriter(made.routed({}), settings).setWeight(1, []), {
      name: "RoutingError",
      message,
    });
  });
}

Deno.test("HTTPRoute: a service that no rule names is said", () => {
  const made = fixture([{ backendRefs: refs("web-stable") }]);
  assert.throws(() => setWeight(made, 1), { message: "backendRef was not found in httpRoute" });
});

Deno.test("A rule is managed by its name: the route's, or with a number behind it", () => {
  const managed = ["a", "a-1", "a-12", "b"].map((name) => isManaged({ name }, ["a"]));
  assert.deepEqual(managed, [true, true, true, false]);
  assert.ok(
    !isManaged({ name: "ab" }, ["a"]) && !isManaged({}, ["a"]) &&
      !isManaged({ name: "a-0" }, ["a"]),
  );
});
