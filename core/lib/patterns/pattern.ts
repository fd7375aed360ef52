import { Automaton } from "./automaton.ts";
import type { CountSteps } from "./count_steps.ts";
import { compile } from "./instructions.ts";
import { parse } from "./syntax.ts";
import { leftmostMatches } from "./threads.ts";

export { PatternError } from "./pattern_error.ts";

/**
 * A regular expression in the syntax of RE2, as Go has it: no back references, no look-around, and time that grows with
 * the text only, whatever the pattern. https://github.com/google/re2/wiki/Syntax
 */
export interface Pattern {
  /** Whether the pattern is found anywhere in a text. */
  test(text: string, count?: CountSteps): boolean;
  /** What it matches, from left to right, as Go's `FindAllString`. */
  matches(text: string, count?: CountSteps): Iterable<string>;
}

const uncounted = () => {};

/** @throws {PatternError} with Go's text */
export function compilePattern(source: string): Pattern {
  const program = compile(parse(source));
  const automaton = new Automaton(program);
  return {
    test: (text, count = uncounted) => automaton.test(text, count),
    matches: (text, count = uncounted) => leftmostMatches(program, text, count),
  };
}
