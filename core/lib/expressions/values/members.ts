import { equal, toInteger } from "./arithmetic.ts";
import type { Budget } from "./budget.ts";
import { ExpressionError } from "./expression_error.ts";
import {
  byteLength,
  type Dictionary,
  Duration,
  HostFunction,
  Instant,
  isDictionary,
  isList,
  type List,
  typeOf,
  type Value,
  valueText,
} from "./values.ts";

/** The element or field `key` of a value; indexes below zero count from the end. Throws an {@linkcode ExpressionError}. */
export function fetch(from: Value, key: Value, budget: Budget): Value {
  if (typeof from === "string") return fetchedByte(from, key, budget);
  if (isList(from)) return fetchedItem(from, key);
  if (isDictionary(from)) return fetchedField(from, key);
  throw new ExpressionError(`cannot fetch ${valueText(key)} from ${typeOf(from)}`);
}

function fetchedItem(from: List, key: Value): Value {
  const index = toInteger(key);
  const at = Number(index < 0n ? index + BigInt(from.length) : index);
  if (at < 0 || at >= from.length) {
    throw new ExpressionError("reflect: slice index out of range");
  }
  return from[at]!;
}

function fetchedByte(from: string, key: Value, budget: Budget): Value {
  budget.read(from);
  const bytes = new TextEncoder().encode(from);
  const index = toInteger(key);
  const at = Number(index < 0n ? index + BigInt(bytes.length) : index);
  if (at < 0 || at >= bytes.length) throw new ExpressionError("reflect: string index out of range");
  return BigInt(bytes[at]!);
}

function fetchedField(from: { readonly [key: string]: Value }, key: Value): Value {
  const field = keyOf(key);
  return Object.hasOwn(from, field) ? from[field]! : null;
}

/** A key of a dictionary: a text; nil stands for the empty one. */
function keyOf(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "";
  throw new ExpressionError(
    `reflect.Value.MapIndex: value of type ${typeOf(key)} is not assignable to type string`,
  );
}

/** Whether `needle` is among the elements of a list, or the keys of a dictionary. Nothing is in nil. */
export function isIn(needle: Value, haystack: Value, budget: Budget): boolean {
  if (haystack === null) return false;
  if (isDictionary(haystack)) return Object.hasOwn(haystack, keyOf(needle));
  if (!isList(haystack)) {
    throw new ExpressionError(`operator "in" not defined on ${typeOf(haystack)}`);
  }
  for (const item of haystack) if (equal(item, needle, budget)) return true;
  return false;
}

/** The same where the list is written as literal texts: another type than theirs is refused. */
export function isAmongTexts(needle: Value, texts: readonly string[]): boolean {
  return texts.includes(keyOf(needle));
}

/** A part of a list or a text; what lies outside is left out. */
export function sliced(
  value: Value,
  [start, end]: readonly [from: Value, to: Value | undefined],
  budget: Budget,
): Value {
  if (typeof value === "string") {
    budget.grow(value.length);
    const bytes = new TextEncoder().encode(value);
    const [low, high] = bounds(bytes.length, start, end);
    return new TextDecoder().decode(bytes.slice(low, high));
  }
  if (!isList(value)) throw new ExpressionError(`cannot slice ${valueText(start)}`);
  const [low, high] = bounds(value.length, start, end);
  budget.list(high - low);
  return value.slice(low, high);
}

function bounds(length: number, from: Value, to: Value | undefined): [number, number] {
  const place = (value: Value) => {
    const at = Number(toInteger(value));
    return Math.max(0, at < 0 ? length + at : at);
  };
  const end = to === undefined ? length : Math.min(length, place(to));
  return [Math.min(place(from), end), end];
}

/** How many elements, fields, or bytes a value has. */
export function lengthOf(value: Value, budget: Budget): number {
  if (isList(value)) return value.length;
  if (typeof value === "string") {
    budget.read(value);
    return byteLength(value);
  }
  if (isDictionary(value)) return fieldsOf(value, budget).length;
  throw new ExpressionError(`invalid argument for len (type ${typeOf(value)})`);
}

/** The names of a dictionary's fields. */
export function fieldsOf(value: Dictionary, budget: Budget): readonly string[] {
  const fields = Object.keys(value);
  budget.step(fields.length / FIELDS_PER_STEP);
  return fields;
}
const FIELDS_PER_STEP = 2;

/** What Go calls the kind of a value. */
export function kindOf(value: Value): string {
  if (value === null) return "invalid";
  if (isList(value)) return "slice";
  if (isDictionary(value)) return "map";
  if (value instanceof Instant) return "struct";
  if (value instanceof Duration) return "int64";
  return value instanceof HostFunction ? "func" : typeOf(value);
}
