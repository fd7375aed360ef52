import { type PressureCondition, SIGNALS, type Threshold } from "./thresholds.ts";

/** When each condition was last seen, by the monotonic clock. */
export type PressureHistory = ReadonlyMap<PressureCondition, number>;

/**
 * The conditions that a node has: those of the thresholds that are crossed, and those that have been gone for less than
 * the transition period, so that pods do not come back at once and are evicted again. Pure.
 */
export function pressureAfter(
  met: readonly Threshold[],
  history: PressureHistory,
  { elapsedMs, transitionMs }: { elapsedMs: number; transitionMs: number },
): { conditions: ReadonlySet<PressureCondition>; history: PressureHistory } {
  const seen = new Map(history);
  for (const { signal } of met) seen.set(SIGNALS[signal].condition, elapsedMs);
  const kept = [...seen].filter(([, seenMs]) =>
    seenMs === elapsedMs || elapsedMs - seenMs < transitionMs
  );
  return { conditions: new Set(kept.map(([condition]) => condition)), history: new Map(kept) };
}

/** The threshold to act on: memory first, as in Kubernetes. */
export function mostUrgent(met: readonly Threshold[]): Threshold | undefined {
  return met.find(({ signal }) => signal === "memory.available") ?? met[0];
}
