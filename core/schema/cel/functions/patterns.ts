import { compilePattern, type Pattern, PatternError } from "../../../lib/patterns/pattern.ts";
import type { Meter } from "../values/meter.ts";
import { ArrayList, Failure, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";

/** Regular expressions, of RE2: in time that grows with the text only. */
export const PATTERNS: readonly Declaration[] = [
  ["matches", "matches(string, string): bool", matches],
  ["matches_string", "string.matches(string): bool", matches],
  [
    "string_find_string",
    "string.find(string): string",
    (text: string, pattern: string, meter: Meter) => {
      const all = findAll(text, pattern, 1n, meter);
      return all instanceof Failure ? all : all.items[0] ?? "";
    },
  ],
  [
    "string_find_all_string",
    "string.findAll(string): list(string)",
    (text: string, pattern: string, meter: Meter) => findAll(text, pattern, -1n, meter),
  ],
  ["string_find_all_string_int", "string.findAll(string, int): list(string)", findAll],
];

/** Patterns that are kept compiled, for those that are no constants. */
const CACHE_MAX = 200;
const cache = new Map<string, Pattern | PatternError>();

/** The pattern that a text is of; an error if it is none. */
export function patternOf(text: string): Pattern | PatternError {
  let known = cache.get(text);
  if (!known) {
    known = compiled(text);
    if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value!);
    cache.set(text, known);
  }
  return known;
}

function compiled(text: string): Pattern | PatternError {
  try {
    return compilePattern(text);
  } catch (error) {
    if (error instanceof PatternError) return error;
    throw error;
  }
}

/** Steps of the matching machine that count as one of work. */
const STEPS_PER_WORK = 8;

function matches(text: string, written: string, meter: Meter): Value {
  const pattern = patternOf(written);
  if (pattern instanceof PatternError) return new Failure(pattern.message);
  return pattern.test(text, (steps) => meter.work(steps / STEPS_PER_WORK));
}

function findAll(
  text: string,
  written: string,
  count: bigint,
  meter: Meter,
): ArrayList | Failure {
  const pattern = patternOf(written);
  if (pattern instanceof PatternError) return new Failure(`Illegal regex: ${pattern.message}`);
  const max = count < 0n ? Infinity : Number(count);
  const found: Value[] = [];
  for (const part of pattern.matches(text, (steps) => meter.work(steps / STEPS_PER_WORK))) {
    if (found.length >= max) break;
    found.push(part);
  }
  return new ArrayList(found);
}
