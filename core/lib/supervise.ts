import { AssertionError } from "./assert.ts";
import { type Backoff, waitMsAfter } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

const RESTART: Backoff = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** A loop that ran this long before it failed counts as healthy: its next wait is short again. */
const HEALTHY_AFTER_MS = 60_000;

export interface Supervision {
  name: string;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/**
 * Keeps a loop running until the signal aborts: when it throws, the failure is logged and the loop is
 * restarted after a wait that doubles from 100 ms to 30 s.
 *
 * Resolves when the signal has aborted and the loop has ended. Rejects only with an
 * {@linkcode AssertionError}: that is a fault of ours, and the process must stop.
 */
export async function supervise(
  { name, clock, log, signal }: Supervision,
  loop: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.elapsed();
    try {
      await loop(signal);
      if (signal.aborted) return;
      throw new Error("it ended without an error");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof AssertionError) throw error;
      failures = clock.elapsed() - startedMs > HEALTHY_AFTER_MS ? 1 : failures + 1;
      const waitMs = waitMsAfter(failures, RESTART);
      log.error(`Cannot go on with ${name}: restarting it`, { error, waitMs });
      await clock.sleep(waitMs, signal).catch(() => {}); // rejects only when the signal aborts
    }
  }
}
