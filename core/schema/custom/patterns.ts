import { compilePattern, PatternError } from "../../lib/patterns/pattern.ts";

/** Whether a text matches a pattern. */
type Matcher = (text: string) => boolean;

/** Patterns that are kept compiled. */
const COMPILED_MAX = 1_000;
const compiled = new Map<string, Matcher>();

/**
 * The matcher of a pattern of a user: linear in the length of the text, whatever the pattern. One that cannot be read
 * matches everything; definitions with such patterns are refused.
 */
export function matcherOf(pattern: string): Matcher {
  let matcher = compiled.get(pattern);
  if (!matcher) {
    matcher = matcherFor(pattern);
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    compiled.set(pattern, matcher);
  }
  return matcher;
}

function matcherFor(pattern: string): Matcher {
  try {
    const expression = compilePattern(pattern);
    return (text) => expression.test(text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return () => true;
  }
}

/** Why a pattern cannot be read, in Go's words. */
export function patternFault(pattern: string): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return error.message;
  }
}
