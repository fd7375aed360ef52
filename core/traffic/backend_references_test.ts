import assert from "node:assert/strict";
import { TestCluster } from "../controllers/test_cluster.ts";
import { services } from "../resources/core/services/services.ts";
import { type HttpRoute, httpRoutes } from "../resources/gateway/http_routes.ts";
import { backendFaultOf, targetOf } from "./backend_references.ts";
import { hasFilters, unsupportedFilterIn, unsupportedFilterOf } from "./unsupported_filters.ts";

function routeOf(cluster: TestCluster, rules: object[]): HttpRoute {
  return cluster.put(httpRoutes, { metadata: { name: "web" }, spec: { rules } });
}

Deno.test("a backendRef names a port of a Service of its route's namespace, or says why it does not", () => {
  const rows: [reference: object, fault: [reason: string, message: string] | undefined][] = [
    [{ name: "web", port: 80 }, undefined],
    [{ name: "web", namespace: "default", port: 80 }, undefined],
    [{ name: "web", port: 81 }, ["BackendNotFound", 'Service "web" has no port 81']],
    [{ name: "web" }, ["BackendNotFound", 'Service "web" has no port given']],
    [{ name: "none", port: 80 }, ["BackendNotFound", 'Service "none" is not there']],
    [{ name: "bare", port: 80 }, ["BackendNotFound", 'Service "bare" has no port 80']],
    [{ name: "web", kind: "Bucket", port: 80 }, [
      "InvalidKind",
      'Backend "web" is a Bucket, not a Service',
    ]],
    [{ name: "web", group: "x.io", port: 80 }, [
      "InvalidKind",
      'Backend "web" is a Service, not a Service',
    ]],
    [{ name: "web", namespace: "shop", port: 80 }, [
      "RefNotPermitted",
      'Backend "web" is in another namespace, and no ReferenceGrant permits it',
    ]],
  ];
  const cluster = new TestCluster();
  cluster.put(services, { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
  cluster.put(services, { metadata: { name: "bare" }, spec: {} });
  cluster.put(services, {
    metadata: { name: "web", namespace: "shop" },
    spec: { ports: [{ port: 80 }] },
  });
  for (const [given, fault] of rows) {
    const route = routeOf(cluster, [{ backendRefs: [given] }]);
    const [reference] = route.spec.rules[0]!.backendRefs!;
    const found = backendFaultOf(reference!, "default", cluster);
    assert.deepEqual(found && [found.reason, found.message], fault, JSON.stringify(given));
    const target = targetOf(reference!, "default", cluster);
    const isFault = fault !== undefined && !/is not there|has no port \d/.test(fault[1]);
    assert.equal("fault" in target, isFault, JSON.stringify(given));
  }
  const target = targetOf(
    routeOf(cluster, [{ backendRefs: [{ name: "web", port: 80 }] }]).spec.rules[0]!
      .backendRefs![0]!,
    "shop",
    cluster,
  );
  assert.deepEqual(target, { servicePort: { namespace: "shop", name: "web", port: 80 } });
});

Deno.test("the first filter that is not supported is named, of rules and of backends", () => {
  const mirror = { type: "RequestMirror" }, extension = { type: "ExtensionRef" };
  const supported = { type: "CORS" };
  const rows: [rules: object[], type: string | undefined][] = [
    [[{}], undefined],
    [[{ filters: [supported] }], undefined],
    [[{ filters: [supported, mirror, extension] }], "ExtensionRef"],
    [[{ filters: [mirror] }], undefined],
    [[{}, { backendRefs: [{ name: "a" }, { name: "b", filters: [extension] }] }], "ExtensionRef"],
    [[{ backendRefs: [{ name: "b", filters: [supported] }] }], undefined],
  ];
  for (const [rules, type] of rows) {
    const fault = unsupportedFilterOf(routeOf(new TestCluster(), rules));
    assert.equal(fault?.type, type, JSON.stringify(rules));
    if (fault === undefined) continue;
    const message = `Filters of type ${type} are not supported; their requests get an error`;
    assert.deepEqual(fault, { type, reason: "UnsupportedValue", message });
  }
  assert.equal(unsupportedFilterIn([]), undefined);
});

Deno.test("no filter of a backend is supported", () => {
  const cluster = new TestCluster();
  const backendRefs = [
    { name: "a" },
    { name: "b", filters: [] },
    { name: "c", filters: [{ type: "CORS" }] },
  ];
  const [rule] = routeOf(cluster, [{ backendRefs }]).spec.rules;
  assert.deepEqual(rule!.backendRefs!.map(hasFilters), [false, false, true]);
});
