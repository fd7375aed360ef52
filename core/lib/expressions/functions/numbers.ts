import { compare } from "../values/arithmetic.ts";
import { ExpressionError } from "../values/expression_error.ts";
import { goNumber, integerText, truncated, wrapped } from "../values/go_numbers.ts";
import { isNumber } from "../values/value_types.ts";
import { ANY, type Type, typeOf, type Value } from "../values/values.ts";
import { type BuiltIn, checked } from "./built_in.ts";

export const NUMBERS: readonly (readonly [string, BuiltIn])[] = [
  checked("abs", [1], numeric("abs"), ([value]) => absolute(value!)),
  checked("ceil", [1], numeric("ceil", "float64"), ([value]) => rounded("ceil", value!, Math.ceil)),
  checked(
    "floor",
    [1],
    numeric("floor", "float64"),
    ([value]) => rounded("floor", value!, Math.floor),
  ),
  checked(
    "round",
    [1],
    numeric("floor", "float64"), // its word for it
    ([value]) => rounded("round", value!, awayFromZero),
  ),
  checked("int", [1], numericOrText("int", "int"), ([value]) => toInt(value!)),
  checked("float", [1], numericOrText("float", "float64"), ([value]) => toFloat(value!)),
  ["max", extreme("max", "<")],
  ["min", extreme("min", ">")],
];

function numeric(name: string, result?: Type): (types: readonly Type[]) => Type {
  return ([type]) => {
    if (isNumber(type!) || type === ANY) return result ?? type!;
    throw unfit(name, type!);
  };
}

function numericOrText(name: string, result: Type): (types: readonly Type[]) => Type {
  return ([type]) => {
    if (isNumber(type!) || type === ANY || type === "string") return result;
    throw unfit(name, type!);
  };
}

function unfit(name: string, type: Type): ExpressionError {
  return new ExpressionError(`invalid argument for ${name} (type ${type})`);
}

function absolute(value: Value): Value {
  if (typeof value === "number") return value < 0 ? -value : value;
  if (typeof value === "bigint") return value < 0n ? wrapped(-value) : value;
  throw unfit("abs", typeOf(value));
}

function rounded(name: string, value: Value, round: (value: number) => number): number {
  if (typeof value === "number") return round(value);
  if (typeof value === "bigint") return Number(value);
  throw unfit(name, typeOf(value));
}

/** Halves go away from zero, in Go. */
function awayFromZero(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

function toInt(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return truncated(value);
  return parsed("int", value, (text) => integerText(text, 10));
}

function toFloat(value: Value): number {
  if (typeof value === "bigint" || typeof value === "number") return Number(value);
  return parsed("float", value, goNumber);
}

function parsed<T>(name: string, value: Value, parse: (text: string) => T): T {
  if (typeof value !== "string") {
    throw new ExpressionError(`invalid operation: ${name}(${typeOf(value)})`);
  }
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(`invalid operation: ${name}(${value})`);
  }
}

function extreme(name: string, operator: "<" | ">"): BuiltIn {
  return {
    check(types) {
      if (types.length === 0) throw new ExpressionError(`not enough arguments to call ${name}`);
      for (const type of types) {
        if (type === ANY) return ANY;
        if (!isNumber(type)) throw unfit(name, type);
      }
      return types[0]!;
    },
    call: (values, budget) =>
      values.reduce<Value>(
        (best, value = null) =>
          best === null || compare(operator, best, value, budget) ? value : best,
        null,
      ),
  };
}
