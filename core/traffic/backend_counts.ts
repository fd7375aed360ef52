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
