import type { Clock } from "../../core/lib/clock.ts";

/** One machine's clock, which can be set. Time passes as everywhere else. */
export class SettableClock implements Clock {
  readonly #time: Clock;
  #aheadMs = 0;

  constructor(time: Clock) {
    this.#time = time;
  }

  set(byMs: number): void {
    this.#aheadMs += byMs;
  }

  now(): number {
    return this.#time.now() + this.#aheadMs;
  }

  elapsed(): number {
    return this.#time.elapsed();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#time.sleep(ms, signal);
  }

  after(ms: number, act: () => void): () => void {
    return this.#time.after(ms, act);
  }
}
