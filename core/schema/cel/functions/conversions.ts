import {
  Duration,
  Failure,
  type Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
  type Value,
} from "../values/values.ts";
import type { Meter } from "../values/meter.ts";
import { doubleText } from "./formatting.ts";
import { duration, int, timestamp, uint } from "./math.ts";
import type { Declaration } from "./overloads.ts";
import { durationFrom, secondsText, timestampFrom, timestampText } from "./times.ts";

const same = (value: Value) => value;
const SECOND = 1_000_000_000n;

function noConversion(from: string, to: string): Failure {
  return new Failure(`type conversion error from '${from}' to '${to}'`);
}

/** From one type to another. https://github.com/google/cel-spec/blob/master/doc/langdef.md#type-conversions */
export const CONVERSIONS: readonly Declaration[] = [
  ["type", "type(A): type", (value: Value) => new TypeValue(typeNameOf(value))],
  ["to_dyn", "dyn(A): dyn", same],
  ["bool_to_bool", "bool(bool): bool", same],
  ["string_to_bool", "bool(string): bool", boolFrom],
  ["bytes_to_bytes", "bytes(bytes): bytes", same],
  ["string_to_bytes", "bytes(string): bytes", (text: string) => new TextEncoder().encode(text)],
  ["double_to_double", "double(double): double", same],
  ["int64_to_double", "double(int): double", (value: bigint) => Number(value)],
  ["uint64_to_double", "double(uint): double", ({ value }: Uint) => Number(value)],
  ["string_to_double", "double(string): double", doubleFrom],
  ["duration_to_duration", "duration(duration): duration", same],
  ["int64_to_duration", "duration(int): duration", (value: bigint) => duration(value)],
  [
    "string_to_duration",
    "duration(string): duration",
    (text: string) => durationFrom(text) ?? noConversion("string", "google.protobuf.Duration"),
  ],
  ["int64_to_int64", "int(int): int", same],
  ["uint64_to_int64", "int(uint): int", ({ value }: Uint) => int(value)],
  ["double_to_int64", "int(double): int", (value: number) => whole(value, -(2 ** 63), int)],
  ["duration_to_int64", "int(duration): int", ({ nanos }: Duration) => nanos],
  ["timestamp_to_int64", "int(timestamp): int", ({ nanos }: Timestamp) => floored(nanos)],
  ["string_to_int64", "int(string): int", (text: string) => integerFrom(text, "int")],
  ["uint64_to_uint64", "uint(uint): uint", same],
  ["int64_to_uint64", "uint(int): uint", (value: bigint) => uint(value)],
  ["double_to_uint64", "uint(double): uint", (value: number) => whole(value, 0, uint)],
  ["string_to_uint64", "uint(string): uint", (text: string) => integerFrom(text, "uint")],
  ["string_to_string", "string(string): string", same],
  ["bool_to_string", "string(bool): string", (value: boolean) => String(value)],
  ["int64_to_string", "string(int): string", (value: bigint) => String(value)],
  ["uint64_to_string", "string(uint): string", ({ value }: Uint) => String(value)],
  ["double_to_string", "string(double): string", (value: number) => doubleText(value)],
  ["bytes_to_string", "string(bytes): string", textFrom],
  ["timestamp_to_string", "string(timestamp): string", timestampText],
  ["duration_to_string", "string(duration): string", secondsText],
  ["timestamp_to_timestamp", "timestamp(timestamp): timestamp", same],
  ["int64_to_timestamp", "timestamp(int): timestamp", (value: bigint) => timestamp(value * SECOND)],
  [
    "string_to_timestamp",
    "timestamp(string): timestamp",
    (text: string) => timestampFrom(text) ?? noConversion("string", "google.protobuf.Timestamp"),
  ],
];

/** Names of the functions that convert: those of constants are run when the expression is compiled. */
export const CONVERTING: ReadonlySet<string> = new Set(
  "bool bytes double dyn duration int string timestamp type uint".split(" "),
);

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function boolFrom(text: string): boolean | Failure {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : noConversion("string", "bool");
}

/** A number that is read has no more characters than this. */
const DIGITS_MAX = 400;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, number> = new Map([["inf", Infinity], ["infinity", Infinity], [
  "nan",
  NaN,
]]);

function doubleFrom(text: string): number | Failure {
  if (text.length <= DIGITS_MAX && NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : noConversion("string", "double");
  }
  const word = text.length > 10 ? undefined : WORDS.get(text.replace(/^[+-]/, "").toLowerCase());
  if (word === undefined) return noConversion("string", "double");
  return text.startsWith("-") ? -word : word;
}

function integerFrom(text: string, to: "int" | "uint"): Value {
  const isNumber = to === "int" ? /^[+-]?\d+$/ : /^\d+$/;
  if (text.length > DIGITS_MAX || !isNumber.test(text)) return noConversion("string", to);
  const value = BigInt(text.replace(/^\+/, ""));
  const result = to === "int" ? int(value) : uint(value);
  return result instanceof Failure ? noConversion("string", to) : result;
}

/** A double without its fraction; what is on the edge of the range or beyond it is refused, as in cel-go. */
function whole(value: number, min: number, make: (value: bigint) => Value): Value {
  const overflow = make(2n ** 64n); // beyond both types
  if (!Number.isFinite(value) || value < min || (min < 0 && value <= min)) return overflow;
  return make(BigInt(Math.trunc(value)));
}

function floored(nanos: bigint): bigint {
  const seconds = nanos / SECOND;
  return nanos < 0n && nanos % SECOND !== 0n ? seconds - 1n : seconds;
}

function textFrom(bytes: Uint8Array, _meter: Meter): Value {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new Failure("invalid UTF-8 in bytes, cannot convert to string"); // the one reason to throw
  }
}
