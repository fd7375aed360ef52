import type { SeedBegun } from "./watchdog_thread.ts";

/** A seed takes a tenth of a second; one that takes as long as this, even on a busy machine, takes for ever. */
const SEED_MS_MAX = 60_000;

/**
 * Ends this process when a seed loops without time going on, which the seed's own thread cannot: there, one promise
 * follows the other and nothing else gets its turn. Says the seed before, as a bad one is said.
 */
export class Watchdog {
  readonly #thread = new Worker(new URL("./watchdog_thread.ts", import.meta.url), {
    type: "module",
  });
  readonly #seedMsMax: number;

  constructor(seedMsMax = SEED_MS_MAX) {
    this.#seedMsMax = seedMsMax;
  }

  /** The same seeds; each has to be done when the next one is asked for. */
  *over(seeds: Iterable<number>): Generator<number> {
    try {
      for (const seed of seeds) {
        this.#thread.postMessage({ seed, msMax: this.#seedMsMax } satisfies SeedBegun);
        yield seed;
      }
    } finally {
      this.#thread.terminate();
    }
  }
}
