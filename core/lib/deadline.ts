import type { Clock } from "./clock.ts";

export interface Limit {
  clock: Pick<Clock, "after">;
  /** From now on; `Infinity` is no limit. */
  ms: number;
  /** Makes the error that the work fails with when time is up. */
  late: () => unknown;
}

/**
 * A signal for work that can be aborted: it aborts when time is up, and when `signal` does. Disposing of it ends the
 * time limit and nothing else: what `signal` aborts later still reaches whoever holds on to the deadline's signal.
 */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #late = new AbortController();
  readonly #cancel: () => void;

  constructor({ clock, ms, late }: Limit, signal?: AbortSignal) {
    this.signal = signal ? AbortSignal.any([signal, this.#late.signal]) : this.#late.signal;
    this.#cancel = ms === Infinity ? () => {} : clock.after(ms, () => {
      if (!this.signal.aborted) this.#late.abort(late());
    });
  }

  /** Whether it was the time limit that ended the work. */
  get hasPassed(): boolean {
    return this.#late.signal.aborted;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}

/**
 * The outcome of work that cannot be aborted; rejects when time is up. The work then goes on, and what comes of it is
 * ignored.
 */
export async function within<T>(work: Promise<T>, { clock, ms, late }: Limit): Promise<T> {
  if (ms === Infinity) return await work;
  const passed = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => passed.reject(late()));
  try {
    return await Promise.race([work, passed.promise]);
  } finally {
    cancel();
    work.catch(() => {}); // nobody waits for it any more
  }
}
