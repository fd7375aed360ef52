/** Upper bounds of the latency histogram in milliseconds; a last bucket takes what is above. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** What a backend has done since the proxy started. Plain data: counters only grow, `inFlight` is a gauge. */
export interface BackendCounts {
  /** Requests (for TCP: connections) whose turn it was, answered or not. */
  requests: number;
  inFlight: number;
  /** Answers by first digit of their status: `[1xx, 2xx, 3xx, 4xx, 5xx]`, the proxy's own included. */
  answers: number[];
  /** Requests sent again, to the same backend. */
  retries: number;
  /** Requests that no endpoint answered. */
  failures: number;
  /** Per bucket of {@linkcode LATENCY_BOUNDS_MS}, until the last byte of the answer. */
  latency: number[];
  latencySumMs: number;
}

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
