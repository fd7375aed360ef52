import { setTimeout as timer } from "node:timers/promises";

/**
 * Work that takes long, cut into steps of a few milliseconds: whoever runs it may let others have their
 * turn wherever it yields. What it returns does not depend on who runs it.
 */
export type Steps<T> = Generator<void, T, void>;

/** Does all of it now. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Small steps are done together: a turn of the loop costs more than a millisecond of waiting. */
const TURN_MS = 4;

/**
 * Lets the event loop turn between steps, so that no other request waits for the whole of it: as soon as steps
 * have taken `turnMs` together.
 */
export async function runInTurns<T>(steps: Steps<T>, turnMs: number = TURN_MS): Promise<T> {
  for (let sinceMs = performance.now();;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - sinceMs < turnMs) continue;
    await othersTurn();
    sinceMs = performance.now();
  }
}

/** The results of all, in their order; others may have their turn after each `perTurn` of them. */
export async function inTurns<T, R>(
  items: readonly T[],
  perTurn: number,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += perTurn) {
    results.push(...await work(items.slice(from, from + perTurn)));
    await othersTurn();
  }
  return results;
}

/** By a timer: on Deno, sockets are not looked at between two callbacks of `setImmediate`, however long they take. */
async function othersTurn(): Promise<void> {
  await timer(0);
}
