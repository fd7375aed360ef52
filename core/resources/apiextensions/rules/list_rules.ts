import { ownField } from "../../../lib/own_field.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../../schema/causes.ts";
import type { Schema } from "../../../schema/schema.ts";

const LIST_TYPES = ["atomic", "set", "map"];

/** What is wrong with how the items of a list are told apart. */
export function listCauses(schema: Schema, field: string): Cause[] {
  const listType = schema["x-kubernetes-list-type"] as string | undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const items = Array.isArray(schema.items) ? undefined : schema.items;
  return [
    ...(listType !== undefined ? typeCauses(schema, listType, field) : []),
    ...(keys.length > 0 && listType !== "map" ? [keysWithoutMap(listType, field)] : []),
    ...(listType === "map" ? mapCauses(schema, items, keys, field) : []),
    ...((listType === "set" || listType === "map") && items?.nullable
      ? [forbidden(
        `${field}.items.nullable`,
        `cannot be nullable when x-kubernetes-list-type is ${listType}`,
      )]
      : []),
    ...(listType === "map" && items ? keyCauses(items, keys, field) : []),
  ];
}

function typeCauses({ type, items }: Schema, listType: string, field: string): Cause[] {
  const detail = "must be array if x-kubernetes-list-type is specified";
  const unknown = LIST_TYPES.includes(listType)
    ? []
    : [notSupported(`${field}.x-kubernetes-list-type`, listType, LIST_TYPES)];
  if (type !== "array") {
    const at = `${field}.type`;
    return [type ? invalid(at, type, detail) : missing(at, detail), ...unknown];
  }
  return listType === "set" && items ? [...setItemCauses(items, field), ...unknown] : unknown;
}

function setItemCauses(items: Schema, field: string): Cause[] {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const innerList = items["x-kubernetes-list-type"];
  if (items.type === "array" && innerList && innerList !== "atomic") {
    return [invalid(`${field}.items.x-kubernetes-list-type`, innerList, detail)];
  }
  return items.type === "object" && items["x-kubernetes-map-type"] !== "atomic"
    ? [invalid(`${field}.items.x-kubernetes-map-type`, innerList ?? null, detail)] // sic: of the list type
    : [];
}

function keysWithoutMap(listType: string | undefined, field: string): Cause {
  const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
  const at = `${field}.x-kubernetes-list-type`;
  return listType === undefined ? missing(at, detail) : invalid(at, listType, detail);
}

function mapCauses(
  schema: Schema,
  items: Schema | undefined,
  keys: readonly string[],
  field: string,
): Cause[] {
  const at = `${field}.x-kubernetes-list-map-keys`;
  const empty = keys.length > 0
    ? []
    : [missing(at, "must not be empty if x-kubernetes-list-type is map")];
  if (!items) {
    const detail = "must have a schema if x-kubernetes-list-type is map";
    return schema.items ? empty : [...empty, missing(`${field}.items`, detail)];
  }
  if (items.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...empty, invalid(`${field}.items.type`, items.type ?? "", detail)];
  }
  return [
    ...empty,
    ...keys.flatMap((key, i) => declaredCauses(items, keys, i, { key, field, at })),
  ];
}

function declaredCauses(
  items: Schema,
  keys: readonly string[],
  index: number,
  { key, field, at }: { key: string; field: string; at: string },
): Cause[] {
  const property = ownField(items.properties, key);
  const isScalar = property?.type !== "array" && property?.type !== "object";
  return [
    ...(property ? [] : [invalid(at, keys, "entries must all be names of item properties")]),
    ...(isScalar ? [] : [invalid(
      `${field}.items.properties[${key}].type`,
      items.type,
      "must be a scalar type if parent array's x-kubernetes-list-type is map",
    )]),
    ...(keys.indexOf(key) < index ? [invalid(at, keys, "must not contain duplicate entries")] : []),
  ];
}

/** Items without a key could not be told apart. */
function keyCauses(items: Schema, keys: readonly string[], field: string): Cause[] {
  return keys.flatMap((key) => {
    const property = ownField(items.properties, key);
    if (!property) return [];
    const at = `${field}.items.properties[${key}]`;
    const why = "this property is in x-kubernetes-list-map-keys, so it";
    return [
      ...(items.required?.includes(key) || property.default !== undefined
        ? []
        : [missing(`${at}.default`, `${why} must have a default or be a required property`)]),
      ...(property.nullable ? [forbidden(`${at}.nullable`, `${why} cannot be nullable`)] : []),
    ];
  });
}
