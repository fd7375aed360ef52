import { equal, indexIn, isNumber } from "../values/equality.ts";
import type { Meter } from "../values/meter.ts";
import {
  ArrayList,
  Failure,
  JoinedList,
  ListValue,
  MapValue,
  OptionalValue,
  Uint,
  type Value,
} from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

/** Never run: how these are evaluated depends on more than their arguments. */
const evaluated = () => new Failure("no such overload");

/** Logic, equality, membership, what is in lists and maps, and sizes. */
export const OPERATORS: readonly Declaration[] = [
  ["conditional", "_?_:_(bool, A, A): A", evaluated],
  ["logical_and", "_&&_(bool, bool): bool", evaluated],
  ["logical_or", "_||_(bool, bool): bool", evaluated],
  ["logical_not", "!_(bool): bool", (value: boolean) => !value],
  ["not_strictly_false", "@not_strictly_false(bool): bool", evaluated],
  ["equals", "_==_(A, A): bool", (a: Value, b: Value, meter: Meter) => equal(a, b, meter)],
  ["not_equals", "_!=_(A, A): bool", (a: Value, b: Value, meter: Meter) => !equal(a, b, meter)],
  ["index_list", "_[_](list(A), int): A", evaluated],
  ["index_map", "_[_](map(A, B), A): B", evaluated],
  ["optional_list_index_int", "_[_](optional(list(A)), int): optional(A)", evaluated],
  ["optional_map_index_value", "_[_](optional(map(A, B)), A): optional(B)", evaluated],
  ["list_optindex_optional_int", "_[?_](list(A), int): optional(A)", evaluated],
  [
    "optional_list_optindex_optional_int",
    "_[?_](optional(list(A)), int): optional(A)",
    evaluated,
  ],
  ["map_optindex_optional_value", "_[?_](map(A, B), A): optional(B)", evaluated],
  [
    "optional_map_optindex_optional_value",
    "_[?_](optional(map(A, B)), A): optional(B)",
    evaluated,
  ],
  [
    "in_list",
    "@in(A, list(A)): bool",
    (value: Value, list: ListValue, meter: Meter) => indexIn(list, value, meter) >= 0,
  ],
  [
    "in_map",
    "@in(A, map(A, B)): bool",
    (key: Value, map: MapValue) => map.get(key) !== undefined,
  ],
  ["size_bytes", "size(bytes): int", (value: Uint8Array) => BigInt(value.length)],
  ["bytes_size", "bytes.size(): int", (value: Uint8Array) => BigInt(value.length)],
  ["size_list", "size(list(A)): int", (value: ListValue) => BigInt(value.size)],
  ["list_size", "list(A).size(): int", (value: ListValue) => BigInt(value.size)],
  ["size_map", "size(map(A, B)): int", (value: MapValue) => BigInt(value.size)],
  ["map_size", "map(A, B).size(): int", (value: MapValue) => BigInt(value.size)],
  ["size_string", "size(string): int", characters],
  ["string_size", "string.size(): int", characters],
];

function characters(value: string, meter: Meter): bigint {
  return BigInt(meter.charactersOf(value));
}

/** Joins of lists that lie in each other; more are copied flat. */
const JOINS_MAX = 32;

/** Two lists, one after the other. Of the list types set and map, what is there already is not added, or replaced. */
export function joined(left: ListValue, right: ListValue, meter: Meter): ListValue {
  if (left.semantics.type === "set") return union(left, right, meter);
  if (left.semantics.type === "map") {
    return mergedByKey(left, right, left.semantics.keys, meter);
  }
  if (right.size === 0) return left;
  if (left.size === 0 && right.semantics.type === "atomic") return right;
  const whole = new JoinedList(left, right);
  if (whole.depth <= JOINS_MAX) return whole;
  meter.work(whole.size);
  return new ArrayList(itemsOf(whole));
}

export function itemsOf(list: ListValue): Value[] {
  return Array.from({ length: list.size }, (_, index) => list.at(index));
}

class SemanticList extends ArrayList {
  override readonly semantics: ListValue["semantics"];

  constructor(items: Value[], semantics: ListValue["semantics"]) {
    super(items);
    this.semantics = semantics;
  }
}

function union(left: ListValue, right: ListValue, meter: Meter): ListValue {
  meter.work(left.size);
  const added = itemsOf(right).filter((item) => indexIn(left, item, meter) < 0);
  return new SemanticList([...itemsOf(left), ...added], left.semantics);
}

function mergedByKey(
  left: ListValue,
  right: ListValue,
  keys: readonly string[],
  meter: Meter,
): ListValue {
  meter.work(left.size + right.size);
  const identity = (item: Value) =>
    item instanceof MapValue ? keys.map((key) => keyText(item.get(key))).join("\n") : "";
  const byKey = new Map(itemsOf(left).map((item) => [identity(item), item]));
  for (const item of itemsOf(right)) byKey.set(identity(item), item);
  return new SemanticList([...byKey.values()], left.semantics);
}

function keyText(value: Value | undefined): string {
  return value === undefined ? "" : JSON.stringify(String(value));
}

/**
 * What lies under a key or at an index; `undefined` if nothing does. A {@linkcode Failure} when a list is asked for what
 * is no index.
 */
export function found(operand: Value, key: Value): Value | undefined {
  if (operand instanceof MapValue) return operand.get(key);
  if (!(operand instanceof ListValue)) return undefined;
  const index = indexOf(key);
  if (index === undefined) {
    return new Failure(`unsupported index ${isNumber(key) ? "value" : "type"} in list`);
  }
  return index >= 0 && index < operand.size ? operand.at(index) : undefined;
}

function indexOf(key: Value): number | undefined {
  if (typeof key === "bigint") return Number(key);
  if (key instanceof Uint) return Number(key.value);
  return typeof key === "number" && Number.isInteger(key) ? key : undefined;
}

/** The error of asking for what is not there. */
export function missing(operand: Value, key: Value): Failure {
  const kind = operand instanceof ListValue ? "index out of bounds" : "no such key";
  return new Failure(`${kind}: ${key instanceof Uint ? key.value : String(key)}`);
}

/** The value in an optional, or the value itself. */
export function unwrapped(value: Value): Value | undefined {
  return value instanceof OptionalValue ? value.value : value;
}
