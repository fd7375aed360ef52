import type { Clock } from "../../core/lib/clock.ts";
import type { StopList } from "../../server/parts.ts";

/** What a killed process waits for. */
export const NEVER: Promise<never> = new Promise(() => {});

/** Sleeps unless `ms` is 0: most simulated delays are, and a timer costs. */
export async function pause(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await clock.sleep(ms);
}

/** The life of a process that ends by `kill -9`: its parts are stopped at once, and nobody waits for them. */
export class Lifetime implements StopList {
  readonly #stop = new AbortController();
  readonly #ends: (() => void | Promise<void>)[] = [];

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Calls `stop` at the end. */
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
