import {
  ACCESS_CHECK_COST,
  LIST_COST,
  PATTERN_FACTOR,
  STRUCT_COST,
  TEXT_FACTOR,
} from "../evaluate/costs.ts";
import { type CelType, isSameType } from "../types/cel_types.ts";
import { exactly, product, type Range, sum, times, union, UNKNOWN, UNLIMITED } from "./ranges.ts";

/** An argument of a call, or what it is called on. */
export interface Argument {
  readonly type: CelType;
  /** `undefined` when nothing is known. */
  readonly size: Range | undefined;
  /** Of the elements of a list. */
  readonly elementSize: Range | undefined;
  /** The value of a literal that is an int. */
  readonly literal: bigint | undefined;
}

export interface CallEstimate {
  readonly cost: Range;
  /** Of the result. */
  readonly size?: Range;
}

/** What a call can cost by itself. `target` is what it is called on. */
type Rule = (
  args: readonly Argument[],
  target: Argument | undefined,
  overload: string,
) => CallEstimate | undefined;

const sizeOf = (argument: Argument | undefined): Range => argument?.size ?? UNKNOWN;
const ONE = exactly(1);
const one: Rule = () => ({ cost: ONE });
const perText: Rule = ([text]) => text && { cost: times(sizeOf(text), TEXT_FACTOR) };
const perTarget: Rule = (_, target) =>
  target && { cost: times(sizeOf(target), TEXT_FACTOR), size: sizeOf(target) };
const named = (names: string, rule: Rule): [string, Rule][] =>
  names.split(" ").map((name) => [name, rule]);

/** Of Kubernetes' functions, by their names. Source: apiserver pkg/cel/library/cost.go (EstimateCallCost) */
const BY_FUNCTION: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["check", () => ({ cost: exactly(ACCESS_CHECK_COST) })],
  ...named(
    "serviceAccount path group resource subresource namespace name allowed reason error errored",
    one,
  ),
  ...named("fieldSelector labelSelector", ([text]) => text && { cost: selector(sizeOf(text)) }),
  ...named("isSorted sum max min indexOf lastIndexOf", traversed),
  ...named(
    "url jsonpatch.escapeKey",
    ([text]) => text && { cost: times(sizeOf(text), TEXT_FACTOR), size: sizeOf(text) },
  ),
  ...named("lowerAscii upperAscii substring trim", perTarget),
  ["replace", replaced],
  ["split", split],
  ["join", join],
  ...named("find findAll", ([pattern], target) =>
    target && pattern && {
      cost: matching(sizeOf(target), sizeOf(pattern)),
      size: { min: 0, max: sizeOf(target).max },
    }),
  ...named("cidr isIP isCIDR quantity isQuantity semver isSemver", perText),
  [
    "ip",
    (args, target, overload) =>
      overload === "cidr_ip" ? { cost: ONE } : perText(args, target, overload),
  ],
  ["ip.isCanonical", ([text]) => text && { cost: times(sizeOf(text), 2 * TEXT_FACTOR) }],
  ...named(
    "masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast",
    one,
  ),
  ["containsIP", (args, _, overload) => ({ cost: network(args, overload) })],
  ["containsCIDR", (args, _, overload) => ({
    cost: sum(network(args, overload), times(ADDRESS_SIZE, TEXT_FACTOR), ONE),
  })],
  ["validate", ([text]) =>
    text && {
      cost: times(times(sizeOf(text), TEXT_FACTOR), NAME_PATTERN_LENGTH * PATTERN_FACTOR),
    }],
  ["format.named", one],
  ...named(
    "sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch",
    one,
  ),
  ...named("getScheme getHostname getHost getPort getEscapedPath getQuery", one),
  ["_==_", equality],
]);

/** Bytes of an IPv4 or IPv6 address. */
const ADDRESS_SIZE: Range = { min: 4, max: 16 };
const NAME_PATTERN_LENGTH = 128;
const FORMAT_LENGTH_MAX = 64;

const both: Rule = ([a, b]) => {
  const size = sum(sizeOf(a), sizeOf(b));
  return { cost: times(size, TEXT_FACTOR), size };
};
const shorter: Rule = ([a, b]) => {
  const max = Math.min(sizeOf(a).max, sizeOf(b).max);
  return { cost: times({ min: max > 0 ? 1 : 0, max }, TEXT_FACTOR) };
};

/** Of single forms of CEL's own functions. Source: cel-go checker/cost.go (functionCost) */
const BY_OVERLOAD: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["string_format", (_, target) => target && { cost: times(sizeOf(target), TEXT_FACTOR) }],
  ["string_to_bytes", resized((size) => ({ min: size.min, max: size.max * 4 }))],
  ["bytes_to_string", resized((size) => ({ min: Math.floor(size.min / 4), max: size.max }))],
  ["strings_quote", resized((size) => ({ min: size.min + 2, max: size.max * 2 + 2 }))],
  ["starts_with_string", perText],
  ["ends_with_string", perText],
  ["in_list", ([, list]) => ({ cost: sizeOf(list) })],
  [
    "matches_string",
    ([pattern], target) => target && { cost: matching(sizeOf(target), sizeOf(pattern)) },
  ],
  ["contains_string", ([part], target) =>
    target && {
      cost: product(times(sizeOf(target), TEXT_FACTOR), times(sizeOf(part), TEXT_FACTOR)),
    }],
  ["add_string", both],
  ["add_bytes", both],
  [
    "add_list",
    (args, target, overload) => ({ cost: ONE, size: both(args, target, overload)!.size! }),
  ],
  ...["less", "less_equals", "greater", "greater_equals"].flatMap((id): [string, Rule][] => [
    [`${id}_string`, shorter],
    [`${id}_bytes`, shorter],
  ]),
  ["equals", shorter],
  ["not_equals", shorter],
]);

/** Of a call that makes a list of a size, at a cost for each element. */
function madeList(size: Range, factor: number): CallEstimate {
  return { cost: sum(times(size, factor), exactly(1 + LIST_COST)), size };
}

function literalOf(argument: Argument | undefined, fallback: number): number {
  if (argument?.literal === undefined) return fallback;
  return Math.max(0, Number(argument.literal));
}

const compared = (list: Argument): CallEstimate => {
  const kind = list.type.params[0]?.kind;
  const isText = kind === "string" || kind === "bytes";
  return madeList(product(sizeOf(list), sizeOf(list)), isText ? 2 + TEXT_FACTOR : 2);
};
const setsCost = (factor: number): Rule => ([a, b]) => ({
  cost: sum(times(product(sizeOf(a), sizeOf(b)), factor), ONE),
});

/** Of forms of lists and sets, whatever else says. Source: cel-go ext/lists.go, ext/sets.go */
const BY_LIST_OVERLOAD: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["list_slice", ([start, end], target) => {
    const length = literalOf(end, sizeOf(target).max) - literalOf(start, 0);
    return madeList(exactly(Math.max(0, length)), 1);
  }],
  ["lists_range", ([count]) => madeList(exactly(literalOf(count, UNLIMITED)), 1)],
  ["list_reverse", (_, target) => madeList(sizeOf(target), 1)],
  ["list_flatten", (_, target) => madeList(sizeOf(target), 1)],
  ["list_flatten_int", ([depth], target) => madeList(sizeOf(target), literalOf(depth, UNLIMITED))],
  ["list_distinct", (_, target) => target && madeList(product(sizeOf(target), sizeOf(target)), 2)],
  ["list_sets_contains_list", setsCost(1)],
  ["list_sets_intersects_list", setsCost(1)],
  ["list_sets_equivalent_list", setsCost(2)],
]);

function listRuleOf(overload: string): Rule | undefined {
  if (/^list_[a-z]+_sort$/.test(overload)) return (_, target) => target && compared(target);
  if (overload.endsWith("_sortByAssociatedKeys")) return ([keys]) => keys && compared(keys);
  return BY_LIST_OVERLOAD.get(overload);
}

/** What a call of a form can cost, without its arguments. */
export function estimateCall(
  name: string,
  overload: string,
  args: readonly Argument[],
  target: Argument | undefined,
): CallEstimate {
  return listRuleOf(overload)?.(args, target, overload) ??
    BY_FUNCTION.get(name)?.(args, target, overload) ??
    BY_OVERLOAD.get(overload)?.(args, target, overload) ?? { cost: ONE };
}

function resized(resize: (size: Range) => Range): Rule {
  return ([value]) =>
    value && { cost: times(sizeOf(value), TEXT_FACTOR), size: resize(sizeOf(value)) };
}

function selector(length: Range): Range {
  const requirements = times(times(length, 0.5), LIST_COST + STRUCT_COST);
  return sum(exactly(LIST_COST), times(length, TEXT_FACTOR), requirements);
}

function traversed(_args: readonly Argument[], target: Argument | undefined) {
  if (!target) return undefined;
  const element = target.type.params[0];
  if (!element) return { cost: times(sizeOf(target), TEXT_FACTOR) }; // of strings
  const isText = element.kind === "string" || element.kind === "bytes";
  const each = isText ? sum(ONE, times(target.elementSize ?? UNKNOWN, TEXT_FACTOR)) : ONE;
  return { cost: product(sizeOf(target), each) };
}

function matching(text: Range, pattern: Range): Range {
  return product(times(sum(text, ONE), TEXT_FACTOR), times(pattern, PATTERN_FACTOR));
}

function network([text]: readonly Argument[], overload: string): Range {
  const compared = times(sum(ADDRESS_SIZE, ADDRESS_SIZE), TEXT_FACTOR);
  return overload.endsWith("_string") ? sum(compared, times(sizeOf(text), TEXT_FACTOR)) : compared;
}

function replaced([old, by]: readonly Argument[], target: Argument | undefined) {
  if (!target || !old || !by) return undefined;
  const [text, from, to] = [sizeOf(target), sizeOf(old), sizeOf(by)];
  const cost = times(text, 2 * TEXT_FACTOR);
  const most = from.min === 0
    ? (text.max + 1) * to.max + text.max
    : to.max <= from.min
    ? text.max
    : Math.ceil(text.max / from.min) * to.max;
  const least = from.max === 0
    ? (text.min + 1) * to.min + text.min
    : from.max <= to.min
    ? text.min
    : Math.ceil(text.min / from.max) * to.min;
  return { cost, size: { min: Math.min(least, UNLIMITED), max: Math.min(most, UNLIMITED) } };
}

function split([, count]: readonly Argument[], target: Argument | undefined) {
  if (!target) return undefined;
  const text = sizeOf(target);
  const isLimited = count?.literal !== undefined && count.literal >= 0n;
  const max = isLimited ? Number(count.literal) : text.max;
  return { cost: times(text, 2 * TEXT_FACTOR), size: { min: 0, max } };
}

function join([separator]: readonly Argument[], target: Argument | undefined) {
  if (!target) return undefined;
  const list = sizeOf(target);
  const parts = product(list, target.elementSize ?? UNKNOWN);
  const gaps = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
  const size = separator ? sum(parts, product(sizeOf(separator), gaps)) : parts;
  return { cost: times(size, TEXT_FACTOR), size };
}

/** Of Kubernetes' own types. */
function equality([left, right]: readonly Argument[]): CallEstimate | undefined {
  if (!left || !right || !isSameType(left.type, right.type)) return undefined;
  const { name } = left.type;
  if (name === "kubernetes.NamedFormat") {
    return { cost: times({ min: 1, max: FORMAT_LENGTH_MAX }, TEXT_FACTOR) };
  }
  if (name === "kubernetes.URL") {
    const { max } = right.size ? union(right.size, right.size) : ONE;
    return { cost: times({ min: 1, max }, TEXT_FACTOR) };
  }
  return name === "net.IP" || name === "net.CIDR" || name.startsWith("kubernetes.")
    ? { cost: ONE }
    : undefined;
}
