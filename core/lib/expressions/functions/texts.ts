import { asserted, toInteger } from "../values/arithmetic.ts";
import type { Budget } from "../values/budget.ts";
import { ExpressionError } from "../values/expression_error.ts";
import {
  byteLength,
  isList,
  LIST,
  Strings,
  typeOf,
  type Value,
  valueText,
} from "../values/values.ts";
import { type BuiltIn, overloaded, type Signature, type Values } from "./built_in.ts";

/** Characters that are looked at one by one in a step. */
const CHARACTERS_PER_STEP = 2;
/** Texts that are made at once, at most. */
const REPEATS_MAX = 1_000_000n;

export const TEXTS: readonly (readonly [string, BuiltIn])[] = [
  overloaded("string", [way(["interface {}"])], printed),
  overloaded("trim", [way(["string"]), way(["string", "string"])], trim),
  overloaded("trimPrefix", affix(), trimPrefix),
  overloaded("trimSuffix", affix(), trimSuffix),
  overloaded("upper", [way(["string"])], ([text], budget) => read(text, budget).toUpperCase()),
  overloaded("lower", [way(["string"])], ([text], budget) => read(text, budget).toLowerCase()),
  overloaded("split", splits(), (values, budget) => split(values, { budget, isAfter: false })),
  overloaded("splitAfter", splits(), (values, budget) => split(values, { budget, isAfter: true })),
  overloaded("replace", replacements(), replace),
  overloaded("repeat", [way(["string", "int"])], repeat),
  overloaded("join", joints(), join),
  overloaded("indexOf", [way(["string", "string"], "int")], indexOf),
  overloaded("lastIndexOf", [way(["string", "string"], "int")], lastIndexOf),
  overloaded("hasPrefix", [way(["string", "string"], "bool")], hasPrefix),
  overloaded("hasSuffix", [way(["string", "string"], "bool")], hasSuffix),
];

function way(parameters: readonly string[], result = "string"): Signature {
  return { parameters, result };
}

function affix(): readonly Signature[] {
  return [way(["string", "string"]), way(["string"])];
}

function splits(): readonly Signature[] {
  return [way(["string", "string"], "[]string"), way(["string", "string", "int"], "[]string")];
}

function replacements(): readonly Signature[] {
  return [way(["string", "string", "string", "int"]), way(["string", "string", "string"])];
}

function joints(): readonly Signature[] {
  const lists = [["[]string", "string"], [LIST, "string"], [LIST], ["[]string", "string"]];
  return [...lists, ["[]string"]].map((parameters) => way(parameters));
}

function printed([value]: Values, budget: Budget): string {
  const text = valueText(value!, () => budget.step());
  budget.grow(text.length);
  return text;
}

function read(value: Value | undefined, budget: Budget): string {
  const text = asserted(value ?? null, "string");
  budget.read(text);
  return text;
}

/** Takes white space, or the characters of the second text, off both ends. */
function trim([text, cut]: Values, budget: Budget): string {
  const whole = read(text, budget);
  if (cut === undefined) return whole.trim();
  budget.step(whole.length / CHARACTERS_PER_STEP);
  const [set, points] = [new Set(read(cut, budget)), [...whole]];
  let start = 0;
  let end = points.length;
  while (start < end && set.has(points[start]!)) start++;
  while (end > start && set.has(points[end - 1]!)) end--;
  return points.slice(start, end).join("");
}

function trimPrefix([text, prefix = " "]: Values, budget: Budget): string {
  const [whole, start] = [read(text, budget), read(prefix, budget)];
  return whole.startsWith(start) ? whole.slice(start.length) : whole;
}

function trimSuffix([text, suffix = " "]: Values, budget: Budget): string {
  const [whole, end] = [read(text, budget), read(suffix, budget)];
  return end !== "" && whole.endsWith(end) ? whole.slice(0, -end.length) : whole;
}

interface SplitOptions {
  budget: Budget;
  /** Whether a part keeps the separator after it. */
  isAfter: boolean;
}

/** `count`: how many parts at most; below zero, or absent: all. */
function split([whole, separator, count]: Values, { budget, isAfter }: SplitOptions): Value {
  const [text, by] = [read(whole, budget), read(separator, budget)];
  const limit = count === undefined ? -1 : Number(toInteger(count));
  budget.grow(text.length + 1);
  const all = by === "" ? [...text] : text.split(by);
  if (limit === 0) return null;
  const isCut = limit > 0 && all.length > limit;
  const parts = isCut ? [...all.slice(0, limit - 1), all.slice(limit - 1).join(by)] : all;
  return Strings.from(parts.map((part, i) => isAfter && i + 1 < parts.length ? part + by : part));
}

function replace([whole, was, becomes, count]: Values, budget: Budget): string {
  const [text, from, to] = [read(whole, budget), read(was, budget), read(becomes, budget)];
  const limit = count === undefined ? -1 : Number(toInteger(count));
  const parts = from === "" ? ["", ...text, ""] : text.split(from);
  const times = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  budget.grow(text.length + times * to.length);
  return parts.slice(0, times + 1).join(to) +
    parts.slice(times + 1).map((part) => from + part).join("");
}

function repeat([text, count]: Values, budget: Budget): string {
  const [whole, times] = [read(text, budget), toInteger(count!)];
  if (times > REPEATS_MAX) throw new ExpressionError("memory budget exceeded");
  if (times < 0n) throw new ExpressionError("strings: negative Repeat count");
  budget.grow(whole.length * Number(times));
  return whole.repeat(Number(times));
}

function join([list, glue = ""]: Values, budget: Budget): string {
  const between = read(glue, budget);
  if (!isList(list!)) {
    throw new ExpressionError(`invalid argument for join (type ${typeOf(list!)})`);
  }
  const texts = Array.from<Value, string>(list, (item) => asserted(item, "string"));
  budget.grow(texts.reduce((sum, text) => sum + text.length + between.length, 0));
  return texts.join(between);
}

function indexOf([text, part]: Values, budget: Budget): bigint {
  const whole = read(text, budget);
  return bytesBefore(whole, whole.indexOf(read(part, budget)));
}

function lastIndexOf([text, part]: Values, budget: Budget): bigint {
  const whole = read(text, budget);
  return bytesBefore(whole, whole.lastIndexOf(read(part, budget)));
}

function hasPrefix([text, part]: Values, budget: Budget): boolean {
  return read(text, budget).startsWith(read(part, budget));
}

function hasSuffix([text, part]: Values, budget: Budget): boolean {
  return read(text, budget).endsWith(read(part, budget));
}

function bytesBefore(text: string, at: number): bigint {
  return at < 0 ? -1n : BigInt(byteLength(text.slice(0, at)));
}
