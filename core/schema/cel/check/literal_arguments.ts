import { PatternError } from "../../../lib/patterns/pattern.ts";
import { patternOf } from "../functions/patterns.ts";
import { durationFrom, timestampFrom } from "../functions/times.ts";
import { CelError, describeIssues, type Issue } from "../values/cel_error.ts";
import { Failure } from "../values/values.ts";
import type { Checked } from "./checker.ts";

/** Functions whose argument is read when the expression is compiled, if it is a literal. */
const READABLE: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["matches", (text) => !(patternOf(text) instanceof PatternError)],
  ["duration", (text) => durationFrom(text) !== undefined],
  ["timestamp", (text) => {
    const time = timestampFrom(text);
    return time !== undefined && !(time instanceof Failure);
  }],
]);

/** @throws {CelError} for literals that can never be used: wrong patterns, durations, times */
export function checkLiteralArguments(text: string, { calls }: Checked): void {
  const issues: Issue[] = [];
  for (const [node, { name }] of calls) {
    const isReadable = READABLE.get(name);
    const argument = node.kind === "call" && isReadable ? node.args[0] : undefined;
    if (argument?.kind !== "literal" || typeof argument.value !== "string") continue;
    if (!isReadable!(argument.value)) {
      issues.push({ offset: argument.offset, message: `invalid ${name} argument` });
    }
  }
  if (issues.length > 0) throw new CelError("type", describeIssues(text, issues));
}
