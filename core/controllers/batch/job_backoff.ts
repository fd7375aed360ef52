import { type Backoff, waitMsAfter } from "../../lib/backoff.ts";

/** Kubernetes: `DefaultJobPodFailureBackOff`, `MaxJobPodFailureBackOff`. */
export const POD_BACKOFF: Backoff = { firstMs: 10_000, maxMs: 600_000, factor: 2 };
/** Further failures no longer change the wait. */
const FAILURES_KEPT_MAX = 7;

/** Pods of a Job that have ended, as far as they matter for the wait before the next one. */
export interface EndedPods {
  /** The last ones, by uid, and when each ended. */
  failures: readonly (readonly [uid: string, ms: number])[];
  /** When a pod last succeeded. */
  succeededMs?: number;
}

/** Of two views on the pods of one Job; what is in both counts once. */
export function mergedEnds(a: EndedPods, b: EndedPods): EndedPods {
  const failures = [...new Map([...a.failures, ...b.failures])].sort(([, x], [, y]) => x - y);
  const successes = [a.succeededMs, b.succeededMs].filter((ms) => ms !== undefined);
  const succeededMs = successes.length === 0 ? undefined : Math.max(...successes);
  const later = failures.filter(([, ms]) => succeededMs === undefined || ms > succeededMs);
  return {
    failures: later.slice(-FAILURES_KEPT_MAX),
    ...(succeededMs !== undefined && { succeededMs }),
  };
}

/**
 * The same, with no time in the future: such a time is that of a clock that runs ahead, or of before a clock was set
 * back, and the pod ended when that was noticed. `past`: what was remembered of it.
 */
export function notAhead(ended: EndedPods, past: EndedPods, nowMs: number): EndedPods {
  const known = new Map(past.failures);
  const noticedMs = (uid: string) => {
    const ms = known.get(uid);
    return ms !== undefined && ms <= nowMs ? ms : nowMs;
  };
  const { failures, succeededMs } = ended;
  return {
    failures: failures.map(([uid, ms]) => [uid, ms <= nowMs ? ms : noticedMs(uid)]),
    ...(succeededMs !== undefined && { succeededMs: Math.min(succeededMs, nowMs) }),
  };
}

/** Milliseconds before another pod may be made; 0: now. It doubles with each failure since the last success. */
export function backoffMs({ failures }: EndedPods, nowMs: number): number {
  return waitMs(failures.length, failures.at(-1)?.[1] ?? 0, nowMs);
}

/**
 * The wait after so many failures, the last of them at `lastMs`. A time in the future is that of a clock that runs
 * ahead, and must not make the wait longer than it is.
 */
export function waitMs(failures: number, lastMs: number, nowMs: number): number {
  if (failures === 0) return 0;
  const wholeMs = waitMsAfter(failures, POD_BACKOFF);
  return Math.min(wholeMs, Math.max(0, lastMs + wholeMs - nowMs));
}
