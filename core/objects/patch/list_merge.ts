import { isEqual } from "../../lib/equality.ts";
import type { Schema } from "../../resources/schema.ts";
import { isJsonObject } from "../../lib/json_value.ts";

// How the lists of a schema are merged: what strategic merge patch and three-way merge have in common.

/** The shape of a field; one that nobody knows is replaced as a whole. */
export function fieldSchema(schema: Schema, field: string): Schema {
  return schema.properties?.[field] ?? schema.additionalProperties ?? {};
}

export function strategiesOf(schema: Schema): readonly string[] {
  return schema["x-kubernetes-patch-strategy"]?.split(",") ?? [];
}

/** Whether a list is merged item by item rather than replaced. */
export function isMerged(schema: Schema): boolean {
  const strategy = schema["x-kubernetes-patch-strategy"];
  if (strategy !== undefined) return strategiesOf(schema).includes("merge");
  const type = schema["x-kubernetes-list-type"];
  return type === "map" || type === "set";
}

/** The field that tells items apart; `undefined`: the items are told apart by what they are. */
export function mergeKeyOf(schema: Schema): string | undefined {
  return schema["x-kubernetes-patch-merge-key"] ?? schema["x-kubernetes-list-map-keys"]?.[0];
}

/**
 * Puts the items that `wanted` names in its order, and the others between them, where they were before:
 * each stands before the first wanted item that came after it.
 */
export function inOrder(
  items: readonly unknown[],
  wanted: readonly unknown[],
  before: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const indexIn = (list: readonly unknown[], item: unknown) =>
    list.findIndex((other) => sameKey(other, item, key));
  const named = items.filter((item) => indexIn(wanted, item) >= 0)
    .sort((a, b) => indexIn(wanted, a) - indexIn(wanted, b));
  const others = items.filter((item) => indexIn(wanted, item) < 0);
  const result: unknown[] = [];
  for (const item of named) {
    const place = indexIn(before, item);
    while (others.length > 0 && place >= 0 && isBefore(indexIn(before, others[0]), place)) {
      result.push(others.shift());
    }
    result.push(item);
  }
  return [...result, ...others];
}

function isBefore(place: number, other: number): boolean {
  return place >= 0 && place < other;
}

/** Whether two items of a list stand for the same thing. */
export function sameKey(a: unknown, b: unknown, key: string | undefined): boolean {
  if (key === undefined) return isEqual(a, b);
  return isJsonObject(a) && isJsonObject(b) && isEqual(a[key], b[key]);
}
