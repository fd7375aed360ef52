import assert from "node:assert/strict";
import { RESOURCES } from "./mod.ts";
import { apiVersionOf } from "./resource.ts";
import { isBuiltIn } from "./zero_objects.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * How lists of kinds that Kubernetes does not have built in are merged, as their definitions say it: `path: list type by
 * keys`. Lists that are replaced are not here. Of built-in kinds: `kubernetes_topology_test.ts`.
 */
const MERGED = `
  BackendTLSPolicy.status.ancestors[].conditions: map by type
  GRPCRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.add: map by name
  GRPCRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.remove: set
  GRPCRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.set: map by name
  GRPCRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.add: map by name
  GRPCRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.remove: set
  GRPCRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.set: map by name
  GRPCRoute.spec.rules[].filters[].requestHeaderModifier.add: map by name
  GRPCRoute.spec.rules[].filters[].requestHeaderModifier.remove: set
  GRPCRoute.spec.rules[].filters[].requestHeaderModifier.set: map by name
  GRPCRoute.spec.rules[].filters[].responseHeaderModifier.add: map by name
  GRPCRoute.spec.rules[].filters[].responseHeaderModifier.remove: set
  GRPCRoute.spec.rules[].filters[].responseHeaderModifier.set: map by name
  GRPCRoute.spec.rules[].matches[].headers: map by name
  GRPCRoute.status.parents[].conditions: map by type
  GatewayClass.status.conditions: map by type
  GatewayClass.status.supportedFeatures: map by name
  Gateway.spec.listeners: map by name
  Gateway.status.conditions: map by type
  Gateway.status.listeners: map by name
  Gateway.status.listeners[].conditions: map by type
  HTTPRoute.spec.rules[].matches[].headers: map by name
  HTTPRoute.spec.rules[].matches[].queryParams: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].filters[].requestHeaderModifier.remove: set
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].filters[].responseHeaderModifier.remove: set
  HTTPRoute.spec.rules[].filters[].cors.allowOrigins: set
  HTTPRoute.spec.rules[].filters[].cors.allowMethods: set
  HTTPRoute.spec.rules[].filters[].cors.allowHeaders: set
  HTTPRoute.spec.rules[].filters[].cors.exposeHeaders: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].requestHeaderModifier.remove: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.set: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.add: map by name
  HTTPRoute.spec.rules[].backendRefs[].filters[].responseHeaderModifier.remove: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowOrigins: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowMethods: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.allowHeaders: set
  HTTPRoute.spec.rules[].backendRefs[].filters[].cors.exposeHeaders: set
  HTTPRoute.status.parents[].conditions: map by type
`;

Deno.test("lists of other kinds are merged by the keys of their definitions", () => {
  const found = new Set<string>();
  for (const resource of RESOURCES) {
    const { kind, schema } = resource;
    if (isBuiltIn(apiVersionOf(resource), kind) || resource.group === "argoproj.io") continue;
    for (const [name, field] of Object.entries(schema.properties!)) {
      if (name !== "metadata") collect(field, `${kind}.${name}`, found);
    }
  }
  assert.deepEqual([...found].toSorted(), MERGED.trim().split(/\n\s+/).toSorted());
});

function collect(schema: Schema, path: string, found: Set<string>): void {
  const merged = mergedAs(schema);
  if (merged) found.add(`${nameOf(path)}: ${merged}`);
  if (schema.items) collect(schema.items, `${path}[]`, found);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (isCheckedElsewhere(path)) continue;
    collect(field, `${path}.${name}`, found);
  }
}

function mergedAs(schema: Schema): string {
  const { "x-kubernetes-list-type": type, "x-kubernetes-list-map-keys": keys } = schema;
  const { "x-kubernetes-patch-strategy": strategy, "x-kubernetes-patch-merge-key": key } = schema;
  const list = type === "map" ? `map by ${keys!.join("+")}` : type === "set" ? "set" : "";
  const patch = strategy ? key ? `${strategy} by ${key}` : strategy : "";
  return [list, patch].filter(Boolean).join(", ");
}

function nameOf(path: string): string {
  return path.replace(
    /^Pod\.spec\b|^\w+(\.spec)?(\.jobTemplate\.spec)?\.template\.spec\b/,
    "PodSpec",
  );
}

/** The contents are the same as elsewhere, or not the kind's own. */
function isCheckedElsewhere(path: string): boolean {
  return /\.(initContainers|ephemeralContainers|initContainerStatuses|ephemeralContainerStatuses)\[\]$/
    .test(path) || /\.metadata$/.test(path);
}
