import type { Budget } from "./budget.ts";
import { ExpressionError } from "./expression_error.ts";
import { truncated, wrapped } from "./go_numbers.ts";
import { byBytes, Duration, Instant, isDictionary, isList, typeOf, type Value } from "./values.ts";

/** Operators on values, with the conversions and errors of antonmedv/expr. */

export function equal(one: Value, other: Value, budget: Budget): boolean {
  budget.step();
  if (isNumeric(one) && isNumeric(other)) return compareNumbers(one, other) === 0;
  if (typeof one === "string" && typeof other === "string") {
    budget.read(one);
    return one === other;
  }
  if (one instanceof Instant && other instanceof Instant) return one.ns === other.ns;
  if (one instanceof Duration && other instanceof Duration) return one.ns === other.ns;
  return deepEqual(one, other, budget);
}

/** As Go's `reflect.DeepEqual`: what is of different types is never equal. */
function deepEqual(one: Value, other: Value, budget: Budget): boolean {
  budget.step();
  if (typeOf(one) !== typeOf(other)) return false;
  if (isList(one) && isList(other)) {
    if (one.length !== other.length) return false;
    for (let i = 0; i < one.length; i++) if (!deepEqual(one[i]!, other[i]!, budget)) return false;
    return true;
  }
  if (!isDictionary(one) || !isDictionary(other)) return one === other;
  const keys = Object.keys(one);
  budget.step(keys.length);
  return keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && deepEqual(one[key]!, other[key]!, budget));
}

export type Comparison = "<" | ">" | "<=" | ">=";

export function compare(operator: Comparison, one: Value, other: Value, budget: Budget): boolean {
  const order = orderOf(one, other, budget);
  if (order === undefined) throw undefinedFor(operator, one, other);
  if (operator === "<") return order < 0;
  if (operator === ">") return order > 0;
  return operator === "<=" ? order <= 0 : order >= 0;
}

/** NaN when one of them is it, and then no comparison holds. */
function orderOf(one: Value, other: Value, budget: Budget): number | undefined {
  if (isNumeric(one) && isNumeric(other)) return compareNumbers(one, other);
  if (typeof one === "string" && typeof other === "string") {
    budget.read(one);
    return byBytes(one, other);
  }
  if (one instanceof Instant && other instanceof Instant) return compareNumbers(one.ns, other.ns);
  if (one instanceof Duration && other instanceof Duration) {
    return compareNumbers(one.ns, other.ns);
  }
  return undefined;
}

function isNumeric(value: Value): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

/** Integers among themselves exactly, with a float as floats. */
function compareNumbers(one: bigint | number, other: bigint | number): number {
  if (typeof one === "bigint" && typeof other === "bigint") {
    return one < other ? -1 : one > other ? 1 : 0;
  }
  const [left, right] = [Number(one), Number(other)];
  return left === right ? 0 : left - right;
}

export type Arithmetic = "+" | "-" | "*" | "/" | "%" | "**" | "^";

export function compute(operator: Arithmetic, one: Value, other: Value, budget: Budget): Value {
  if (operator === "**" || operator === "^") return power(toFloat(one), toFloat(other));
  if (typeof one === "bigint" && typeof other === "bigint") return integers(operator, one, other);
  if (isNumeric(one) && isNumeric(other) && operator !== "%") {
    return floats(operator, Number(one), Number(other));
  }
  if (operator === "+" && typeof one === "string" && typeof other === "string") {
    budget.grow(one.length + other.length);
    return one + other;
  }
  const moved = times(operator, one, other);
  if (moved === undefined) throw undefinedFor(operator, one, other);
  return moved;
}

function integers(operator: Arithmetic, one: bigint, other: bigint): Value {
  if (operator === "+") return wrapped(one + other);
  if (operator === "-") return wrapped(one - other);
  if (operator === "*") return wrapped(one * other);
  if (operator === "/") return Number(one) / Number(other);
  if (other === 0n) throw new ExpressionError("runtime error: integer divide by zero");
  return wrapped(one % other);
}

function floats(operator: "+" | "-" | "*" | "/", one: number, other: number): number {
  if (operator === "+") return one + other;
  if (operator === "-") return one - other;
  return operator === "*" ? one * other : one / other;
}

/** As Go's `math.Pow`, for which 1 to whatever power is 1. */
function power(base: number, exponent: number): number {
  if (base === 1 || base === -1 && Math.abs(exponent) === Infinity) return 1;
  return base ** exponent;
}

function times(operator: Arithmetic, one: Value, other: Value): Value | undefined {
  if (operator === "*") return multiplied(one, other) ?? multiplied(other, one);
  if (operator !== "+" && operator !== "-") return undefined;
  const sign = operator === "+" ? 1n : -1n;
  if (one instanceof Duration && other instanceof Duration) {
    return new Duration(wrapped(one.ns + sign * other.ns));
  }
  if (one instanceof Instant && other instanceof Duration) {
    return new Instant(one.ns + sign * other.ns);
  }
  if (one instanceof Duration && other instanceof Instant && operator === "+") {
    return new Instant(one.ns + other.ns);
  }
  if (one instanceof Instant && other instanceof Instant && operator === "-") {
    return new Duration(one.ns - other.ns);
  }
  return undefined;
}

function multiplied(one: Value, other: Value): Value | undefined {
  if (!(one instanceof Duration)) return undefined;
  if (other instanceof Duration) return new Duration(wrapped(one.ns * other.ns));
  if (typeof other === "bigint") return new Duration(wrapped(one.ns * other));
  return typeof other === "number" ? Number(one.ns) * other : undefined;
}

export function negated(value: Value): Value {
  if (typeof value === "number") return -value;
  if (typeof value === "bigint") return wrapped(-value);
  throw new ExpressionError(`invalid operation: - ${typeOf(value)}`);
}

/** As `runtime.ToInt`. */
export function toInteger(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return truncated(value);
  throw new ExpressionError(`invalid operation: int(${typeOf(value)})`);
}

function toFloat(value: Value): number {
  if (isNumeric(value)) return Number(value);
  throw new ExpressionError(`invalid operation: float(${typeOf(value)})`);
}

function undefinedFor(operator: string, one: Value, other: Value): ExpressionError {
  return new ExpressionError(`invalid operation: ${typeOf(one)} ${operator} ${typeOf(other)}`);
}

/** The value as a boolean, a text, a float; refuses others in the words of a Go assertion. */
export function asserted(value: Value, type: "bool"): boolean;
export function asserted(value: Value, type: "string"): string;
export function asserted(value: Value, type: "float64"): number;
export function asserted(value: Value, type: string): Value {
  const is = typeOf(value);
  if (is === type) return value;
  throw new ExpressionError(
    `interface conversion: interface {} is ${is === "<nil>" ? "nil" : is}, not ${type}`,
  );
}
