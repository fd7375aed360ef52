import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { type Cause, duplicate, invalid } from "../causes.ts";
import type { Schema } from "../schema.ts";

/**
 * Items of sets and of lists that are maps must differ. Returns the causes; each value that comes again is named once.
 * Source: apiextensions-apiserver `pkg/apiserver/schema/listtype`.
 */
export function listTypeCauses(schema: Schema, value: unknown, field = ""): Cause[] {
  if (Array.isArray(value)) {
    const causes = duplicateCauses(schema, value, field);
    const { items } = schema;
    if (!items || !hasListTypes(items)) return causes;
    value.forEach((item, i) => causes.push(...listTypeCauses(items, item, `${field}[${i}]`)));
    return causes;
  }
  if (!isJsonObject(value) || !hasListTypes(schema)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = ownField(schema.properties, name) ?? schema.additionalProperties;
    if (!known) return [];
    const isField = ownField(schema.properties, name) !== undefined;
    const path = !isField ? `${field}[${name}]` : field ? `${field}.${name}` : name;
    return listTypeCauses(known, inner, path);
  });
}

const known = new WeakMap<Schema, boolean>();

/** Whether there is a set or a map somewhere in the schema. */
function hasListTypes(schema: Schema): boolean {
  let found = known.get(schema);
  if (found === undefined) {
    const { items, properties = {}, additionalProperties } = schema;
    const type = schema["x-kubernetes-list-type"];
    found = type === "set" || type === "map" ||
      [items, additionalProperties, ...Object.values(properties)].some((inner) =>
        inner && hasListTypes(inner)
      );
    known.set(schema, found);
  }
  return found;
}

function duplicateCauses(schema: Schema, items: readonly unknown[], field: string): Cause[] {
  const type = schema["x-kubernetes-list-type"];
  if (type === "set") {
    return repeated(items).map((i) => duplicate(`${field}[${i}]`, items[i]));
  }
  if (type !== "map") return [];
  const foreign = items.findIndex((item) => item !== null && !isJsonObject(item));
  if (foreign >= 0) {
    const fault = "must be an object for an array of list-type map";
    return [invalid(`${field}[${foreign}]`, items[foreign], fault)];
  }
  const names = schema["x-kubernetes-list-map-keys"] ?? [];
  const keys = items.map((item) => keysOf(item as JsonObject | null, names));
  return repeated(keys).map((i) => duplicate(`${field}[${i}]`, keys[i]));
}

function keysOf(item: JsonObject | null, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.filter((name) => item && Object.hasOwn(item, name)).map((name) => [name, item![name]]),
  );
}

/** Index of the second of each group of equal values. */
function repeated(values: readonly unknown[]): number[] {
  const times = new Map<unknown, number>();
  const second: number[] = [];
  values.forEach((value, i) => {
    const key = typeof value === "object" ? `\0${JSON.stringify(sorted(value))}` : value;
    const before = times.get(key) ?? 0;
    times.set(key, before + 1);
    if (before === 1) second.push(i);
  });
  return second;
}

/** With fields in the order of their names, so that equal values have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.keys(value).sort().map((name) => [name, sorted(value[name])]);
}
