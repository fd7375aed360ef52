import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { asMember, type FieldSet, isEmptySet, isMember } from "./field_set.ts";
import { elementOf } from "./list_items.ts";
import { fieldElement, type PathElement, SELF } from "./path_elements.ts";
import { formOf, type ListType, type MapType, typeOfField, type ValueType } from "./value_type.ts";

/**
 * The value without some fields and items. Nothing is taken out of atomic values. What has lost all that was in it is null.
 * Throws an UnidentifiedItem.
 */
export function withoutFields(type: ValueType, value: unknown, fields: FieldSet): unknown {
  if (isEmptySet(fields)) return value;
  switch (formOf(type, value)) {
    case "map":
      return isJsonObject(value) ? mapWithout(type.map!, value, fields) : null;
    case "list":
      return Array.isArray(value) ? listWithout(type.list!, value, fields) : null;
    case "scalar":
      return value;
  }
}

function mapWithout(map: MapType, value: JsonObject, fields: FieldSet): JsonObject | null {
  if (map.isAtomic) return null;
  const left: [string, unknown][] = [];
  for (const name of Object.keys(value)) {
    const node = fields[fieldElement(name)];
    if (node === undefined) left.push([name, value[name]]);
    else if (!isMember(node)) {
      const type = typeOfField(map, name);
      left.push([name, type ? withoutFields(type, value[name], node) : value[name]]);
    }
  }
  return left.length > 0 ? Object.fromEntries(left) : null;
}

function listWithout(
  list: ListType,
  items: readonly unknown[],
  fields: FieldSet,
): unknown[] | null {
  if (list.isAtomic) return null;
  const left: unknown[] = [];
  for (const item of items) {
    const node = fields[elementOf(list, item)];
    if (node === undefined) left.push(item);
    else if (!isMember(node)) left.push(withoutFields(list.items, item, node));
  }
  return left.length > 0 ? left : null;
}

/**
 * The set in which each field that the schema names is a member, beside what is in it: so that an object goes when all in
 * it goes.
 */
export function withNamedFields(type: ValueType | undefined, set: FieldSet): FieldSet {
  const next: Record<PathElement, FieldSet> = {};
  for (const element in set) {
    if (element === SELF) continue;
    const isField = element[0] === "f";
    const name = element.slice(2);
    const inner = isField ? type?.map && typeOfField(type.map, name) : type?.list?.items;
    const below = withNamedFields(inner, set[element]!);
    const member = isMember(set[element]) || (isField && type?.map?.fields.has(name));
    next[element] = member ? asMember(isEmptySet(below) ? undefined : below) : below;
  }
  return next;
}
