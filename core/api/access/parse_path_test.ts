import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePath, type ResourcePath } from "./parse_path.ts";

const NONE: ResourcePath = {
  group: "",
  version: "v1",
  plural: "",
  namespace: undefined,
  name: undefined,
  subresource: undefined,
  rest: [],
  isWatch: false,
};

const TABLE: readonly (readonly [string, Partial<ResourcePath> | undefined])[] = [
  ["/api/v1/pods", { plural: "pods" }],
  ["/api/v1/pods/", { plural: "pods" }],
  ["/api/v1/nodes/n1", { plural: "nodes", name: "n1" }],
  ["/api/v1/nodes/n1/status", { plural: "nodes", name: "n1", subresource: "status" }],
  ["/api/v1/namespaces", { plural: "namespaces" }],
  ["/api/v1/namespaces/blue", { plural: "namespaces", name: "blue" }],
  ["/api/v1/namespaces/blue/status", {
    plural: "namespaces",
    name: "blue",
    subresource: "status",
  }],
  ["/api/v1/namespaces/blue/finalize", {
    plural: "namespaces",
    name: "blue",
    subresource: "finalize",
  }],
  ["/api/v1/namespaces/blue/pods", { namespace: "blue", plural: "pods" }],
  ["/api/v1/namespaces/status/pods", { namespace: "status", plural: "pods" }],
  ["/api/v1/namespaces/blue/pods/web", { namespace: "blue", plural: "pods", name: "web" }],
  ["/api/v1/namespaces/blue/pods/web/log", {
    namespace: "blue",
    plural: "pods",
    name: "web",
    subresource: "log",
  }],
  ["/api/v1/namespaces/blue/services/web/proxy/a/b", {
    namespace: "blue",
    plural: "services",
    name: "web",
    subresource: "proxy",
    rest: ["a", "b"],
  }],
  ["/apis/apps/v1/namespaces/blue/deployments/web/scale", {
    group: "apps",
    namespace: "blue",
    plural: "deployments",
    name: "web",
    subresource: "scale",
  }],
  ["/apis/gateway.networking.k8s.io/v1/gatewayclasses/x", {
    group: "gateway.networking.k8s.io",
    plural: "gatewayclasses",
    name: "x",
  }],
  ["/api/v1/watch/namespaces/blue/pods", { namespace: "blue", plural: "pods", isWatch: true }],
  ["/api/v1/watch", { plural: "watch" }],
  ["/api/v1/namespaces/a%20b/pods", { namespace: "a b", plural: "pods" }],
  ["/api/v1/namespaces/blue/pods/a%2Fb", { namespace: "blue", plural: "pods", name: "a/b" }],
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
  Deno.test(`parsePath reads ${path}`, () => {
    assert.deepEqual(parsePath(path), expected && { ...NONE, ...expected });
  });
}

Deno.test("parsePath gives back the names that a path was made of", () => {
  const segment = fc.string({ minLength: 1 }).filter((text) =>
    text !== "watch" && text !== "namespaces" && text !== "." && text !== ".."
  );
  fc.assert(fc.property(segment, segment, segment, (namespace, plural, name) => {
    const path = ["", "api", "v1", "namespaces", namespace, plural, name].map(encodeURIComponent);
    const parsed = parsePath(path.join("/"));
    assert.deepEqual([parsed?.namespace, parsed?.plural, parsed?.name], [namespace, plural, name]);
  }));
});
