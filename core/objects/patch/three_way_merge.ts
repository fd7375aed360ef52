import { ownField } from "../../lib/own_field.ts";
import { isEqual } from "../../lib/equality.ts";
import type { Schema } from "../../schema/schema.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import {
  fieldSchema,
  identityOf,
  inOrder,
  isMerged,
  mergeKeyOf,
  placesIn,
  strategiesOf,
} from "./list_merge.ts";

/** The three sides of an apply. */
export interface Sides {
  /** What was applied last time. */
  original: unknown;
  /** What is applied now. */
  modified: unknown;
  /** What is there. */
  current: unknown;
}

/**
 * What `kubectl apply` makes of an object: what is applied now is set, what was applied before and is not any
 * more goes, and what others have set stays. Lists with a merge key are merged item by item. Changes nothing.
 *
 * The result is that of kubectl's three-way strategic merge patch.
 * https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-apply-calculates-differences-and-merges-changes
 */
export function threeWayMerge({ original, modified, current }: Sides, schema: Schema): unknown {
  if (isJsonObject(modified)) {
    return mergeObjects(objectOr(original), modified, objectOr(current), schema);
  }
  if (!Array.isArray(modified) || !isMerged(schema)) return cloneJson(modified);
  return mergeLists(listOr(original), modified, listOr(current), schema);
}

function mergeObjects(
  original: JsonObject,
  modified: JsonObject,
  current: JsonObject,
  schema: Schema,
): JsonObject {
  const result = { ...current };
  for (const field in original) if (!Object.hasOwn(modified, field)) delete result[field];
  for (const [field, value] of Object.entries(modified)) {
    if (value === null) delete result[field];
    else {
      const sides = {
        original: ownField(original, field),
        modified: value,
        current: ownField(current, field),
      };
      result[field] = threeWayMerge(sides, fieldSchema(schema, field));
    }
  }
  if (!strategiesOf(schema).includes("retainKeys") || isEqual(result, current)) return result;
  return Object.fromEntries(
    Object.entries(result).filter(([field]) => Object.hasOwn(modified, field)),
  );
}

function mergeLists(
  original: readonly unknown[],
  modified: readonly unknown[],
  current: readonly unknown[],
  schema: Schema,
): unknown[] {
  const key = mergeKeyOf(schema);
  const before = placesIn(original, key);
  const wanted = placesIn(modified, key);
  const there = placesIn(current, key);
  const others = current.filter((item) => {
    const identity = identityOf(item, key);
    return !wanted.has(identity) && !before.has(identity);
  });
  const itemSchema = { ...schema.items, ...retainKeysOf(schema) };
  const applied = modified.map((item) => {
    const identity = identityOf(item, key);
    const sides = {
      original: original[before.get(identity) ?? -1],
      modified: item,
      current: current[there.get(identity) ?? -1],
    };
    return threeWayMerge(sides, itemSchema);
  });
  return inOrder([...others, ...applied], modified, current, key);
}

/** `merge,retainKeys` on a list is about its items. */
function retainKeysOf(schema: Schema): Schema {
  return strategiesOf(schema).includes("retainKeys")
    ? { "x-kubernetes-patch-strategy": "retainKeys" }
    : {};
}

function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOr(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
