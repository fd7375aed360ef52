import assert from "node:assert/strict";
import fc from "fast-check";
import { parseResourcePath, type ResourcePath } from "./resource_path.ts";

const NONE: ResourcePath = {
  group: "",
  version: "v1",
  resource: "",
  namespace: undefined,
  name: undefined,
  subresource: undefined,
  rest: [],
  isWatch: false,
};

const TABLE: readonly (readonly [string, Partial<ResourcePath> | undefined])[] = [
  ["/api/v1/pods", { resource: "pods" }],
  ["/api/v1/pods/", { resource: "pods" }],
  ["/api/v1/nodes/n1", { resource: "nodes", name: "n1" }],
  ["/api/v1/nodes/n1/status", { resource: "nodes", name: "n1", subresource: "status" }],
  ["/api/v1/namespaces", { resource: "namespaces" }],
  ["/api/v1/namespaces/blue", { resource: "namespaces", name: "blue" }],
  ["/api/v1/namespaces/blue/status", {
    resource: "namespaces",
    name: "blue",
    subresource: "status",
  }],
  ["/api/v1/namespaces/blue/finalize", {
    resource: "namespaces",
    name: "blue",
    subresource: "finalize",
  }],
  ["/api/v1/namespaces/blue/pods", { namespace: "blue", resource: "pods" }],
  ["/api/v1/namespaces/status/pods", { namespace: "status", resource: "pods" }],
  ["/api/v1/namespaces/blue/pods/web", { namespace: "blue", resource: "pods", name: "web" }],
  ["/api/v1/namespaces/blue/pods/web/log", {
    namespace: "blue",
    resource: "pods",
    name: "web",
    subresource: "log",
  }],
  ["/api/v1/namespaces/blue/services/web/proxy/a/b", {
    namespace: "blue",
    resource: "services",
    name: "web",
    subresource: "proxy",
    rest: ["a", "b"],
  }],
  ["/apis/apps/v1/namespaces/blue/deployments/web/scale", {
    group: "apps",
    namespace: "blue",
    resource: "deployments",
    name: "web",
    subresource: "scale",
  }],
  ["/apis/gateway.networking.k8s.io/v1/gatewayclasses/x", {
    group: "gateway.networking.k8s.io",
    resource: "gatewayclasses",
    name: "x",
  }],
  ["/api/v1/watch/namespaces/blue/pods", { namespace: "blue", resource: "pods", isWatch: true }],
  ["/api/v1/watch", { resource: "watch" }],
  ["/api/v1/namespaces/a%20b/pods", { namespace: "a b", resource: "pods" }],
  ["/api/v1/namespaces/blue/pods/a%2Fb", { namespace: "blue", resource: "pods", name: "a/b" }],
  ["/", undefined],
  ["/api", undefined],
  ["/api/v1", undefined],
  ["/apis", undefined],
  ["/apis/apps", undefined],
  ["/apis/apps/v1", undefined],
  ["/version", undefined],
  ["/api/v1//pods", undefined],
  ["/api/v1/pods/%zz", undefined],
  ["/api/v1/pods/%ff", undefined],
];

for (const [path, expected] of TABLE) {
  Deno.test(`parseResourcePath reads ${path}`, () => {
    assert.deepEqual(parseResourcePath(path), expected && { ...NONE, ...expected });
  });
}

Deno.test("parseResourcePath gives back the names that a path was made of", () => {
  const segment = fc.string({ minLength: 1 }).filter((text) =>
    text !== "watch" && text !== "namespaces" && text !== "." && text !== ".."
  );
  fc.assert(fc.property(segment, segment, segment, (namespace, plural, name) => {
    const path = ["", "api", "v1", "namespaces", namespace, plural, name].map(encodeURIComponent);
    const parsed = parseResourcePath(path.join("/"));
    assert.deepEqual([parsed?.namespace, parsed?.resource, parsed?.name], [
      namespace,
      plural,
      name,
    ]);
  }));
});
