import { floatText } from "./go_numbers.ts";

/**
 * A value: `null` is nil, a bigint an integer of 64 bits, a number a float. Dictionaries are plain objects of which only
 * their own fields are seen, so JSON that was parsed is a value as it is.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | List
  | Dictionary
  | Instant
  | Duration
  | HostFunction;

export type List = readonly Value[] | Float64Array | BigInt64Array;

export type Dictionary = { readonly [key: string]: Value };

/** A moment. */
export class Instant {
  constructor(readonly ns: bigint) {}
}

export class Duration {
  constructor(readonly ns: bigint) {}
}

/** Texts alone, as `split` gives them. */
export class Strings extends Array<string> {}

/** A function that the environment has. */
export class HostFunction {
  constructor(
    readonly parameters: readonly Type[],
    readonly result: Type,
    readonly call: (...given: Value[]) => Value,
  ) {}
}

/** A type by Go's name: `float64`, `[]interface {}`, `<nil>`. */
export type Type = string;

export const ANY = "interface {}";
export const LIST = "[]interface {}";
export const DICTIONARY = "map[string]interface {}";
export const NIL = "<nil>";

export function isList(value: Value): value is List {
  return Array.isArray(value) || value instanceof Float64Array || value instanceof BigInt64Array;
}

export function isDictionary(value: Value): value is Dictionary {
  return typeof value === "object" && value !== null && !isList(value) &&
    !(value instanceof Instant || value instanceof Duration || value instanceof HostFunction);
}

/** The type of a value, as Go's `%T` prints it. */
export function typeOf(value: Value): Type {
  if (value === null || value === undefined) return NIL;
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float64";
  if (typeof value === "string") return "string";
  if (value instanceof Float64Array) return "[]float64";
  if (value instanceof BigInt64Array) return "[]int";
  if (value instanceof Strings) return "[]string";
  if (Array.isArray(value)) return LIST;
  if (value instanceof Instant) return "time.Time";
  if (value instanceof Duration) return "time.Duration";
  if (value instanceof HostFunction) return functionType(value);
  return DICTIONARY;
}

export function functionType({ parameters, result }: HostFunction): Type {
  return `func(${parameters.join(", ")}) ${result}`;
}

/** A value as Go's `%v` prints it. `count`: called for each value that it has. */
export function valueText(value: Value, count: () => void = () => {}): string {
  count();
  if (value === null || value === undefined) return NIL;
  if (typeof value === "number") return floatText(value);
  if (isList(value)) {
    return `[${Array.from<Value, string>(value, (item) => valueText(item, count)).join(" ")}]`;
  }
  if (value instanceof Instant) return new Date(Number(value.ns / 1_000_000n)).toISOString();
  if (value instanceof Duration) return durationText(value);
  if (value instanceof HostFunction) return functionType(value);
  if (typeof value !== "object") return String(value);
  const fields = Object.keys(value).sort(byBytes);
  return `map[${fields.map((field) => `${field}:${valueText(value[field]!, count)}`).join(" ")}]`;
}

/** As Go writes durations: `1h0m0s`, `1.5s`, `20ms`. */
function durationText({ ns }: Duration): string {
  if (ns === 0n) return "0s";
  const [sign, size] = ns < 0n ? ["-", -ns] : ["", ns];
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${Number(size) / 1e3}µs`;
  if (size < 1_000_000_000n) return `${sign}${Number(size) / 1e6}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${Number(size % 60_000_000_000n) / 1e9}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? "" : `${hours}h`}${minutes % 60n}m${seconds}`;
}

/** Orders texts as Go does, by their bytes in UTF-8. */
export function byBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [one.charCodeAt(i), other.charCodeAt(i)];
    if (a !== b) return rankOf(a) - rankOf(b);
  }
  return one.length - other.length;
}

/** Surrogates stand for what comes after all other units. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** How many bytes a text has in UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
