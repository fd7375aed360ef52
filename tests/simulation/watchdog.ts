import type { SeedBegun } from "./watchdog_thread.ts";

/** CPU time. A seed takes a tenth of a second; one that takes this long never ends. */
const SEED_MS_MAX = 30_000;

/**
 * Ends this process when a seed loops while virtual time stands still. The seed's own thread cannot: there, one promise
 * follows the other and nothing else gets a turn. Reports the seed first, as a failed one is reported.
 */
export class Watchdog {
  readonly #thread = new Worker(new URL("./watchdog_thread.ts", import.meta.url), {
    type: "module",
  });
  readonly #seedMsMax: number;

  constructor(seedMsMax = SEED_MS_MAX) {
    this.#seedMsMax = seedMsMax;
  }

  /** Yields the seeds; each must be finished when the next one is requested. */
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
