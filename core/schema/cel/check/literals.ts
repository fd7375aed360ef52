import type { Expression } from "../syntax/expressions.ts";
import { type CelType, describeType, isOptional, isSameType } from "../types/cel_types.ts";
import { CelError, describeIssues, type Issue } from "../values/cel_error.ts";
import type { Checked } from "./checker.ts";

/**
 * Elements of a list that is written down are of one type, and so are keys and values of a map; but for what is passed
 * to `format`.
 *
 * @throws {CelError}
 */
export function checkLiterals(text: string, checked: Checked): void {
  const issues: Issue[] = [];
  visit(checked.expression, checked, issues);
  if (issues.length > 0) throw new CelError("type", describeIssues(text, issues));
}

function visit(node: Expression, checked: Checked, issues: Issue[]): void {
  if (node.kind === "call" && node.name === "format") {
    if (node.target) visit(node.target, checked, issues);
    return;
  }
  if (node.kind === "list") {
    const types = node.elements.map((element, index) =>
      typeOf(element, node.optional.has(index), checked)
    );
    sameTypes(node.elements, types, issues);
  } else if (node.kind === "map") {
    const { entries } = node;
    sameTypes(
      entries.map(({ key }) => key),
      entries.map(({ key }) => typeOf(key, false, checked)),
      issues,
    );
    sameTypes(
      entries.map(({ value }) => value),
      entries.map(({ value, optional }) => typeOf(value, optional, checked)),
      issues,
    );
  }
  for (const part of partsOf(node)) visit(part, checked, issues);
}

function typeOf(node: Expression, optional: boolean, { types }: Checked): CelType {
  const type = types.get(node)!;
  return optional && isOptional(type) ? type.params[0]! : type;
}

function sameTypes(nodes: readonly Expression[], types: readonly CelType[], issues: Issue[]): void {
  const [first] = types;
  const other = types.findIndex((type) => !isSameType(first!, type));
  if (other < 0) return;
  const [wanted, given] = [describeType(first!), describeType(types[other]!)];
  const message = `expected type '${wanted}' but found '${given}'`;
  issues.push({ offset: nodes[other]!.offset, message });
}

function partsOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "select":
      return [node.operand];
    case "call":
      return node.target ? [node.target, ...node.args] : node.args;
    case "list":
      return node.elements;
    case "map":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return node.fields.map(({ value }) => value);
    case "comprehension":
      return [node.range, node.init, node.condition, node.step, node.result];
    default:
      return [];
  }
}
