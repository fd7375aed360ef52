/** How lists and maps are merged, as a kube-apiserver 1.34.4 publishes it: list types, map types and patch strategies. */
import assert from "node:assert/strict";
import type { Schema } from "../schema/schema.ts";
import { RESOURCES } from "./mod.ts";
import { apiVersionOf } from "./resource.ts";
import recorded from "./kubernetes_topology.json" with { type: "json" };

/** Of a field: how its list or map is merged, by an apply and by a strategic merge patch, and the type of what is in it. */
interface Field {
  list?: string;
  map?: string;
  values?: string;
  patch?: string;
  type?: string;
}

const KINDS: Readonly<Record<string, string>> = recorded.kinds;
const TYPES: Readonly<Record<string, Readonly<Record<string, Field>>>> = recorded.types;

Deno.test("lists and maps of built-in kinds are merged as Kubernetes' own", () => {
  const faults: string[] = [];
  for (const resource of RESOURCES) {
    for (const version of [resource, ...resource.servedVersions]) {
      const kind = `${apiVersionOf(version)} ${resource.kind}`;
      const type = KINDS[kind];
      if (type !== undefined) faults.push(...faultsOf(version.schema, type, kind, []));
    }
  }
  assert.deepEqual([...new Set(faults)], []);
});

function faultsOf(schema: Schema, type: string, path: string, above: readonly string[]): string[] {
  if (above.includes(type)) return [];
  return Object.entries(TYPES[type] ?? {}).flatMap(([name, field]) => {
    const ours = schema.properties?.[name];
    if (!ours) return [];
    const at = `${path}.${name}`;
    const inner = ours.items ?? ours.additionalProperties ?? ours;
    return [
      ...differences(ours, field).map((difference) => `${at}: ${difference}`),
      ...(field.type ? faultsOf(inner, field.type, at, [...above, type]) : []),
    ];
  });
}

function differences(ours: Schema, { list, map, values, patch }: Field): string[] {
  const table = [
    ["list", list, ours.type === "array" ? listOf(ours) : undefined],
    ["map", map, ours["x-kubernetes-map-type"] === "atomic" ? "atomic" : undefined],
    [
      "values",
      values,
      ours.additionalProperties?.type === "array" ? listOf(ours.additionalProperties) : undefined,
    ],
    ["patch", patch, patchOf(ours)],
  ];
  return table.filter(([, theirs, our]) => theirs !== our)
    .map(([what, theirs, our]) => `${what} is ${our}, not ${theirs}`);
}

function listOf(schema: Schema): string {
  const keys = [...schema["x-kubernetes-list-map-keys"] ?? []].sort().join();
  const type = schema["x-kubernetes-list-type"] ?? "none";
  return keys ? `${type}:${keys}` : type;
}

function patchOf(schema: Schema): string | undefined {
  const strategy = schema["x-kubernetes-patch-strategy"];
  const key = schema["x-kubernetes-patch-merge-key"];
  return strategy && (key ? `${strategy}:${key}` : strategy);
}
