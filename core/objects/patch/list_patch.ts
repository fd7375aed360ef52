import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { badRequest } from "../../client/refusals.ts";
import { identityOf, inOrder } from "./list_merge.ts";

/** Says what becomes of an item of a list, or of the list: `delete`, `replace`, `merge`. */
export const DIRECTIVE = "$patch";
/** A refusal must not repeat a megabyte. */
const SHOWN_CHARS_MAX = 1024;

/** How an item of a patch becomes one of the list: over the one that is there, if there is one. */
export type ItemMerge = (target: JsonObject | undefined, patch: JsonObject) => JsonObject;

/** The items of a list, patched by those of a patch; they are told apart by `key`, which each of these has. */
export function patchedItems(
  before: readonly unknown[],
  items: readonly JsonObject[],
  { key, merge }: { key: string; merge: ItemMerge },
): unknown[] {
  const kept = items.filter((item) => item[DIRECTIVE] === undefined);
  const list = new KeyedList(before, key);
  for (const item of items) {
    if (item[DIRECTIVE] === "delete") list.deleteFirst(item);
    else if (item[DIRECTIVE] !== undefined && item[DIRECTIVE] !== "merge") {
      throw unknownDirective(item[DIRECTIVE], item);
    }
  }
  for (const item of kept) list.put(item, merge);
  return inOrder(list.items(), kept, before, key);
}

/** An item of a list that is merged by `key`; one that replaces the whole list needs no key. */
export function keyedItem(item: unknown, key: string): JsonObject {
  if (!isJsonObject(item)) {
    throw badRequest(`error decoding patch: ${shown(item)} is not an object`);
  }
  if (item[DIRECTIVE] !== "replace" && item[key] === undefined) {
    throw badRequest(`map: ${shown(item)} does not contain declared merge key: ${key}`);
  }
  return item;
}

export function unknownDirective(directive: unknown, patch: JsonObject): Error {
  return badRequest(`unknown patch type ${shown(directive)} in ${shown(patch)}`);
}

/** A value as JSON, for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}

/** A list in which each item is found at once. */
class KeyedList {
  readonly #key: string;
  /** `undefined`: taken out. */
  readonly #slots: ({ item: unknown } | undefined)[];
  /** Of each identity the places, duplicates in turn. */
  readonly #places = new Map<unknown, number[]>();

  constructor(items: readonly unknown[], key: string) {
    this.#key = key;
    this.#slots = items.map((item) => ({ item }));
    // From the back, so that the first of duplicates is the last in its list.
    for (let place = items.length - 1; place >= 0; place--) this.#note(items[place], place);
  }

  items(): unknown[] {
    return this.#slots.flatMap((slot) => slot ? [slot.item] : []);
  }

  /** Of duplicates, one delete takes one. */
  deleteFirst(item: JsonObject): void {
    const place = this.#places.get(identityOf(item, this.#key))?.pop();
    if (place !== undefined) this.#slots[place] = undefined;
  }

  put(item: JsonObject, merge: ItemMerge): void {
    const place = this.#places.get(identityOf(item, this.#key))?.at(-1);
    if (place !== undefined) {
      const target = this.#slots[place]!.item as JsonObject; // only objects are told apart by a key
      this.#slots[place] = { item: merge(target, item) };
      return;
    }
    const made = merge(undefined, item);
    this.#note(made, this.#slots.length);
    this.#slots.push({ item: made });
  }

  #note(item: unknown, place: number): void {
    const identity = identityOf(item, this.#key);
    const places = this.#places.get(identity);
    if (places) places.push(place);
    else this.#places.set(identity, [place]);
  }
}
