/** Where time comes from. Nothing else in the program may ask the machine for the time. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump when somebody sets the machine's clock. */
  now(): number;
  /**
   * Milliseconds since a fixed moment in the past. Never jumps: use it to measure durations and for what is due.
   * Not comparable between processes.
   */
  elapsed(): number;
  /**
   * Resolves after `ms`; rejects with the signal's reason when it aborts first. What is not positive
   * counts as 0, and `Infinity` waits for the signal. Jumps of `now` do not change it.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` once after `ms`, unless the returned function is called before. Never before `after` has returned. */
  after(ms: number, act: () => void): () => void;
}

/** Both readings of a clock, taken together: `nowMs` to show and to compare with other machines, `elapsedMs` to measure. */
export interface Moment {
  nowMs: number;
  elapsedMs: number;
}

export function momentOf(clock: Pick<Clock, "now" | "elapsed">): Moment {
  return { nowMs: clock.now(), elapsedMs: clock.elapsed() };
}

/** The longest wait that the platform's timers can hold; a longer one fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's clock. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  after(ms: number, act: () => void): () => void {
    let timer: ReturnType<typeof setTimeout>;
    wait(ms > 0 ? ms : 0);
    return () => clearTimeout(timer);

    function wait(restMs: number) {
      timer = restMs <= TIMER_MS_MAX
        ? setTimeout(act, restMs)
        : setTimeout(wait, TIMER_MS_MAX, restMs - TIMER_MS_MAX);
    }
  }
}

/** `Clock.sleep` on top of `Clock.after`. Leaves neither a timer nor a listener behind. */
export function sleepOn(
  clock: Pick<Clock, "after">,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });

    function stop() {
      cancel();
      reject(signal?.reason);
    }
  });
}
