import { accepts, closure, type Program } from "./instructions.ts";
import type { CountSteps } from "./count_steps.ts";

/** What a pattern matches, from left to right and without overlaps: the leftmost, and of those the preferred. */
export function* leftmostMatches(
  program: Program,
  text: string,
  count: CountSteps,
): Iterable<string> {
  let from = 0;
  let previousEnd = -1;
  while (from <= text.length) {
    const found = leftmost(program, text, from, count);
    if (!found) return;
    const [start, end] = found;
    if (end > start || end !== previousEnd) yield text.slice(start, end);
    previousEnd = end;
    from = end > start ? end : end + widthAt(text, end);
  }
}

function widthAt(text: string, at: number): number {
  const point = text.codePointAt(at);
  return point !== undefined && point > 0xffff ? 2 : 1;
}

/** A state that the machine is in, and where the match that it is part of begins. */
interface Thread {
  readonly at: number;
  readonly start: number;
}

function leftmost(
  program: Program,
  text: string,
  from: number,
  count: CountSteps,
): [start: number, end: number] | undefined {
  let threads: Thread[] = [];
  let found: [number, number] | undefined;
  for (let at = from;; at += widthAt(text, at)) {
    const place = { before: pointBefore(text, at), after: text.codePointAt(at) ?? -1 };
    if (!found) threads.push({ at: program.start, start: at });
    if (threads.length === 0) return found;
    const next: Thread[] = [];
    for (const thread of reachedBy(program, threads, place, count)) {
      const instruction = program.instructions[thread.at]!;
      if (instruction.kind === "match") {
        found = [thread.start, at];
        break; // the others are not preferred to this one
      }
      if (instruction.kind === "set" && place.after >= 0 && accepts(instruction, place.after)) {
        next.push({ at: instruction.next, start: thread.start });
      }
    }
    threads = next;
    if (place.after < 0) return found;
  }
}

function reachedBy(
  program: Program,
  threads: readonly Thread[],
  place: { before: number; after: number },
  count: CountSteps,
): Thread[] {
  const seen = new Set<number>();
  const reached: Thread[] = [];
  for (const { at, start } of threads) {
    if (seen.has(at)) continue;
    seen.add(at);
    const states = closure(program, [at], place);
    count(states.length);
    for (const state of states) {
      if (state !== at && seen.has(state)) continue;
      seen.add(state);
      reached.push({ at: state, start });
    }
  }
  return reached;
}

function pointBefore(text: string, at: number): number {
  if (at === 0) return -1;
  const unit = text.charCodeAt(at - 1);
  return (unit & 0xfc00) === 0xdc00 && at > 1 ? text.codePointAt(at - 2)! : unit;
}
