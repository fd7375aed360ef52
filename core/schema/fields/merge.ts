import { isEqual } from "../../lib/equality.ts";
import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { elementOf } from "./list_items.ts";
import type { PathElement } from "./path_elements.ts";
import { formOf, type ListType, type MapType, typeOfField, type ValueType } from "./value_type.ts";

/**
 * What an apply makes of a value: what is sent takes the place of what is there, field by field and item by item; what
 * is not sent stays. Changes nothing. Throws an UnidentifiedItem.
 */
export function merged(type: ValueType, there: unknown, sent: unknown): unknown {
  if (there === undefined) return isContainer(sent) ? mergedAs(type, undefined, sent) : sent;
  if (sent === undefined || sent === there) return there;
  return mergedAs(type, there, sent);
}

/** What is there, where that is what was sent: so that what does not change can be told by identity. */
function same(there: unknown, sent: unknown): unknown {
  return isEqual(there, sent) ? there : sent;
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function mergedAs(type: ValueType, there: unknown, sent: unknown): unknown {
  switch (formOf(type, sent ?? there)) {
    case "map": {
      const [left, right] = [there, sent].map((side) => isJsonObject(side) ? side : undefined);
      if (type.map!.isAtomic || (isBare(left) && isBare(right))) return same(there, sent);
      return mergedMaps(type.map!, left ?? {}, right ?? {});
    }
    case "list": {
      const [left, right] = [there, sent].map((side) => Array.isArray(side) ? side : undefined);
      if (type.list!.isAtomic || (!left?.length && !right?.length)) return same(there, sent);
      return mergedLists(type.list!, left ?? [], right ?? []);
    }
    case "scalar":
      return sent;
  }
}

function isBare(map: JsonObject | undefined): boolean {
  for (const _ in map) return false;
  return true;
}

function mergedMaps(map: MapType, there: JsonObject, sent: JsonObject): JsonObject {
  let next: [string, unknown][] | undefined;
  for (const name in sent) {
    const type = typeOfField(map, name);
    const [left, right] = [ownField(there, name), sent[name]];
    const value = type ? merged(type, left, right) : right ?? left;
    if (value === undefined || value === left) continue;
    (next ??= []).push([name, value]);
  }
  return next ? Object.fromEntries([...Object.entries(there), ...next]) : there;
}

/**
 * The items that were sent, in their order; an item that was not sent keeps its place before the item it stood before.
 * Of duplicates that are there none is merged with.
 */
function mergedLists(
  list: ListType,
  there: readonly unknown[],
  sent: readonly unknown[],
): readonly unknown[] {
  const left = elementsOf(list, there);
  const right = elementsOf(list, sent);
  const out: unknown[] = [];
  const taken = new Set<PathElement>();
  const shared = right.elements.filter((element) => left.known.has(element));
  let nextShared = 0;
  const take = (element: PathElement) => {
    taken.add(element);
    out.push(merged(list.items, left.known.get(element), right.known.get(element)));
    if (shared[nextShared] === element) nextShared++;
  };
  let [l, r] = [0, 0];
  while (l < there.length || r < sent.length) {
    const [ours, theirs] = [left.elements[l], right.elements[r]];
    if (ours !== undefined && theirs !== undefined) {
      if (ours === theirs) {
        take(ours);
        l++;
        r++;
        continue;
      }
      const isSharedLater = right.known.has(ours) && nextShared < shared.length &&
        shared[nextShared] !== ours;
      if (isSharedLater) {
        l++;
        continue;
      }
    }
    if (ours !== undefined) {
      if (!right.known.has(ours)) {
        out.push(there[l]);
        l++;
        continue;
      }
      if (taken.has(ours)) l++;
    }
    if (theirs !== undefined) {
      take(theirs);
      r++;
    }
  }
  const isSame = out.length === there.length && out.every((item, place) => item === there[place]);
  return isSame ? there : out;
}

/** The element of each item, and the item of each element; `null` for duplicates. */
function elementsOf(
  list: ListType,
  items: readonly unknown[],
): { elements: PathElement[]; known: Map<PathElement, unknown> } {
  const elements: PathElement[] = [];
  const known = new Map<PathElement, unknown>();
  for (const item of items) {
    const element = elementOf(list, item);
    known.set(element, known.has(element) ? null : item);
    elements.push(element);
  }
  return { elements, known };
}
