import type { Clock } from "../../core/lib/clock.ts";

/** How many connections of clients are open. */
export class OpenConnections {
  #count = 0;
  #onNone: (() => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  enter(): void {
    this.#count++;
  }

  /** Once for each `enter`. */
  leave(): void {
    this.#count--;
    if (this.#count === 0) this.#onNone?.();
  }

  /** Waits until all are closed, `maxMs` at most. */
  untilNone(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stopTimer = this.#clock.after(maxMs, resolve);
      this.#onNone = () => {
        stopTimer();
        resolve();
      };
      if (this.#count === 0) this.#onNone();
    });
  }
}
