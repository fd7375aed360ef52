import type { Meter } from "./meter.ts";
import {
  Duration,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

/**
 * Whether two values are equal: numbers across their types, values of different types never. Lists of the list types
 * `set` and `map` are equal whatever their order.
 */
export function equal(a: Value, b: Value, meter: Meter): boolean {
  if (isNumber(a) && isNumber(b)) return numericOrder(a, b) === 0;
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof ListValue) return b instanceof ListValue && listsEqual(a, b, meter);
  if (a instanceof MapValue) return b instanceof MapValue && mapsEqual(a, b, meter);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && bytesOrder(a, b) === 0;
  if (a instanceof OptionalValue) return b instanceof OptionalValue && optionalsEqual(a, b, meter);
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OpaqueValue) {
    return b instanceof OpaqueValue && a.typeName === b.typeName && a.equals(b);
  }
  return false;
}

function listsEqual(a: ListValue, b: ListValue, meter: Meter): boolean {
  if (a.size !== b.size) return false;
  if (a.semantics.type !== "atomic") return unorderedEqual(a, b, meter);
  for (let index = 0; index < a.size; index++) {
    meter.work(1);
    if (!equal(a.at(index), b.at(index), meter)) return false;
  }
  return true;
}

function unorderedEqual(a: ListValue, b: ListValue, meter: Meter): boolean {
  for (let index = 0; index < a.size; index++) {
    if (indexIn(b, a.at(index), meter) < 0) return false;
  }
  return true;
}

/** The first place of a value in a list; -1 if it is not there. */
export function indexIn(list: ListValue, value: Value, meter: Meter): number {
  for (let index = 0; index < list.size; index++) {
    meter.work(1);
    if (equal(list.at(index), value, meter)) return index;
  }
  return -1;
}

function mapsEqual(a: MapValue, b: MapValue, meter: Meter): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    meter.work(1);
    const other = b.get(key);
    if (other === undefined || !equal(a.get(key)!, other, meter)) return false;
  }
  return true;
}

function optionalsEqual(a: OptionalValue, b: OptionalValue, meter: Meter): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equal(a.value, b.value, meter);
}

export type NumberValue = bigint | number | Uint;

export function isNumber(value: Value): value is NumberValue {
  return typeof value === "bigint" || typeof value === "number" || value instanceof Uint;
}

/** Negative, zero or positive; NaN if they cannot be compared. */
export function numericOrder(a: NumberValue, b: NumberValue): number {
  const [left, right] = [a instanceof Uint ? a.value : a, b instanceof Uint ? b.value : b];
  return left < right ? -1 : left > right ? 1 : left == right ? 0 : NaN; // == compares int with double
}

/** The order of two values of a type that has one; `undefined` otherwise. */
export function orderOf(a: Value, b: Value): number | undefined {
  if (isNumber(a)) return isNumber(b) ? numericOrder(a, b) : undefined;
  if (typeof a === "string") return typeof b === "string" ? textOrder(a, b) : undefined;
  if (typeof a === "boolean") return typeof b === "boolean" ? Number(a) - Number(b) : undefined;
  if (a instanceof Duration && b instanceof Duration) return numericOrder(a.nanos, b.nanos);
  if (a instanceof Timestamp && b instanceof Timestamp) return numericOrder(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return bytesOrder(a, b);
  return undefined;
}

/** As Go orders strings, by their bytes in UTF-8: by code points. */
export function textOrder(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
  if (Number.isNaN(left) || Number.isNaN(right)) return a.length - b.length;
  const [leftPair, rightPair] = [isSurrogate(left), isSurrogate(right)];
  return leftPair === rightPair ? left - right : leftPair ? 1 : -1;
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

function bytesOrder(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}
