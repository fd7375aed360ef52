import { orderOf } from "../values/equality.ts";
import { Failure, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

const OPERATIONS: readonly (readonly [string, string, (order: number) => boolean])[] = [
  ["less", "_<_", (order) => order < 0],
  ["less_equals", "_<=_", (order) => order <= 0],
  ["greater", "_>_", (order) => order > 0],
  ["greater_equals", "_>=_", (order) => order >= 0],
];

const COMPARED: readonly (readonly [suffix: string, types: string])[] = [
  ["bool", "bool, bool"],
  ["int64", "int, int"],
  ["int64_double", "int, double"],
  ["int64_uint64", "int, uint"],
  ["uint64", "uint, uint"],
  ["uint64_double", "uint, double"],
  ["uint64_int64", "uint, int"],
  ["double", "double, double"],
  ["double_int64", "double, int"],
  ["double_uint64", "double, uint"],
  ["string", "string, string"],
  ["bytes", "bytes, bytes"],
  ["timestamp", "timestamp, timestamp"],
  ["duration", "duration, duration"],
];

/** Which of two values comes first. Numbers compare across their types. */
export const COMPARISONS: readonly Declaration[] = OPERATIONS.flatMap(([id, operator, holds]) =>
  COMPARED.map(([suffix, types]): Declaration => [
    `${id}_${suffix}`,
    `${operator}(${types}): bool`,
    (a: Value, b: Value) => {
      const order = orderOf(a, b);
      if (order === undefined) return new Failure("no such overload");
      return Number.isNaN(order) ? new Failure("NaN values cannot be ordered") : holds(order);
    },
  ])
);
