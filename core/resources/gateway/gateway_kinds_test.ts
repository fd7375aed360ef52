import assert from "node:assert/strict";
import { gatewayClasses } from "./gateway_classes.ts";
import { gateways } from "./gateways.ts";
import { httpRoutes } from "./http_routes.ts";
import { made, rowOf } from "../resource_fixture.ts";
import type { Schema } from "../../schema/schema.ts";

/** The fields of each kind in the standard channel of Gateway API v1.4, by its reference. */
const FIELDS: Record<string, string> = {
  GatewayClass: `
    spec.controllerName: string
    spec.parametersRef.group: string
    spec.parametersRef.kind: string
    spec.parametersRef.name: string
    spec.parametersRef.namespace: string
    spec.description: string
    status.conditions[]: condition
    status.supportedFeatures[].name: string`,
  Gateway: `
    spec.gatewayClassName: string
    spec.listeners[].name: string
    spec.listeners[].hostname: string
    spec.listeners[].port: integer
    spec.listeners[].protocol: string
    spec.listeners[].tls.mode: string
    spec.listeners[].tls.certificateRefs[].group: string
    spec.listeners[].tls.certificateRefs[].kind: string
    spec.listeners[].tls.certificateRefs[].name: string
    spec.listeners[].tls.certificateRefs[].namespace: string
    spec.listeners[].tls.options.*: string
    spec.listeners[].allowedRoutes.namespaces.from: string
    spec.listeners[].allowedRoutes.namespaces.selector.matchLabels.*: string
    spec.listeners[].allowedRoutes.namespaces.selector.matchExpressions[].key: string
    spec.listeners[].allowedRoutes.namespaces.selector.matchExpressions[].operator: string
    spec.listeners[].allowedRoutes.namespaces.selector.matchExpressions[].values[]: string
    spec.listeners[].allowedRoutes.kinds[].group: string
    spec.listeners[].allowedRoutes.kinds[].kind: string
    spec.addresses[].type: string
    spec.addresses[].value: string
    spec.infrastructure.labels.*: string
    spec.infrastructure.annotations.*: string
    spec.infrastructure.parametersRef.group: string
    spec.infrastructure.parametersRef.kind: string
    spec.infrastructure.parametersRef.name: string
    status.addresses[].type: string
    status.addresses[].value: string
    status.conditions[]: condition
    status.listeners[].name: string
    status.listeners[].supportedKinds[].group: string
    status.listeners[].supportedKinds[].kind: string
    status.listeners[].attachedRoutes: integer
    status.listeners[].conditions[]: condition`,
  HTTPRoute: `
    spec.parentRefs[]: parent
    spec.hostnames[]: string
    spec.rules[].name: string
    spec.rules[].matches[].path.type: string
    spec.rules[].matches[].path.value: string
    spec.rules[].matches[].headers[].type: string
    spec.rules[].matches[].headers[].name: string
    spec.rules[].matches[].headers[].value: string
    spec.rules[].matches[].queryParams[].type: string
    spec.rules[].matches[].queryParams[].name: string
    spec.rules[].matches[].queryParams[].value: string
    spec.rules[].matches[].method: string
    spec.rules[].filters[]: filter
    spec.rules[].backendRefs[]: backend
    spec.rules[].backendRefs[].weight: integer
    spec.rules[].backendRefs[].filters[]: filter
    spec.rules[].timeouts.request: string
    spec.rules[].timeouts.backendRequest: string
    spec.rules[].sessionPersistence.sessionName: string
    spec.rules[].sessionPersistence.absoluteTimeout: string
    spec.rules[].sessionPersistence.idleTimeout: string
    spec.rules[].sessionPersistence.type: string
    spec.rules[].sessionPersistence.cookieConfig.lifetimeType: string
    status.parents[].parentRef: parent
    status.parents[].controllerName: string
    status.parents[].conditions[]: condition`,
};

/** Shapes that are used in several places. */
const SHAPES: Record<string, string> = {
  condition: `
    type: string
    status: string
    observedGeneration: integer
    lastTransitionTime: string
    reason: string
    message: string`,
  parent: `
    group: string
    kind: string
    namespace: string
    name: string
    sectionName: string
    port: integer`,
  backend: `
    group: string
    kind: string
    name: string
    namespace: string
    port: integer`,
  headers: `
    set[].name: string
    set[].value: string
    add[].name: string
    add[].value: string
    remove[]: string`,
  path: `
    type: string
    replaceFullPath: string
    replacePrefixMatch: string`,
  filter: `
    type: string
    requestHeaderModifier: headers
    responseHeaderModifier: headers
    requestMirror.backendRef: backend
    requestMirror.percent: integer
    requestMirror.fraction.numerator: integer
    requestMirror.fraction.denominator: integer
    requestRedirect.scheme: string
    requestRedirect.hostname: string
    requestRedirect.path: path
    requestRedirect.port: integer
    requestRedirect.statusCode: integer
    urlRewrite.hostname: string
    urlRewrite.path: path
    extensionRef.group: string
    extensionRef.kind: string
    cors.allowOrigins[]: string
    cors.allowCredentials: boolean
    cors.allowMethods[]: string
    cors.allowHeaders[]: string
    cors.exposeHeaders[]: string
    cors.maxAge: integer
    extensionRef.name: string`,
};

for (const resource of [gatewayClasses, gateways, httpRoutes]) {
  Deno.test(`${resource.kind} has the fields of the Gateway API, and no others`, () => {
    const { apiVersion: _, kind: __, metadata: ___, ...own } = resource.schema.properties!;
    const found = Object.entries(own).flatMap(([name, field]) => leavesOf(field, name));
    assert.deepEqual(found.toSorted(), expanded(FIELDS[resource.kind]!).toSorted());
  });
}

function expanded(text: string): string[] {
  return text.trim().split("\n").flatMap((line) => {
    const [path, shape] = line.trim().split(": ") as [string, string];
    const inner = SHAPES[shape];
    return inner ? expanded(inner).map((leaf) => `${path}.${leaf}`) : [`${path}: ${shape}`];
  });
}

function leavesOf(schema: Schema, path: string): string[] {
  if (schema.items) return leavesOf(schema.items, `${path}[]`);
  if (schema.additionalProperties) return leavesOf(schema.additionalProperties, `${path}.*`);
  if (!schema.properties) return [`${path}: ${schema.type}`];
  return Object.entries(schema.properties)
    .flatMap(([name, field]) => leavesOf(field, `${path}.${name}`));
}

/** https://gateway-api.sigs.k8s.io/guides/traffic-splitting/ */
const canary = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  spec: {
    parentRefs: [{ name: "public" }],
    hostnames: ["shop.example.com"],
    rules: [{
      backendRefs: [{ name: "v1", port: 80, weight: 90 }, { name: "v2", port: 80, weight: 10 }],
    }],
  },
};

Deno.test("a route gets the defaults of the Gateway API", () => {
  const { object, causes, warnings } = made(httpRoutes, canary);
  assert.deepEqual({ causes, warnings }, { causes: [], warnings: [] });
  assert.deepEqual(object.spec, {
    parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "public" }],
    hostnames: ["shop.example.com"],
    rules: [{
      matches: [{ path: { type: "PathPrefix", value: "/" } }],
      backendRefs: [
        { group: "", kind: "Service", name: "v1", port: 80, weight: 90 },
        { group: "", kind: "Service", name: "v2", port: 80, weight: 10 },
      ],
    }],
  });
  assert.deepEqual(object.status, { parents: [] });
  assert.deepEqual(made(httpRoutes, object).object, object);
});

Deno.test("a weight of nothing and the core group of a parent are kept", () => {
  const { object } = made(httpRoutes, {
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web" }],
      rules: [{ backendRefs: [{ name: "v1", port: 80, weight: 0 }] }],
    },
  });
  assert.equal(object.spec.parentRefs?.[0]?.group, "");
  assert.equal(object.spec.rules[0]?.backendRefs?.[0]?.weight, 0);
});

function causesOfRule(rule: object): string[] {
  return made(httpRoutes, { spec: { rules: [rule] } }).causes;
}

for (
  const [name, rule, causes] of [
    ["a path that climbs", { matches: [{ path: { value: "/a/../b" } }] }, [
      "spec.rules[0].matches[0].path: Invalid value: \"object\": must not contain '/../' when type one of ['Exact', 'PathPrefix']",
    ]],
    ["a Service without a port", { backendRefs: [{ name: "v1" }] }, [
      'spec.rules[0].backendRefs[0]: Invalid value: "object": Must have port for Service reference',
    ]],
    ["a filter without its settings", { filters: [{ type: "URLRewrite" }] }, [
      'spec.rules[0].filters[0]: Invalid value: "object": filter.urlRewrite must be specified for URLRewrite filter.type',
    ]],
    ["a redirect and somebody who answers", {
      filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https" } }],
      backendRefs: [{ name: "v1", port: 80 }],
    }, [
      'spec.rules[0]: Invalid value: "object": RequestRedirect filter must not be used together with backendRefs',
    ]],
    ["a status that is no redirect", {
      filters: [{ type: "RequestRedirect", requestRedirect: { statusCode: 304 } }],
    }, [
      'spec.rules[0].filters[0].requestRedirect.statusCode: Unsupported value: 304: supported values: "301", "302", "303", "307", "308"',
    ]],
    ["all origins and another", {
      filters: [{ type: "CORS", cors: { allowOrigins: ["*", "http://a"] } }],
    }, [
      "spec.rules[0].filters[0].cors.allowOrigins: Invalid value: \"array\": AllowOrigins cannot contain '*' alongside other origins",
    ]],
    ["all methods and another", {
      filters: [{ type: "CORS", cors: { allowMethods: ["PUT", "*"] } }],
    }, [
      "spec.rules[0].filters[0].cors.allowMethods: Invalid value: \"array\": AllowMethods cannot contain '*' alongside other methods",
    ]],
    ["two CORS filters", { filters: [{ type: "CORS", cors: {} }, { type: "CORS", cors: {} }] }, [
      'spec.rules[0].filters: Invalid value: "array": CORS filter cannot be repeated',
    ]],
    ["a weight too large", { backendRefs: [{ name: "v1", port: 80, weight: 1000001 }] }, [
      "spec.rules[0].backendRefs[0].weight: Invalid value: 1000001: must be between 0 and 1000000, inclusive",
    ]],
  ] as const
) {
  Deno.test(`a route is refused for ${name}`, () => {
    assert.deepEqual(causesOfRule(rule), causes);
  });
}

Deno.test("a route may redirect by 301, 302, 303, 307 and 308, and has no warning for CORS", () => {
  for (const statusCode of [301, 302, 303, 307, 308]) {
    const filters = [{ type: "RequestRedirect", requestRedirect: { statusCode } }];
    assert.deepEqual(causesOfRule({ filters }), []);
  }
  const cors = { allowOrigins: ["https://*.example.com", "http://a:8080"], allowMethods: ["PUT"] };
  const { object, causes, warnings } = made(httpRoutes, {
    spec: { rules: [{ filters: [{ type: "CORS", cors }] }] },
  });
  assert.deepEqual({ causes, warnings }, { causes: [], warnings: [] });
  assert.equal(object.spec.rules[0]!.filters![0]!.cors!.maxAge, 5);
  for (const origin of ["a.com", "ftp://a.com", "https://a.com/", "https://a.com:notaport"]) {
    const filters = [{ type: "CORS", cors: { allowOrigins: [origin] } }];
    assert.equal(causesOfRule({ filters }).length, 1, origin);
  }
});

Deno.test("a gateway is refused for a setting that cannot be understood", () => {
  const metadata = { name: "web", annotations: { "coracle.dev/allow-backslash": "yes" } };
  const spec = { gatewayClassName: "coracle", listeners: [listener] };
  assert.deepEqual(made(gateways, { metadata, spec }).causes, [
    'metadata.annotations[coracle.dev/allow-backslash]: Invalid value: "yes": must be "true" or "false"',
  ]);
});

const listener = { name: "http", port: 80, protocol: "HTTP" };

Deno.test("a gateway waits for its controller, and takes routes of its own namespace", () => {
  const { object, causes } = made(gateways, {
    spec: { gatewayClassName: "coracle", listeners: [listener] },
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(object.spec.listeners, [
    { ...listener, allowedRoutes: { namespaces: { from: "Same" } } },
  ]);
  assert.deepEqual(object.status.conditions.map(({ type, status }) => `${type}=${status}`), [
    "Accepted=Unknown",
    "Programmed=Unknown",
  ]);
  assert.deepEqual(rowOf(gateways, object), {
    Name: "web",
    Class: "coracle",
    Address: undefined,
    Programmed: "Unknown",
    Age: "5m",
  });
});

Deno.test("a gateway is refused for listeners that cannot be told apart", () => {
  const listeners = [listener, { ...listener, name: "again" }];
  const { causes } = made(gateways, { spec: { gatewayClassName: "coracle", listeners } });
  assert.deepEqual(causes, [
    'spec.listeners: Invalid value: "array": Combination of port, protocol and hostname must be unique for each listener',
  ]);
});

Deno.test("a class cannot change its controller", () => {
  const classWith = (controllerName: string) => ({ spec: { controllerName } });
  const previous = made(gatewayClasses, classWith("coracle.dev/gateway")).object;
  assert.deepEqual(made(gatewayClasses, classWith("example.com/other"), previous).causes, [
    'spec.controllerName: Invalid value: "example.com/other": Value is immutable',
  ]);
});

Deno.test("what a route or a gateway asks for in vain is warned of", () => {
  const own = {
    type: "ExtensionRef",
    extensionRef: { group: "example.com", kind: "F", name: "f" },
  };
  assert.deepEqual(made(httpRoutes, { spec: { rules: [{ filters: [own] }] } }).warnings, [
    "spec.rules[0].filters[0].extensionRef: not implemented in this version of Coracle; requests that need it get 500",
  ]);
  const tls = { certificateRefs: [{ name: "cert" }], options: { a: "b" } };
  const listeners = [{ name: "https", port: 443, protocol: "HTTPS", tls }];
  assert.deepEqual(made(gateways, { spec: { gatewayClassName: "coracle", listeners } }).warnings, [
    "spec.listeners[0].tls.options: not implemented in this version of Coracle; it is stored but ignored",
  ]);
});

Deno.test("labels of a gateway's infrastructure are warned of, but the one that says where it is", () => {
  const warningsOf = (infrastructure: object) => {
    const spec = { gatewayClassName: "coracle", listeners: [listener], infrastructure };
    return made(gateways, { spec }).warnings.map((warning) => warning.split(":")[0]);
  };
  const where = { "coracle.dev/nodes": "berlin" };
  assert.deepEqual(warningsOf({ labels: where }), []);
  assert.deepEqual(warningsOf({ labels: { ...where, a: "b" } }), ["spec.infrastructure.labels"]);
  assert.deepEqual(warningsOf({ labels: where, annotations: { a: "b" } }), [
    "spec.infrastructure.annotations",
  ]);
});

Deno.test("a session says how long it lasts, and a cookie what it is", () => {
  const causes = (sessionPersistence: object) =>
    made(httpRoutes, { spec: { rules: [{ sessionPersistence }] } }).causes;
  assert.deepEqual(causes({}), []);
  assert.deepEqual(causes({ cookieConfig: { lifetimeType: "Permanent" } }), [
    'spec.rules[0].sessionPersistence: Invalid value: "object": AbsoluteTimeout must be specified when cookie lifetimeType is Permanent',
  ]);
  assert.deepEqual(causes({ type: "Header", cookieConfig: {} }), [
    'spec.rules[0].sessionPersistence: Invalid value: "object": cookieConfig can only be set with type Cookie',
  ]);
});
