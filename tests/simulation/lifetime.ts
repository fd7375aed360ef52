import type { Clock } from "../../core/lib/clock.ts";
import type { StopList } from "../../server/parts.ts";

/** What a process that was killed waits for. */
export const NEVER: Promise<never> = new Promise(() => {});

/** Lets time pass, if any. Most waits of a simulated world are none, and a timer costs. */
export async function rest(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await clock.sleep(ms);
}

/** The time between the start of a process and its end by `kill -9`: its parts stop at once, and are not waited for. */
export class Lifetime implements StopList {
  readonly #stop = new AbortController();
  readonly #ends: (() => void | Promise<void>)[] = [];

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Calls `stop` when it ends. */
  defer(stop: () => void | Promise<void>): void {
    this.#ends.push(stop);
  }

  nest(): this {
    return this;
  }

  end(): void {
    for (const stop of this.#ends.splice(0)) void stop();
    this.#stop.abort(new Error("The process was killed"));
  }
}
