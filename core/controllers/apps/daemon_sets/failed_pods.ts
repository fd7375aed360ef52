import { type Backoff, waitMsAfter } from "../../../lib/backoff.ts";

/** Kubernetes: `flowcontrol.NewBackOff` in `startDaemonSetController`. */
const BACKOFF: Backoff = { firstMs: 1_000, maxMs: 900_000, factor: 2 };
/** After this long without another one, failures are forgotten. */
const FORGOTTEN_MS = 2 * BACKOFF.maxMs;

/** Failed pods of one node that have been deleted in a row. */
export interface Failures {
  count: number;
  /** When the last one was deleted, on the clock that does not jump. */
  lastMs: number;
}

/** How long the next failed pod of the node stays before it is deleted: 0 when it is now. */
export function stayMs(failures: Failures | undefined, elapsedMs: number): number {
  if (failures === undefined || isForgotten(failures, elapsedMs)) return 0;
  return Math.max(0, failures.lastMs + waitMsAfter(failures.count, BACKOFF) - elapsedMs);
}

/** With one more that is deleted now. */
export function withFailure(failures: Failures | undefined, elapsedMs: number): Failures {
  const before = failures === undefined || isForgotten(failures, elapsedMs) ? 0 : failures.count;
  return { count: before + 1, lastMs: elapsedMs };
}

export function isForgotten({ lastMs }: Failures, elapsedMs: number): boolean {
  return elapsedMs - lastMs > FORGOTTEN_MS;
}
