import { setTimeout as timer } from "node:timers/promises";

/**
 * Long work, cut into steps of a few milliseconds: it yields wherever the event loop may turn. What it returns does not
 * depend on how it is run.
 */
export type Steps<T> = Generator<void, T, void>;

/** Runs all steps without a pause. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Small steps run together: a turn of the event loop costs more than a millisecond. */
const TURN_MS = 4;

/**
 * Lets the event loop turn whenever steps have taken `turnMs` together, so that no other request waits for the whole work.
 */
export async function runInTurns<T>(steps: Steps<T>, turnMs: number = TURN_MS): Promise<T> {
  for (let sinceMs = performance.now();;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - sinceMs < turnMs) continue;
    await nextTurn();
    sinceMs = performance.now();
  }
}

/** The results of all, in order. The event loop turns after every `perTurn` of them. */
export async function inTurns<T, R>(
  items: readonly T[],
  perTurn: number,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += perTurn) {
    results.push(...await work(items.slice(from, from + perTurn)));
    await nextTurn();
  }
  return results;
}

/** By a timer: Deno does not poll sockets between callbacks of `setImmediate`. */
async function nextTurn(): Promise<void> {
  await timer(0);
}
