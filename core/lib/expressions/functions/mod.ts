import type { BuiltIn } from "./built_in.ts";
import { ENCODINGS } from "./encodings.ts";
import { LISTS } from "./lists.ts";
import { NUMBERS } from "./numbers.ts";
import { TEXTS } from "./texts.ts";
import { timesBy } from "./times.ts";

/** Functions whose second parameter is evaluated for each element of the first. */
export const PREDICATES: ReadonlySet<string> = new Set([
  ...["all", "none", "any", "one", "filter", "map", "count", "reduce"],
  ...["find", "findIndex", "findLast", "findLastIndex"],
]);

const FIXED = [...NUMBERS, ...TEXTS, ...LISTS, ...ENCODINGS];
const NAMES: ReadonlySet<string> = new Set(
  [...FIXED, ...timesBy(() => 0)].map(([name]) => name),
);

export function isBuiltIn(name: string): boolean {
  return NAMES.has(name) || PREDICATES.has(name);
}

/** The functions of the language but those with predicates, by a clock in milliseconds. */
export function builtInsBy(nowMs: () => number): ReadonlyMap<string, BuiltIn> {
  return new Map([...FIXED, ...timesBy(nowMs)]);
}
