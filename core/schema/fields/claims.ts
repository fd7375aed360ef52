import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { asMember, EMPTY, type FieldSet, inElementOrder } from "./field_set.ts";
import { itemsByElement } from "./list_items.ts";
import { fieldElement, SELF } from "./path_elements.ts";
import { formOf, type ListType, type MapType, type ValueType } from "./value_type.ts";

/** The node of a value in a set; `undefined`: the value has no fields in it, and is none itself. */
type Node = FieldSet | undefined;

/**
 * The fields that a value sets, as an apply claims them: leaves, and items of lists. What only holds others is no field of
 * its own. Throws an UnidentifiedItem.
 */
export function fieldsOf(type: ValueType, value: unknown): FieldSet {
  return claimed(type, value) ?? EMPTY;
}

function claimed(type: ValueType, value: unknown): Node {
  switch (formOf(type, value)) {
    case "map":
      if (type.map!.isAtomic) return EMPTY;
      return isJsonObject(value) ? claimedInMap(type.map!, value) : undefined;
    case "list":
      if (type.list!.isAtomic) return EMPTY;
      return Array.isArray(value) ? claimedInList(type.list!, value) : undefined;
    case "scalar":
      return EMPTY;
  }
}

function claimedInMap(map: MapType, value: JsonObject): Node {
  const node: Record<string, FieldSet> = {};
  let isBare = true;
  for (const name of Object.keys(value).sort()) {
    const inner = value[name];
    if (inner === undefined) continue;
    const field = map.fields.get(name);
    const type = field?.type ?? map.others;
    let child = type && claimed(type, inner);
    const isLeaf = !field || inner === null || isEmptyObject(inner);
    if (isLeaf) child = asMember(child);
    if (child === undefined) continue;
    node[field?.element ?? fieldElement(name)] = child;
    isBare = false;
  }
  return isBare ? undefined : node;
}

function isEmptyObject(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  for (const _ in value) return false;
  return true;
}

function claimedInList(list: ListType, items: readonly unknown[]): Node {
  if (items.length === 0) return undefined;
  const node: Record<string, FieldSet> = {};
  for (const [element, same] of itemsByElement(list, items)) {
    node[element] = same.length > 1 ? EMPTY : asMember(claimed(list.items, same[0]));
  }
  return inElementOrder(node);
}

/**
 * The node of a value that was not there before, as an update claims it: all that is in it, and what holds it. Throws an
 * UnidentifiedItem.
 */
export function addedBy(type: ValueType, value: unknown): FieldSet {
  switch (formOf(type, value)) {
    case "map":
      return type.map!.isAtomic || !isJsonObject(value) ? EMPTY : addedByMap(type.map!, value);
    case "list":
      return type.list!.isAtomic || !Array.isArray(value) ? EMPTY : addedByList(type.list!, value);
    case "scalar":
      return EMPTY;
  }
}

function addedByMap(map: MapType, value: JsonObject): FieldSet {
  const node: Record<string, FieldSet> = {};
  let isBare = true;
  for (const name of Object.keys(value).sort()) {
    const inner = value[name];
    const field = map.fields.get(name);
    const type = field?.type ?? map.others;
    if (inner === undefined || type === undefined) continue;
    if (isBare) node[SELF] = EMPTY;
    node[field?.element ?? fieldElement(name)] = addedBy(type, inner);
    isBare = false;
  }
  return isBare ? EMPTY : node;
}

function addedByList(list: ListType, items: readonly unknown[]): FieldSet {
  if (items.length === 0) return EMPTY;
  const node: Record<string, FieldSet> = { [SELF]: EMPTY };
  for (const [element, same] of itemsByElement(list, items)) {
    node[element] = same.length > 1 ? EMPTY : addedBy(list.items, same[0]);
  }
  return inElementOrder(node);
}
