import { type BackendCounts, LATENCY_BOUNDS_MS } from "../../core/traffic/backend_counts.ts";

/** All counts at zero. */
export function noCounts(): BackendCounts {
  return {
    requests: 0,
    inFlight: 0,
    answers: [0, 0, 0, 0, 0],
    retries: 0,
    failures: 0,
    latency: new Array(LATENCY_BOUNDS_MS.length + 1).fill(0),
    latencySumMs: 0,
  };
}

/** Counts an answer and how long it took. */
export function countAnswer(counts: BackendCounts, status: number, tookMs: number): void {
  const kind = Math.floor(status / 100) - 1;
  if (kind >= 0 && kind < 5) counts.answers[kind]!++;
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MS.length && tookMs > LATENCY_BOUNDS_MS[bucket]!) bucket++;
  counts.latency[bucket]!++;
  counts.latencySumMs += tookMs;
}

/** The counts of several worker threads as one. */
export function sumOfCounts(all: readonly BackendCounts[]): BackendCounts {
  const sum = noCounts();
  for (const counts of all) {
    sum.requests += counts.requests;
    sum.inFlight += counts.inFlight;
    sum.retries += counts.retries;
    sum.failures += counts.failures;
    sum.latencySumMs += counts.latencySumMs;
    counts.answers.forEach((count, i) => sum.answers[i]! += count);
    counts.latency.forEach((count, i) => sum.latency[i]! += count);
  }
  return sum;
}
