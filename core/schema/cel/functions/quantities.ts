import { parseQuantity, QuantityError } from "../../quantities.ts";
import { Failure, OpaqueValue, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

class QuantityValue extends OpaqueValue {
  readonly typeName = "kubernetes.Quantity";
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    super();
    this.nanos = nanos;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && other.nanos === this.nanos;
  }
}

const NANOS = 1_000_000_000n;

/** Amounts such as `1.5Gi`. */
export const QUANTITIES: readonly Declaration[] = [
  ["string_to_quantity", "quantity(string): Quantity", quantityFrom],
  [
    "is_quantity_string",
    "isQuantity(string): bool",
    (text: string) => !(quantityFrom(text) instanceof Failure),
  ],
  ["quantity_sign", "Quantity.sign(): int", ({ nanos }: QuantityValue) => sign(nanos)],
  [
    "quantity_is_greater_than",
    "Quantity.isGreaterThan(Quantity): bool",
    (a: QuantityValue, b: QuantityValue) => a.nanos > b.nanos,
  ],
  [
    "quantity_is_less_than",
    "Quantity.isLessThan(Quantity): bool",
    (a: QuantityValue, b: QuantityValue) => a.nanos < b.nanos,
  ],
  [
    "quantity_compare_to",
    "Quantity.compareTo(Quantity): int",
    (a: QuantityValue, b: QuantityValue) => sign(a.nanos - b.nanos),
  ],
  [
    "quantity_get_float",
    "Quantity.asApproximateFloat(): double",
    ({ nanos }: QuantityValue) => Number(nanos) / Number(NANOS),
  ],
  [
    "quantity_get_int",
    "Quantity.asInteger(): int",
    (quantity: QuantityValue) =>
      isInteger(quantity) ? quantity.nanos / NANOS : new Failure("cannot convert value to integer"),
  ],
  ["quantity_is_integer", "Quantity.isInteger(): bool", isInteger],
  [
    "quantity_add",
    "Quantity.add(Quantity): Quantity",
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.nanos + b.nanos),
  ],
  [
    "quantity_add_int",
    "Quantity.add(int): Quantity",
    (a: QuantityValue, b: bigint) => new QuantityValue(a.nanos + b * NANOS),
  ],
  [
    "quantity_sub",
    "Quantity.sub(Quantity): Quantity",
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(a.nanos - b.nanos),
  ],
  [
    "quantity_sub_int",
    "Quantity.sub(int): Quantity",
    (a: QuantityValue, b: bigint) => new QuantityValue(a.nanos - b * NANOS),
  ],
];

function quantityFrom(text: string): Value {
  try {
    return new QuantityValue(parseQuantity(text).nanos);
  } catch (error) {
    if (error instanceof QuantityError) return new Failure(error.message);
    throw error;
  }
}

function sign(value: bigint): bigint {
  return value < 0n ? -1n : value > 0n ? 1n : 0n;
}

function isInteger({ nanos }: QuantityValue): boolean {
  const value = nanos / NANOS;
  return nanos % NANOS === 0n && value < 2n ** 63n && value >= -(2n ** 63n);
}
