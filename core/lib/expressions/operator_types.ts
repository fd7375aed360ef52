import { compilePattern, PatternError } from "../patterns/pattern.ts";
import { ExpressionError } from "./values/expression_error.ts";
import type { Node } from "./syntax/nodes.ts";
import {
  combined,
  elementOf,
  isAssignable,
  isComparable,
  isDictionaryType,
  isInteger,
  isListType,
  isNumber,
  orUnknown,
} from "./values/value_types.ts";
import { ANY, NIL, type Type } from "./values/values.ts";

const isBool = (type: Type) => type === "bool";
const isText = (type: Type) => type === "string";
const isTime = (type: Type) => type === "time.Time";
const isDuration = (type: Type) => type === "time.Duration";

/**
 * The type of a binary operation on these types. `items`: the type that all elements of the right side have, when that
 * is a literal list. Throws an {@linkcode ExpressionError} when there is no such operation.
 */
export function binaryType(
  { operator, right: node }: Node & { kind: "binary" },
  left: Type,
  right: Type,
  items: Type | undefined,
): Type {
  if (operator === "in") return membershipType(left, right, items);
  if (operator === "??") return coalescedType(left, right);
  if (operator === "matches" && node.kind === "string") refuseBadPattern(node.value);
  const type = plainType(operator, left, right);
  if (type !== undefined) return type;
  throw mismatched(operator, left, right);
}

function plainType(operator: string, left: Type, right: Type): Type | undefined {
  const both = (fits: (type: Type) => boolean) => fits(left) && fits(right);
  const maybe = (fits: (type: Type) => boolean) => orUnknown(left, right, fits);
  switch (operator) {
    case "==":
    case "!=":
      return isComparable(left, right) ? "bool" : undefined;
    case "or":
    case "||":
    case "and":
    case "&&":
      return both(isBool) || maybe(isBool) ? "bool" : undefined;
    case "<":
    case ">":
    case ">=":
    case "<=":
      return both(isNumber) || both(isText) || both(isTime) ||
          maybe((type) => isNumber(type) || isText(type) || isTime(type))
        ? "bool"
        : undefined;
    case "matches":
    case "contains":
    case "startsWith":
    case "endsWith":
      return both(isText) || maybe(isText) ? "bool" : undefined;
    case "..":
      return both(isInteger) || maybe(isInteger) ? "[]int" : undefined;
    case "/":
    case "**":
    case "^":
      return both(isNumber) || maybe(isNumber) ? "float64" : undefined;
    default:
      return sumType(operator, left, right);
  }
}

function sumType(operator: string, left: Type, right: Type): Type | undefined {
  const both = (fits: (type: Type) => boolean) => fits(left) && fits(right);
  const maybe = (fits: (type: Type) => boolean) => orUnknown(left, right, fits);
  if (operator === "%") {
    return both(isInteger) ? combined(left, right) : maybe(isInteger) ? ANY : undefined;
  }
  if (both(isNumber)) return combined(left, right);
  if (operator === "*") return maybe(isNumber) ? ANY : undefined;
  if (operator === "-") {
    if (both(isTime)) return "time.Duration";
    if (isTime(left) && isDuration(right)) return "time.Time";
    return maybe((type) => isNumber(type) || isTime(type)) ? ANY : undefined;
  }
  if (operator !== "+") throw new ExpressionError(`unknown operator (${operator})`);
  if (both(isText)) return "string";
  if (isTime(left) && isDuration(right) || isDuration(left) && isTime(right)) return "time.Time";
  const fits = (type: Type) => isNumber(type) || isText(type) || isTime(type);
  return maybe(fits) ? ANY : undefined;
}

function membershipType(left: Type, right: Type, items: Type | undefined): Type {
  if (isDictionaryType(right)) {
    if (left === NIL || left === ANY || left === "string") return "bool";
    throw new ExpressionError(`cannot use ${left} as type string in map key`);
  }
  if (isListType(right)) {
    if (left === NIL) return "bool";
    for (const item of [elementOf(right), items ?? NIL]) {
      if (isComparable(left, item)) continue;
      throw new ExpressionError(`cannot use ${left} as type ${item} in array`);
    }
    return "bool";
  }
  if (left === ANY && isText(right) || right === ANY) return "bool";
  throw mismatched("in", left, right);
}

function coalescedType(left: Type, right: Type): Type {
  if (left === NIL) return right;
  if (right === NIL) return left;
  return isAssignable(right, left) ? left : ANY;
}

function refuseBadPattern(text: string): void {
  try {
    compilePattern(text);
  } catch (error) {
    if (error instanceof PatternError) throw new ExpressionError(error.message);
    throw error;
  }
}

function mismatched(operator: string, left: Type, right: Type): ExpressionError {
  return new ExpressionError(
    `invalid operation: ${operator} (mismatched types ${left} and ${right})`,
  );
}
