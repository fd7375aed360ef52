import { equal, indexIn, orderOf } from "../values/equality.ts";
import type { Meter } from "../values/meter.ts";
import {
  ArrayList,
  Duration,
  EntryMap,
  Failure,
  type ListValue,
  MapValue,
  typeNameOf,
  Uint,
  type Value,
} from "../values/values.ts";
import { duration, int, uint } from "./math.ts";
import { itemsOf } from "./operators.ts";
import type { Declaration } from "./overloads.ts";

const SUMMED = ["int", "uint", "double", "duration"];
const ORDERED = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];

/** Lists: Kubernetes' own, cel-go's in version 3, and sets. */
export const LISTS: readonly Declaration[] = [
  ...ORDERED.flatMap((type): Declaration[] => [
    [`list_${type}_is_sorted_bool`, `list(${type}).isSorted(): bool`, isSorted],
    [`list_${type}_min_${type}`, `list(${type}).min(): ${type}`, extreme("min", -1)],
    [`list_${type}_max_${type}`, `list(${type}).max(): ${type}`, extreme("max", 1)],
    [
      `list_${type}_sort`,
      `list(${type}).sort(): list(${type})`,
      (list: ListValue, meter: Meter) => sortedBy(list, list, meter),
    ],
    [
      `list_${type}_sortByAssociatedKeys`,
      `list(T).@sortByAssociatedKeys(list(${type})): list(T)`,
      sortedBy,
    ],
  ]),
  ...SUMMED.map((type): Declaration => [
    `list_${type}_sum_${type}`,
    `list(${type}).sum(): ${type}`,
    (list: ListValue, meter: Meter) => sum(list, type, meter),
  ]),
  [
    "list_a_index_of_int",
    "list(A).indexOf(A): int",
    (list: ListValue, value: Value, meter: Meter) => BigInt(indexIn(list, value, meter)),
  ],
  ["list_a_last_index_of_int", "list(A).lastIndexOf(A): int", lastIndexOf],
  ["list_slice", "list(T).slice(int, int): list(T)", slice],
  [
    "list_flatten",
    "list(list(T)).flatten(): list(T)",
    (list: ListValue, meter: Meter) => flatten(list, 1n, meter),
  ],
  ["list_flatten_int", "list(dyn).flatten(int): list(dyn)", flatten],
  ["lists_range", "lists.range(int): list(int)", (count: bigint, meter: Meter) => {
    if (count > 0n) meter.work(Number(count));
    return new ArrayList(Array.from({ length: Math.max(0, Number(count)) }, (_, at) => BigInt(at)));
  }],
  ["list_reverse", "list(T).reverse(): list(T)", (list: ListValue, meter: Meter) => {
    meter.work(list.size);
    return new ArrayList(itemsOf(list).reverse());
  }],
  ["list_distinct", "list(T).distinct(): list(T)", distinct],
  ["list_sets_contains_list", "sets.contains(list(T), list(T)): bool", containsAll],
  [
    "list_sets_equivalent_list",
    "sets.equivalent(list(T), list(T)): bool",
    (a: ListValue, b: ListValue, meter: Meter) =>
      containsAll(a, b, meter) && containsAll(b, a, meter),
  ],
  [
    "list_sets_intersects_list",
    "sets.intersects(list(T), list(T)): bool",
    (a: ListValue, b: ListValue, meter: Meter) =>
      itemsOf(a).some((item) => indexIn(b, item, meter) >= 0),
  ],
  ["map_insert_key_value", "cel.@mapInsert(map(K, V), K, V): map(K, V)", insert],
  ["map_insert_map", "cel.@mapInsert(map(K, V), map(K, V)): map(K, V)", insertAll],
];

function isSorted(list: ListValue, meter: Meter): Value {
  for (let index = 1; index < list.size; index++) {
    meter.work(1);
    if (orderOf(list.at(index - 1), list.at(index))! > 0) return false;
  }
  return true;
}

/** The least or the greatest element, by the sign of its order to the others. */
function extreme(name: string, sign: number) {
  return (list: ListValue, meter: Meter): Value => {
    if (list.size === 0) return new Failure(`${name} called on empty list`);
    let best = list.at(0);
    for (let index = 1; index < list.size; index++) {
      meter.work(1);
      if (orderOf(list.at(index), best)! * sign > 0) best = list.at(index);
    }
    return best;
  };
}

function sum(list: ListValue, type: string, meter: Meter): Value {
  meter.work(list.size);
  const items = itemsOf(list);
  if (type === "double") return (items as number[]).reduce((total, item) => total + item, 0);
  const amounts = items.map((item) =>
    item instanceof Uint ? item.value : item instanceof Duration ? item.nanos : item as bigint
  );
  const total = amounts.reduce((all, amount) => all + amount, 0n);
  return type === "int" ? int(total) : type === "uint" ? uint(total) : duration(total);
}

function lastIndexOf(list: ListValue, value: Value, meter: Meter): Value {
  for (let index = list.size - 1; index >= 0; index--) {
    meter.work(1);
    if (equal(list.at(index), value, meter)) return BigInt(index);
  }
  return -1n;
}

function slice(list: ListValue, start: bigint, end: bigint, meter: Meter): Value {
  const call = `cannot slice(${start}, ${end})`;
  if (start < 0n || end < 0n) return new Failure(`${call}, negative indexes not supported`);
  if (start > end) {
    return new Failure(`${call}, start index must be less than or equal to end index`);
  }
  if (end > BigInt(list.size)) return new Failure(`${call}, list is length ${list.size}`);
  meter.work(Number(end - start));
  const length = Number(end - start);
  return new ArrayList(Array.from({ length }, (_, at) => list.at(Number(start) + at)));
}

function flatten(list: ListValue, depth: bigint, meter: Meter): Value {
  if (depth < 0n) return new Failure("level must be non-negative");
  const items: Value[] = [];
  flattenInto(items, list, depth, meter);
  return new ArrayList(items);
}

function flattenInto(items: Value[], list: ListValue, depth: bigint, meter: Meter): void {
  for (let index = 0; index < list.size; index++) {
    meter.work(1);
    const item = list.at(index);
    if (depth > 0n && isList(item)) flattenInto(items, item, depth - 1n, meter);
    else items.push(item);
  }
}

function isList(value: Value): value is ListValue {
  return typeNameOf(value) === "list";
}

function sortedBy(list: ListValue, keys: ListValue, meter: Meter): Value {
  const size = list.size;
  meter.work(size * Math.ceil(Math.log2(size + 1)));
  const pairs = itemsOf(list).map((item, index) => ({ item, key: keys.at(index) }));
  const names = new Set(pairs.map(({ key }) => typeNameOf(key)));
  if (names.size > 1) return new Failure("list elements must have the same type");
  return new ArrayList(pairs.sort((a, b) => orderOf(a.key, b.key) ?? 0).map(({ item }) => item));
}

function distinct(list: ListValue, meter: Meter): Value {
  const kept: Value[] = [];
  const seen = new ArrayList(kept);
  for (let index = 0; index < list.size; index++) {
    if (indexIn(seen, list.at(index), meter) < 0) kept.push(list.at(index));
  }
  return seen;
}

function containsAll(list: ListValue, wanted: ListValue, meter: Meter): boolean {
  for (let index = 0; index < wanted.size; index++) {
    if (indexIn(list, wanted.at(index), meter) < 0) return false;
  }
  return true;
}

/** Inserts into the map that a macro makes, which nobody else sees. */
function insert(map: MapValue, key: Value, value: Value): Value {
  const target = map instanceof EntryMap ? map : new EntryMap();
  return target.insert(key, value)
    ? target
    : new Failure(`insert failed: key ${String(key)} already exists`);
}

function insertAll(map: MapValue, added: MapValue, meter: Meter): Value {
  let result: Value = map;
  for (const key of added.keys()) {
    meter.work(1);
    result = insert(result as MapValue, key, added.get(key)!);
    if (result instanceof Failure) return result;
  }
  return result;
}
