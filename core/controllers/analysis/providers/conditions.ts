import { Expression, ExpressionError } from "../../../lib/expressions/expression.ts";
import { goNumber, integerText, truncated } from "../../../lib/expressions/values/go_numbers.ts";
import {
  ANY,
  HostFunction,
  typeOf,
  type Value,
  valueText,
} from "../../../lib/expressions/values/values.ts";

export interface Conditions {
  successCondition?: string | undefined;
  failureCondition?: string | undefined;
}

export interface Assessment {
  phase: "Successful" | "Failed" | "Inconclusive" | "Error";
  /** Why a condition could not be evaluated. */
  message?: string;
}

/**
 * What the conditions of a metric say of a result: none, and it is successful; one alone decides both ways; of two the
 * failure wins, and neither leaves it inconclusive. https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
 */
export function assess(
  result: Value,
  { successCondition = "", failureCondition = "" }: Conditions,
  nowMs: () => number,
): Assessment {
  try {
    const succeeds = successCondition && holds(successCondition, result, nowMs);
    const fails = failureCondition && holds(failureCondition, result, nowMs);
    if (fails === true) return { phase: "Failed" };
    if (failureCondition === "" && succeeds === false) return { phase: "Failed" };
    if (successCondition === "" || succeeds === true) return { phase: "Successful" };
    return { phase: "Inconclusive" };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { phase: "Error", message: error.message };
  }
}

/** Whether a condition holds for a result. Throws an {@linkcode ExpressionError} when it cannot be said. */
export function holds(condition: string, result: Value, nowMs: () => number): boolean {
  const { value, type } = compiled(condition).evaluate({
    values: new Map<string, Value>([["result", result], ...functionsFor(result)]),
    nowMs,
  });
  if (typeof value === "boolean") return value;
  throw new ExpressionError(`expected bool, but got ${type}`);
}

/** Conditions that are kept compiled. */
const CACHE_MAX = 200;
const cache = new Map<string, Expression>();

function compiled(condition: string): Expression {
  const known = cache.get(condition);
  if (known) return known;
  const expression = new Expression(condition);
  if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value!);
  cache.set(condition, expression);
  return expression;
}

/** `default` and `isNil` look at the result, whatever they are given. */
function functionsFor(result: Value): readonly (readonly [string, HostFunction])[] {
  return [
    ...NUMERIC,
    ["isNil", new HostFunction([ANY], "bool", () => result === null)],
    ["default", new HostFunction([ANY, ANY], ANY, (_, other) => result ?? other!)],
  ];
}

const NUMERIC: readonly (readonly [string, HostFunction])[] = [
  ["asInt", new HostFunction([ANY], "int64", asInt)],
  ["asFloat", new HostFunction([ANY], "float64", asFloat)],
  ["isNaN", new HostFunction(["float64"], "bool", (value) => Number.isNaN(value))],
  [
    "isInf",
    new HostFunction(["float64"], "bool", (value) => Math.abs(value as number) === Infinity),
  ],
];

function asInt(value: Value): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return truncated(value);
  if (typeof value === "string") return integerText(value, 10);
  throw unsupported("asInt", value);
}

function asFloat(value: Value): number {
  if (typeof value === "bigint" || typeof value === "number") return Number(value);
  if (typeof value === "string") return goNumber(value);
  throw unsupported("asFloat", value);
}

function unsupported(name: string, value: Value): ExpressionError {
  return new ExpressionError(`${name}() not supported on ${typeOf(value)} ${valueText(value)}`);
}
