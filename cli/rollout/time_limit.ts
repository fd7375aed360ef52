import type { Clock } from "../../core/lib/clock.ts";

/**
 * Runs `act` with a signal that aborts with the one given, after `ms`, and when `act` is done. Resolves with whether
 * `act` ended before the time was over. `ms` absent: no limit.
 */
export async function isWithin(
  ms: number | undefined,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  act: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const own = new AbortController();
  let isLate = false;
  const cancel = ms === undefined ? () => {} : clock.after(ms, () => {
    isLate = true;
    own.abort();
  });
  try {
    await act(AbortSignal.any([signal, own.signal]));
  } finally {
    cancel();
    own.abort();
  }
  return !isLate;
}
