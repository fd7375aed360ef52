import type { Meter } from "../values/meter.ts";
import { Duration, Failure, type ListValue, Timestamp, Uint } from "../values/values.ts";
import { joined } from "./operators.ts";
import type { Declaration } from "./overloads.ts";

const INT_MIN = -(2n ** 63n);
const INT_END = 2n ** 63n;
const UINT_END = 2n ** 64n;
const SECOND = 1_000_000_000n;
/** The first and the last moment of RFC 3339, years 1 and 9999. */
const TIME_MIN = -62135596800n * SECOND;
const TIME_END = 253402300800n * SECOND;

export function int(value: bigint): bigint | Failure {
  return value < INT_MIN || value >= INT_END ? new Failure("integer overflow") : value;
}

export function uint(value: bigint): Uint | Failure {
  return value < 0n || value >= UINT_END
    ? new Failure("unsigned integer overflow")
    : new Uint(value);
}

export function duration(nanos: bigint): Duration | Failure {
  return nanos < INT_MIN || nanos >= INT_END
    ? new Failure("duration overflow")
    : new Duration(nanos);
}

export function timestamp(nanos: bigint): Timestamp | Failure {
  return nanos < TIME_MIN || nanos >= TIME_END
    ? new Failure("timestamp overflow")
    : new Timestamp(nanos);
}

const divided = (a: bigint, b: bigint) => b === 0n ? new Failure("division by zero") : int(a / b);
const remainder = (a: bigint, b: bigint) => b === 0n ? new Failure("modulus by zero") : int(a % b);

/** Sums, differences, products. */
export const MATH: readonly Declaration[] = [
  ["add_int64", "_+_(int, int): int", (a: bigint, b: bigint) => int(a + b)],
  ["add_uint64", "_+_(uint, uint): uint", (a: Uint, b: Uint) => uint(a.value + b.value)],
  ["add_double", "_+_(double, double): double", (a: number, b: number) => a + b],
  ["add_string", "_+_(string, string): string", (a: string, b: string, meter: Meter) => {
    meter.string(a.length + b.length);
    return a + b;
  }],
  ["add_bytes", "_+_(bytes, bytes): bytes", (a: Uint8Array, b: Uint8Array, meter: Meter) => {
    meter.string(a.length + b.length);
    return Uint8Array.from([...a, ...b]);
  }],
  [
    "add_list",
    "_+_(list(A), list(A)): list(A)",
    (a: ListValue, b: ListValue, meter: Meter) => joined(a, b, meter),
  ],
  [
    "add_duration_duration",
    "_+_(duration, duration): duration",
    (a: Duration, b: Duration) => duration(a.nanos + b.nanos),
  ],
  [
    "add_duration_timestamp",
    "_+_(duration, timestamp): timestamp",
    (a: Duration, b: Timestamp) => timestamp(a.nanos + b.nanos),
  ],
  [
    "add_timestamp_duration",
    "_+_(timestamp, duration): timestamp",
    (a: Timestamp, b: Duration) => timestamp(a.nanos + b.nanos),
  ],
  ["subtract_int64", "_-_(int, int): int", (a: bigint, b: bigint) => int(a - b)],
  ["subtract_uint64", "_-_(uint, uint): uint", (a: Uint, b: Uint) => uint(a.value - b.value)],
  ["subtract_double", "_-_(double, double): double", (a: number, b: number) => a - b],
  [
    "subtract_duration_duration",
    "_-_(duration, duration): duration",
    (a: Duration, b: Duration) => duration(a.nanos - b.nanos),
  ],
  [
    "subtract_timestamp_duration",
    "_-_(timestamp, duration): timestamp",
    (a: Timestamp, b: Duration) => timestamp(a.nanos - b.nanos),
  ],
  [
    "subtract_timestamp_timestamp",
    "_-_(timestamp, timestamp): duration",
    (a: Timestamp, b: Timestamp) => duration(a.nanos - b.nanos),
  ],
  ["multiply_int64", "_*_(int, int): int", (a: bigint, b: bigint) => int(a * b)],
  ["multiply_uint64", "_*_(uint, uint): uint", (a: Uint, b: Uint) => uint(a.value * b.value)],
  ["multiply_double", "_*_(double, double): double", (a: number, b: number) => a * b],
  ["divide_int64", "_/_(int, int): int", divided],
  [
    "divide_uint64",
    "_/_(uint, uint): uint",
    (a: Uint, b: Uint) =>
      b.value === 0n ? new Failure("division by zero") : uint(a.value / b.value),
  ],
  ["divide_double", "_/_(double, double): double", (a: number, b: number) => a / b],
  ["modulo_int64", "_%_(int, int): int", remainder],
  [
    "modulo_uint64",
    "_%_(uint, uint): uint",
    (a: Uint, b: Uint) => b.value === 0n ? new Failure("modulus by zero") : uint(a.value % b.value),
  ],
  ["negate_int64", "-_(int): int", (a: bigint) => int(-a)],
  ["negate_double", "-_(double): double", (a: number) => -a],
];
