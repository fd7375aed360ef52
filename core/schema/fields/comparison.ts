import { isEqual } from "../../lib/equality.ts";
import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { addedBy } from "./claims.ts";
import { EMPTY, type FieldSet, inElementOrder, recursiveDifference, union } from "./field_set.ts";
import { itemsByElement } from "./list_items.ts";
import { fieldElement, type PathElement } from "./path_elements.ts";
import {
  type Form,
  formOf,
  type ListType,
  type MapType,
  typeOfField,
  type ValueType,
} from "./value_type.ts";

/** What has become of the fields of a value. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** The nodes of a value in the three sets. */
type Difference = { -readonly [Part in keyof Comparison]?: Draft };
type Draft = Record<PathElement, FieldSet>;

const PARTS = ["added", "modified", "removed"] as const;

/** Compares two values of a type; `undefined` when they are the same. Throws an UnidentifiedItem. */
export function comparisonOf(type: ValueType, old: unknown, next: unknown): Comparison | undefined {
  const difference = compared(type, old, next);
  return difference && { added: EMPTY, modified: EMPTY, removed: EMPTY, ...difference };
}

/** The comparison without some fields and all in them. */
export function without(comparison: Comparison, fields: FieldSet): Comparison {
  return {
    added: recursiveDifference(comparison.added, fields),
    modified: recursiveDifference(comparison.modified, fields),
    removed: recursiveDifference(comparison.removed, fields),
  };
}

function compared(type: ValueType, old: unknown, next: unknown): Difference | undefined {
  if (old === next) return undefined;
  if (old === undefined) return { added: addedBy(type, next) };
  if (next === undefined) return { removed: addedBy(type, old) };
  const [before, after] = [formOf(type, old), formOf(type, next)];
  const difference = comparedAs(after, type, old, next);
  if (before === after) return difference;
  return joined(comparedAs(before, type, old, next), difference);
}

function comparedAs(
  form: Form,
  type: ValueType,
  old: unknown,
  next: unknown,
): Difference | undefined {
  if (form === "map") {
    const [before, after] = [old, next].map((side) => isJsonObject(side) ? side : undefined);
    const isLeaf = type.map!.isAtomic || (isBare(before) && isBare(after));
    return isLeaf ? comparedLeaf(old, next) : comparedMaps(type.map!, before ?? {}, after ?? {});
  }
  if (form === "list") {
    const [before, after] = [old, next].map((side) => Array.isArray(side) ? side : undefined);
    const isLeaf = type.list!.isAtomic || (!before?.length && !after?.length);
    return isLeaf ? comparedLeaf(old, next) : comparedLists(type.list!, before, after);
  }
  return comparedLeaf(old, next);
}

function isBare(map: JsonObject | undefined): boolean {
  for (const name in map) if (map[name] !== undefined) return false;
  return true;
}

function comparedLeaf(old: unknown, next: unknown): Difference | undefined {
  return isEqual(old, next) ? undefined : { modified: EMPTY };
}

function comparedMaps(map: MapType, old: JsonObject, next: JsonObject): Difference | undefined {
  const all: Difference = {};
  for (const name in old) {
    const type = typeOfField(map, name);
    if (type) put(all, fieldElement(name), compared(type, old[name], ownField(next, name)));
  }
  for (const name in next) {
    if (ownField(old, name) !== undefined) continue;
    const type = typeOfField(map, name);
    if (type) put(all, fieldElement(name), compared(type, undefined, next[name]));
  }
  return ordered(all);
}

function comparedLists(
  list: ListType,
  old: readonly unknown[] | undefined,
  next: readonly unknown[] | undefined,
): Difference | undefined {
  const all: Difference = {};
  const [before, after] = [itemsByElement(list, old), itemsByElement(list, next)];
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    const [olds, nexts] = [before.get(element) ?? [], after.get(element) ?? []];
    put(all, element, comparedItems(list.items, olds, nexts));
  }
  return ordered(all);
}

/** Items under one element; several of them are one leaf. */
function comparedItems(
  type: ValueType,
  olds: readonly unknown[],
  nexts: readonly unknown[],
): Difference | undefined {
  if (olds.length > 1 && nexts.length > 1) return comparedLeaf(olds, nexts);
  if (olds.length > 1) {
    return joined(nexts.length > 0 ? compared(type, undefined, nexts[0]) : undefined, {
      removed: EMPTY,
    });
  }
  if (nexts.length > 1) {
    return joined(olds.length > 0 ? compared(type, olds[0], undefined) : undefined, {
      added: EMPTY,
    });
  }
  return compared(type, olds[0], nexts[0]);
}

function put(all: Difference, element: PathElement, difference: Difference | undefined): void {
  if (difference === undefined) return;
  for (const part of PARTS) {
    const node = difference[part];
    if (node !== undefined) (all[part] ??= {} as Draft)[element] = node;
  }
}

function ordered(all: Difference): Difference | undefined {
  let isSame = true;
  for (const part of PARTS) {
    if (all[part] === undefined) continue;
    all[part] = inElementOrder(all[part]);
    isSame = false;
  }
  return isSame ? undefined : all;
}

/** Both differences of one value. A node that is itself in a set stays so. */
function joined(a: Difference | undefined, b: Difference | undefined): Difference | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const all: Difference = { ...a };
  for (const part of PARTS) {
    const [one, other] = [a[part], b[part]];
    if (other !== undefined) all[part] = one === undefined ? other : bothOf(one, other);
  }
  return all;
}

function bothOf(a: FieldSet, b: FieldSet): FieldSet {
  const element = "f:";
  return union({ [element]: a }, { [element]: b })[element]!;
}
