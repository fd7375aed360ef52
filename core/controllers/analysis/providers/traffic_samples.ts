import type { CountsByPlace } from "./traffic_counts.ts";

/** Readings of a set and of the one that it is compared with. */
export interface TrafficSample {
  /** On a clock that does not jump. */
  atMs: number;
  counts: CountsByPlace;
  baseline: CountsByPlace;
}

/** Metrics of which readings are kept; of more, those that were asked for longest ago are forgotten. */
const METRICS_MAX = 1_000;
/** Readings of one metric. */
const SAMPLES_MAX = 200;

/** The readings of each metric that is being measured. In memory: after a restart proxies count anew, too. */
export class TrafficSamples {
  readonly #kept = new Map<string, TrafficSample[]>();

  /**
   * The reading that a window which ends now begins with: the newest that is old enough, or else the oldest; and keeps
   * what later windows may need. `key`: of the metric of one run, and the sets that it is about.
   */
  startFor(key: string, now: TrafficSample, windowMs: number): TrafficSample | undefined {
    const samples = this.#kept.get(key) ?? [];
    const old = samples.findLastIndex(({ atMs }) => now.atMs - atMs >= windowMs);
    const needed = samples.slice(Math.max(0, old));
    const start = needed[0];
    this.#kept.delete(key);
    this.#kept.set(key, [...thinned(needed), now]);
    if (this.#kept.size > METRICS_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    return start;
  }
}

/** Few enough: the oldest stays. */
function thinned(samples: readonly TrafficSample[]): readonly TrafficSample[] {
  return samples.length < SAMPLES_MAX
    ? samples
    : [samples[0]!, ...samples.slice(1 - SAMPLES_MAX / 2)];
}
