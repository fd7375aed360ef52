import { isEqual } from "../equality.ts";
import { ownField } from "../own_field.ts";
import { isJsonObject } from "./json_value.ts";

/**
 * A JSON path as printer columns have it, a part of kubectl's: fields, `\.` in their names, `['name']`, `[0]`, `[-1]`,
 * `[0:2]`, `[0,2]`, `[*]`, `.*`, `..name` and filters such as `[?(@.type=="Ready")]`.
 * https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export type JsonPath = readonly Step[];

type Step =
  | { field: string }
  | { from: number; to: number | undefined; by: number }
  | { all: true }
  | { below: true }
  | { filter: Filter }
  | { union: readonly Step[] };

/** A path leads to nothing; the message is that of k8s.io/client-go/util/jsonpath. */
export class JsonPathError extends Error {
  override name = "JsonPathError";
}

interface Filter {
  path: JsonPath;
  operator: Operator | undefined;
  value: unknown;
}

const OPERATORS = ["==", "!=", "<=", ">=", "<", ">"] as const;
type Operator = typeof OPERATORS[number];

/** Longer paths are not read. */
const PATH_CHARS_MAX = 1_024;
/** Values that one search looks at, at most: what lies beyond is not found. */
const VISITS_MAX = 10_000;

/** Reads a path that begins with a dot, or a bracket. `undefined` when it cannot be read. */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (text.length > PATH_CHARS_MAX) return undefined;
  const steps: Step[] = [];
  for (let rest = text; rest !== "";) {
    const read = rest.startsWith("[") ? bracketIn(rest) : dottedIn(rest);
    if (!read) return undefined;
    steps.push(...read.steps);
    rest = read.rest;
  }
  return steps;
}

interface Read {
  steps: readonly Step[];
  rest: string;
}

function dottedIn(text: string): Read | undefined {
  const below = text.startsWith("..");
  if (!below && !text.startsWith(".")) return undefined;
  const after = text.slice(below ? 2 : 1);
  const descent: Step[] = below ? [{ below: true }] : [];
  if (after === "" || after.startsWith("[")) return { steps: descent, rest: after };
  if (after.startsWith("*")) return { steps: [...descent, { all: true }], rest: after.slice(1) };
  const name = /^(?:\\.|[^.[\]\\])+/.exec(after)?.[0];
  if (name === undefined) return undefined;
  const field = name.replace(/\\(.)/g, "$1");
  return { steps: [...descent, { field }], rest: after.slice(name.length) };
}

function bracketIn(text: string): Read | undefined {
  const end = endOfBracket(text);
  if (end === undefined) return undefined;
  const step = stepIn(text.slice(1, end).trim());
  return step && { steps: [step], rest: text.slice(end + 1) };
}

/** Index of the bracket that closes the first one; those in quotes do not count. */
function endOfBracket(text: string): number | undefined {
  let depth = 0;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote) quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === "[") depth++;
    else if (char === "]" && --depth === 0) return i;
  }
  return undefined;
}

function stepIn(inside: string): Step | undefined {
  if (inside === "*") return { all: true };
  const name = /^'([^']*)'$|^"([^"]*)"$/.exec(inside);
  if (name) return { field: name[1] ?? name[2]! };
  if (/^-?\d{1,9}$/.test(inside)) {
    const at = Number(inside);
    return { from: at, to: at === -1 ? undefined : at + 1, by: 1 };
  }
  const slice = /^(-?\d{1,9})?:(-?\d{1,9})?(?::(\d{1,9}))?$/.exec(inside);
  if (slice) {
    const to = slice[2] === undefined ? undefined : Number(slice[2]);
    return { from: Number(slice[1] ?? 0), to, by: Math.max(1, Number(slice[3] ?? 1)) };
  }
  const filter = /^\?\((.*)\)$/s.exec(inside)?.[1];
  return filter === undefined ? unionIn(inside) : filterIn(filter.trim());
}

function unionIn(inside: string): Step | undefined {
  const parts = inside.match(/(?:'[^']*'|"[^"]*"|[^,])+/g) ?? [];
  if (parts.length < 2 || inside.includes("?")) return undefined;
  const union = parts.map((part) => stepIn(part.trim()));
  return union.every((step) => step !== undefined) ? { union } : undefined;
}

function filterIn(text: string): Step | undefined {
  const operator = outsideQuotes(text);
  const [left, right] = operator
    ? [text.slice(0, operator.at), text.slice(operator.at + operator.word.length)]
    : [text, undefined];
  if (!left.trim().startsWith("@")) return undefined;
  const path = parseJsonPath(left.trim().slice(1));
  if (!path) return undefined;
  const value = right === undefined ? undefined : literalIn(right.trim());
  return { filter: { path, operator: operator?.word, value } };
}

function outsideQuotes(text: string): { word: Operator; at: number } | undefined {
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote) quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else {
      const word = OPERATORS.find((operator) => text.startsWith(operator, at));
      if (word) return { word, at };
    }
  }
  return undefined;
}

function literalIn(text: string): unknown {
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted) return quoted[1] ?? quoted[2];
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** The first value at the path; `undefined` when there is none. */
export function firstAt(
  value: unknown,
  path: JsonPath,
  visits: { left: number } = { left: VISITS_MAX },
): unknown {
  return valuesFrom([value], path, visits)[0];
}

/**
 * All values at the path, in order. Throws a {@linkcode JsonPathError} where none of several values has a field, or one
 * is no list or too short.
 */
export function valuesAt(value: unknown, path: JsonPath): readonly unknown[] {
  return valuesFrom([value], path, { left: VISITS_MAX }, refuseMissing);
}

function valuesFrom(
  from: readonly unknown[],
  path: JsonPath,
  visits: { left: number },
  onStep?: (step: Step, from: readonly unknown[], found: readonly unknown[]) => void,
): readonly unknown[] {
  let values = from;
  for (const step of path) {
    const next: unknown[] = [];
    for (const each of values) {
      for (const found of stepFrom(each, step, visits)) {
        if (visits.left-- <= 0) break;
        next.push(found);
      }
    }
    onStep?.(step, values, next);
    values = next;
  }
  return values;
}

function refuseMissing(step: Step, from: readonly unknown[], found: readonly unknown[]): void {
  const values = from.filter((value) => value !== null);
  if ("union" in step) {
    for (const part of step.union) {
      refuseMissing(part, from, valuesFrom(from, [part], { left: VISITS_MAX }));
    }
  } else if ("field" in step) {
    if (from.length > 0 && found.length === 0) {
      throw new JsonPathError(`${step.field} is not found`);
    }
  } else if ("from" in step) values.forEach((value) => refuseShort(step, value));
  else if ("filter" in step) {
    const wrong = from.find((value) => !Array.isArray(value));
    if (wrong === undefined) return;
    throw new JsonPathError(
      `${JSON.stringify(wrong)} is not array or slice and cannot be filtered`,
    );
  }
}

function refuseShort({ from, to }: Extract<Step, { from: number }>, value: unknown): void {
  if (!Array.isArray(value)) throw new JsonPathError(`${goType(value)} is not array or slice`);
  const { length } = value;
  const start = from < 0 ? from + length : from;
  const end = to === undefined ? length : to < 0 ? to + length : to;
  if (start === end) return;
  const short = (index: number) =>
    new JsonPathError(`array index out of bounds: index ${index}, length ${length}`);
  if (start >= length || start < 0) throw short(start);
  if (end > length || end < 0) throw short(end - 1);
  if (start > end) {
    throw new JsonPathError(`starting index ${start} is greater than ending index ${end}`);
  }
}

function goType(value: unknown): string {
  if (isJsonObject(value)) return "map[string]interface {}";
  return typeof value === "number" ? "float64" : typeof value === "boolean" ? "bool" : "string";
}

function stepFrom(value: unknown, step: Step, visits: { left: number }): Iterable<unknown> {
  if ("field" in step) {
    const found = isJsonObject(value) ? ownField(value, step.field) : undefined;
    return found === undefined ? [] : [found];
  }
  if ("union" in step) return step.union.flatMap((part) => [...stepFrom(value, part, visits)]);
  if ("all" in step) return childrenOf(value);
  if ("below" in step) return descendantsOf(value, visits);
  if (!Array.isArray(value)) return [];
  if ("filter" in step) return value.filter((item) => holds(step.filter, item, visits));
  const from = step.from < 0 ? value.length + step.from : step.from;
  const to = step.to === undefined || step.to >= 0 ? step.to : value.length + step.to;
  return value.slice(Math.max(0, from), to).filter((_, i) => i % step.by === 0);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value) : [];
}

function* descendantsOf(value: unknown, visits: { left: number }): Iterable<unknown> {
  yield value;
  for (const child of childrenOf(value)) {
    if (visits.left <= 0) return;
    if (typeof child === "object" && child !== null) yield* descendantsOf(child, visits);
  }
}

function holds(
  { path, operator, value }: Filter,
  item: unknown,
  visits: { left: number },
): boolean {
  if (visits.left-- <= 0) return false;
  const found = firstAt(item, path, visits);
  if (operator === undefined) return found !== undefined;
  if (found === undefined) return false;
  switch (operator) {
    case "==":
      return isEqual(found, value);
    case "!=":
      return !isEqual(found, value);
    default:
      return typeof found === typeof value && isOrdered(found as string, operator, value as string);
  }
}

function isOrdered(left: string, operator: Operator, right: string): boolean {
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}
