import type { Clock } from "../../core/lib/clock.ts";

/** What a process that was killed waits for. */
export const NEVER: Promise<never> = new Promise(() => {});

/** Lets time pass, if any. Most waits of a simulated world are none, and a timer costs. */
export async function rest(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await clock.sleep(ms);
}

/** The time between the start of a process and its end. */
export class Lifetime {
  readonly #stop = new AbortController();
  readonly #ends: (() => void)[] = [];

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Calls `act` when it ends. */
  atEnd(act: () => void): void {
    this.#ends.push(act);
  }

  end(): void {
    for (const act of this.#ends.splice(0)) act();
    this.#stop.abort(new Error("The process was killed"));
  }
}
