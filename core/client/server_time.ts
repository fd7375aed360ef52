import type { Clock } from "../lib/clock.ts";

/** By less the two may differ because an answer took its time: dates of HTTP are of whole seconds. */
const TOLERANCE_MS = 2_000;

/**
 * The server's time as a machine knows it whose own clock may show anything: from the dates of the server's answers, which
 * its certificate vouches for. Until the first answer it is the machine's own.
 */
export class ServerTime {
  readonly #clock: Pick<Clock, "now" | "elapsed">;
  /** The server's time minus {@linkcode Clock.elapsed}, which does not jump when somebody sets the clock. */
  #offsetMs: number | undefined;

  constructor(clock: Pick<Clock, "now" | "elapsed">) {
    this.#clock = clock;
  }

  /** Takes note of the `date` of an authenticated answer. */
  heard(date: string | null | undefined): void {
    const ms = Date.parse(date ?? "");
    if (Number.isNaN(ms)) return;
    const offsetMs = ms - this.#clock.elapsed();
    if (Math.abs(offsetMs - (this.#offsetMs ?? Infinity)) > TOLERANCE_MS) this.#offsetMs = offsetMs;
  }

  /** Whether it is the server's. */
  get isKnown(): boolean {
    return this.#offsetMs !== undefined;
  }

  /** Milliseconds since 1970, by the server's clock. */
  now(): number {
    return this.#offsetMs === undefined
      ? this.#clock.now()
      : this.#clock.elapsed() + this.#offsetMs;
  }

  /** How far the machine's clock is ahead of the server's; 0 while nothing is known. */
  get aheadMs(): number {
    return this.#offsetMs === undefined ? 0 : this.#clock.now() - this.now();
  }
}
