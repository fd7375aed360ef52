import { isJsonObject } from "../../lib/json/json_value.ts";
import { keyElement, type PathElement, valueElement } from "./path_elements.ts";
import type { ListType } from "./value_type.ts";

/** The element of an item of a list that is no atomic one. Throws an {@linkcode UnidentifiedItem} for one that has none. */
export function elementOf(list: ListType, item: unknown): PathElement {
  if (list.keys.length === 0) return elementOfValue(item);
  if (item === null) {
    throw new UnidentifiedItem("associative list with keys may not have a null element");
  }
  if (!isJsonObject(item)) {
    throw new UnidentifiedItem("associative list with keys may not have non-map elements");
  }
  const keys: [string, unknown][] = [];
  for (const name of list.keys) {
    const value = Object.hasOwn(item, name)
      ? item[name]
      : list.items.map?.fields.get(name)?.default;
    if (value !== undefined) keys.push([name, value]);
  }
  if (keys.length > 0) return keyElement(keys);
  const names = list.keys.map((name) => JSON.stringify(name)).join(" ");
  throw new UnidentifiedItem(
    `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  );
}

function elementOfValue(item: unknown): PathElement {
  if (Array.isArray(item)) {
    throw new UnidentifiedItem("not supported: associative list with lists as elements");
  }
  if (isJsonObject(item)) {
    throw new UnidentifiedItem("associative list without keys has an element that's a map type");
  }
  if (item === null || item === undefined) {
    throw new UnidentifiedItem(
      "associative list without keys has an element that's an explicit null",
    );
  }
  return valueElement(item);
}

/** Why an item cannot be told apart, in Kubernetes' words. */
export class UnidentifiedItem extends Error {}

/** The items of a list by their elements, in order; several under one element are duplicates. */
export function itemsByElement(
  list: ListType,
  items: readonly unknown[] | undefined,
): Map<PathElement, unknown[]> {
  const found = new Map<PathElement, unknown[]>();
  for (const item of items ?? []) {
    const element = elementOf(list, item);
    const same = found.get(element);
    if (same) same.push(item);
    else found.set(element, [item]);
  }
  return found;
}
