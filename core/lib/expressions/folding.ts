import { equal } from "./values/arithmetic.ts";
import { Budget } from "./values/budget.ts";
import { ExpressionError } from "./values/expression_error.ts";
import { type Node, nodeOf, withParts } from "./syntax/nodes.ts";

/**
 * An expression as antonmedv/expr evaluates it: what is written as a constant beside `and` and `or` decides without a
 * look at the other side. To be called after the types were checked. Throws an {@linkcode ExpressionError} for a
 * division that is written with zero.
 */
export function folded(node: Node): Node {
  const inner = withParts(node, folded);
  if (inner.kind === "unary") return foldedUnary(inner);
  return inner.kind === "binary" ? foldedBinary(inner) : inner;
}

function foldedUnary(node: Node & { kind: "unary" }): Node {
  const { operator, node: inner } = node;
  const isNegation = operator === "!" || operator === "not";
  if (isNegation) {
    return inner.kind === "bool" ? nodeOf({ kind: "bool", value: !inner.value }) : node;
  }
  if (inner.kind !== "integer" && inner.kind !== "float") return node;
  if (operator === "+") return inner;
  return inner.kind === "integer"
    ? nodeOf({ kind: "integer", value: BigInt.asIntN(64, -inner.value) })
    : nodeOf({ kind: "float", value: -inner.value });
}

function foldedBinary(node: Node & { kind: "binary" }): Node {
  const { operator, left, right } = node;
  if (operator === "and" || operator === "&&") return decided(node, true);
  if (operator === "or" || operator === "||") return decided(node, false);
  const areIntegers = left.kind === "integer" && right.kind === "integer";
  if (operator === "%" && areIntegers && right.value === 0n) {
    throw new ExpressionError("integer divide by zero");
  }
  const areAlike = areIntegers || left.kind === "string" && right.kind === "string" ||
    left.kind === "bool" && right.kind === "bool";
  if (operator !== "==" || !areAlike) return node;
  return nodeOf({ kind: "bool", value: equal(left.value, right.value, new Budget()) });
}

/** `neutral`: the constant that leaves the decision to the other side. */
function decided(node: Node & { kind: "binary" }, neutral: boolean): Node {
  const { left, right } = node;
  if (left.kind === "bool" && left.value === neutral) return right;
  if (right.kind === "bool" && right.value === neutral) return left;
  const isConstant = left.kind === "bool" || right.kind === "bool";
  return isConstant ? nodeOf({ kind: "bool", value: !neutral }) : node;
}
