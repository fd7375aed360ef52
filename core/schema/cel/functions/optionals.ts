import {
  Duration,
  Failure,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  Uint,
  type Value,
} from "../values/values.ts";
import type { Meter } from "../values/meter.ts";
import { ArrayList } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

/** Values that may be absent. https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes */
export const OPTIONALS: readonly Declaration[] = [
  ["optional_of", "optional.of(V): optional(V)", (value: Value) => new OptionalValue(value)],
  [
    "optional_ofNonZeroValue",
    "optional.ofNonZeroValue(V): optional(V)",
    (value: Value) => isZero(value) ? new OptionalValue() : new OptionalValue(value),
  ],
  ["optional_none", "optional.none(): optional(V)", () => new OptionalValue()],
  [
    "optional_value",
    "optional(V).value(): V",
    ({ value }: OptionalValue) =>
      value === undefined ? new Failure("optional.none() dereference") : value,
  ],
  [
    "optional_hasValue",
    "optional(V).hasValue(): bool",
    ({ value }: OptionalValue) => value !== undefined,
  ],
  [
    "optional_or_optional",
    "optional(V).or(optional(V)): optional(V)",
    (first: OptionalValue, second: OptionalValue) => first.value === undefined ? second : first,
  ],
  [
    "optional_orValue_value",
    "optional(V).orValue(V): V",
    ({ value }: OptionalValue, fallback: Value) => value === undefined ? fallback : value,
  ],
  [
    "list_first",
    "list(V).first(): optional(V)",
    (list: ListValue) => list.size ? new OptionalValue(list.at(0)) : new OptionalValue(),
  ],
  [
    "list_last",
    "list(V).last(): optional(V)",
    (list: ListValue) =>
      list.size ? new OptionalValue(list.at(list.size - 1)) : new OptionalValue(),
  ],
  ["optional_unwrap", "optional.unwrap(list(optional(V))): list(V)", present],
  ["optional_unwrapOpt", "list(optional(V)).unwrapOpt(): list(V)", present],
];

function present(list: ListValue, meter: Meter): Value {
  const items: Value[] = [];
  for (let index = 0; index < list.size; index++) {
    meter.work(1);
    const item = list.at(index);
    if (item instanceof OptionalValue && item.value !== undefined) items.push(item.value);
  }
  return new ArrayList(items);
}

function isZero(value: Value): boolean {
  if (value === null || value === "" || value === false || value === 0 || value === 0n) return true;
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Uint) return value.value === 0n;
  return (value instanceof Duration || value instanceof Timestamp) && value.nanos === 0n;
}
