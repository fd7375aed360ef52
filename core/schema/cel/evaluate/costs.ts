import { FormatValue } from "../functions/name_formats.ts";
import type { Overload } from "../functions/overloads.ts";
import type { Meter } from "../values/meter.ts";
import { ListValue, MapValue, OpaqueValue, type Value } from "../values/values.ts";

/** Costs of cel-go and Kubernetes, for each character of a text and of a regular expression. */
export const TEXT_FACTOR = 0.1;
export const PATTERN_FACTOR = 0.25;
export const LIST_COST = 10;
export const MAP_COST = 30;
export const STRUCT_COST = 40;
export const ACCESS_CHECK_COST = 350_000;

type Sizes = (index: number) => number;
type CostRule = (size: Sizes, args: readonly Value[], overload: string | undefined) => number;

const text = (size: number, factor = 1) => Math.ceil(size * factor * TEXT_FACTOR);
const pattern = (size: Sizes) =>
  Math.ceil((1 + size(0)) * TEXT_FACTOR) * Math.ceil(size(1) * PATTERN_FACTOR);
const perText: CostRule = (size) => text(size(0));
const perTwoTexts: CostRule = (size) => text(size(0), 2);
const traversed: CostRule = (_, [list]) => traversal(list!);
const network: CostRule = (size, _, overload) =>
  text(size(0), 2) + (overload?.endsWith("_string") ? text(size(1)) : 0);

/** What calls of Kubernetes' functions cost, whatever their form. */
const BY_FUNCTION: ReadonlyMap<string, CostRule> = new Map<string, CostRule>([
  ["check", () => ACCESS_CHECK_COST],
  ["fieldSelector", selector],
  ["labelSelector", selector],
  ...["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"].map((name): [string, CostRule] => [
    name,
    traversed,
  ]),
  ...["url", "lowerAscii", "upperAscii", "substring", "trim", "jsonpatch.escapeKey"].map((
    name,
  ): [string, CostRule] => [name, perText]),
  ...["cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"].map((
    name,
  ): [string, CostRule] => [name, perText]),
  ...["replace", "split", "ip.isCanonical"].map((name): [string, CostRule] => [name, perTwoTexts]),
  ["join", () => 0], // charged when its result is known
  ["find", pattern],
  ["findAll", pattern],
  ["ip", (size, _, overload) => overload === "cidr_ip" ? 1 : text(size(0))],
  ["containsIP", network],
  ["containsCIDR", (size, args, overload) => network(size, args, overload) + text(size(0)) + 1],
  ["validate", (size, [format]) => {
    const length = format instanceof FormatValue ? format.patternLength : 0;
    return Math.ceil((1 + size(1)) * TEXT_FACTOR) * Math.ceil(length * PATTERN_FACTOR);
  }],
]);

const shorter: CostRule = (size) => text(Math.min(size(0), size(1)));
const both: CostRule = (size) => text(size(0) + size(1));

/** What single forms of functions cost. */
const BY_OVERLOAD: ReadonlyMap<string, CostRule> = new Map<string, CostRule>([
  ...[
    "starts_with_string",
    "ends_with_string",
    "string_to_bytes",
    "bytes_to_string",
    "strings_quote",
    "string_format",
  ].map((id): [string, CostRule] => [id, perText]),
  ["in_list", (size) => size(1)],
  ...["less", "less_equals", "greater", "greater_equals"].flatMap((id): [string, CostRule][] => [
    [`${id}_string`, shorter],
    [`${id}_bytes`, shorter],
  ]),
  [
    "equals",
    (size, [left]) =>
      left instanceof OpaqueValue || typeof left === "bigint" ? 1 : shorter(size, [], undefined),
  ],
  ["not_equals", shorter],
  ["add_string", both],
  ["add_bytes", both],
  ["matches_string", pattern],
  ["contains_string", (size) => text(size(0)) * text(size(1))],
]);

/** Of a call that makes a list: for itself and the list. */
const LIST_CALL_COST = 1 + LIST_COST;
const made = (size: number) => Math.floor(size) + LIST_CALL_COST;
const compared = (size: number, list: Value | undefined) => {
  const first = list instanceof ListValue && list.size > 0 ? list.at(0) : undefined;
  const isText = typeof first === "string" || first instanceof Uint8Array;
  return made(size * size * (isText ? 2 + TEXT_FACTOR : 2));
};
const setsCost = (factor: number): CostRule => (size) => 1 + Math.floor(size(0) * size(1) * factor);

/** What forms of lists and sets cost, whatever else says. Source: cel-go ext/lists.go, ext/sets.go */
const BY_LIST_OVERLOAD: ReadonlyMap<string, CostRule> = new Map<string, CostRule>([
  ["list_slice", (_, [, start, end]) => made(Math.max(0, whole(end) - whole(start)))],
  ["lists_range", (_, [count]) => made(Math.max(0, whole(count)))],
  ["list_reverse", (size) => made(size(0))],
  ["list_flatten", (size) => made(size(0))],
  ["list_flatten_int", (size, [, depth]) => made(size(0) * Math.max(0, whole(depth)))],
  ["list_distinct", (size, [list]) => compared(size(0), list)],
  ["list_sets_contains_list", setsCost(1)],
  ["list_sets_intersects_list", setsCost(1)],
  ["list_sets_equivalent_list", setsCost(2)],
]);

function whole(value: Value | undefined): number {
  return typeof value === "bigint" ? Number(value) : 0;
}

function listRuleOf(overloads: readonly Overload[]): CostRule | undefined {
  if (overloads.length !== 1) return undefined;
  const { id } = overloads[0]!;
  if (/^list_[a-z]+_sort$/.test(id)) return (size, [list]) => compared(size(0), list);
  if (id.endsWith("_sortByAssociatedKeys")) return (size, [, keys]) => compared(size(1), keys);
  return BY_LIST_OVERLOAD.get(id);
}

function selector(size: Sizes): number {
  const requirements = Math.ceil(size(1) * 0.5);
  return LIST_COST + text(size(1)) + requirements * (LIST_COST + STRUCT_COST);
}

/** What a call costs, given its arguments. */
export type CallCost = (args: readonly Value[], meter: Meter) => number;

/**
 * What calls of a function cost, as Kubernetes counts them at run time; `undefined` when it is one.
 * Source: cel-go interpreter/runtimecost.go, apiserver pkg/cel/library/cost.go
 */
export function callCostOf(name: string, overloads: readonly Overload[]): CallCost | undefined {
  const overload = overloads.length === 1 ? overloads[0]!.id : undefined;
  const rule = listRuleOf(overloads) ?? BY_FUNCTION.get(name) ??
    (overload === undefined ? undefined : BY_OVERLOAD.get(overload));
  if (!rule) return undefined;
  return (args, meter) => {
    if (rule === traversed) meter.work(args[0] instanceof ListValue ? args[0].size : 0);
    return rule((index) => meter.sizeOf(args[index]!), args, overload);
  };
}

/** Elements that a traversal counts at most: what is beyond costs no more. */
const TRAVERSED_MAX = 1_000_000;

function traversal(value: Value): number {
  const budget = { left: TRAVERSED_MAX };
  return traverse(value, budget);
}

function traverse(value: Value, budget: { left: number }): number {
  if (budget.left-- <= 0) return 1;
  if (typeof value === "string") return Math.floor(new Blob([value]).size * TEXT_FACTOR);
  if (value instanceof Uint8Array) return Math.floor(value.length * TEXT_FACTOR);
  let cost = 0;
  if (value instanceof ListValue) {
    for (let index = 0; index < value.size; index++) cost += traverse(value.at(index), budget);
    return cost;
  }
  if (!(value instanceof MapValue)) return 1;
  for (const key of value.keys()) cost += traverse(key, budget) + traverse(value.get(key)!, budget);
  return cost;
}
