import { jsonIdentity } from "../../lib/json/json_identity.ts";
import { ownField } from "../../lib/own_field.ts";
import type { Schema } from "../../schema/schema.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";

// How the lists of a schema are merged: what strategic merge patch and three-way merge have in common. All of it takes
// time in proportion to the lists, which may have ten thousands of items.

/** The shape of a field; one that nobody knows is replaced as a whole. */
export function fieldSchema(schema: Schema, field: string): Schema {
  return ownField(schema.properties, field) ?? schema.additionalProperties ?? {};
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
 * What an item of a list stands for: equal, as keys of a Map are, for items that stand for the same. An item that is to
 * be told apart by a field and is no object stands for nothing else.
 */
export function identityOf(item: unknown, key: string | undefined): unknown {
  if (key === undefined) return jsonIdentity(item);
  return isJsonObject(item) ? jsonIdentity(ownField(item, key)) : Symbol("no object");
}

/** Where each item of a list stands; of duplicates, the first. */
export function placesIn(
  list: readonly unknown[],
  key: string | undefined,
): ReadonlyMap<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [place, item] of list.entries()) {
    const identity = identityOf(item, key);
    if (!places.has(identity)) places.set(identity, place);
  }
  return places;
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
  const [wantedPlaces, placesBefore] = [placesIn(wanted, key), placesIn(before, key)];
  const placed = items.map((item) => {
    const identity = identityOf(item, key);
    return { item, wanted: wantedPlaces.get(identity), before: placesBefore.get(identity) };
  });
  const named = placed.filter(({ wanted }) => wanted !== undefined)
    .sort((a, b) => a.wanted! - b.wanted!);
  const others = placed.filter(({ wanted }) => wanted === undefined);
  const result: unknown[] = [];
  let next = 0;
  for (const { item, before: place } of named) {
    while (
      place !== undefined && next < others.length && (others[next]!.before ?? Infinity) < place
    ) {
      result.push(others[next++]!.item);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next).map(({ item }) => item)];
}
