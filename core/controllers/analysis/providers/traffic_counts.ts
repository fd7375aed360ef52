import { type BackendCounts, LATENCY_BOUNDS_MS } from "../../../traffic/backend_counts.ts";
import type { SetCounts } from "../../../traffic/served_traffic.ts";

/** What conditions see of the requests to a set in a time. Plain data: also what is shown as the measurement's value. */
export interface TrafficResult {
  /** Requests that came to their end; for TCP: connections. */
  requests: number;
  /** Per second. */
  rate: number;
  /** Answers of 500 and above, and requests without an answer, per request: 0 to 1. */
  errorRatio: number;
  /** Requests that no pod answered. */
  failures: number;
  /** Requests that were sent again. */
  retries: number;
  /** Percentiles of the time until the last byte of the answer, in milliseconds; infinite when nothing was answered. */
  p50: number;
  p95: number;
  p99: number;
  /** Requests that are under way at present. */
  inFlight: number;
}

/** Counts of one set, by who counted what: a port of a Service in a proxy. */
export type CountsByPlace = ReadonlyMap<string, BackendCounts>;

export interface CountedSet {
  hash: string;
  /** Services whose requests count; absent: all. */
  services?: ReadonlySet<string>;
}

/** The counts of a set. */
export interface CountsOfSet {
  /** The last that each proxy said. */
  counts: CountsByPlace;
  /** The same without the proxies that have not been heard of for long. */
  fresh: CountsByPlace;
  staleProxies: readonly string[];
}

export function countsOfSet(
  all: readonly SetCounts[],
  { hash, services }: CountedSet,
): CountsOfSet {
  const own = all.filter((each) =>
    each.hash === hash && (services === undefined || services.has(each.service))
  );
  const byPlace = (some: readonly SetCounts[]) =>
    new Map(some.map((each) => [`${each.service}:${each.port} ${each.proxy}`, each.counts]));
  const stale = own.filter(({ isStale }) => isStale).map(({ proxy }) => proxy);
  return {
    counts: byPlace(own),
    fresh: byPlace(own.filter(({ isStale }) => !isStale)),
    staleProxies: [...new Set(stale)].sort(),
  };
}

/** What happened between two readings that are `ms` apart. A place that began anew in between counts from its beginning. */
export function trafficBetween(
  before: CountsByPlace,
  after: CountsByPlace,
  ms: number,
): TrafficResult {
  const sum = new Sum();
  for (const [place, counts] of after) {
    const known = before.get(place);
    const isSame = known !== undefined && !hasBegunAnew(known, counts);
    sum.add(counts, isSame ? known : undefined);
  }
  return sum.result(ms);
}

function hasBegunAnew(before: BackendCounts, after: BackendCounts): boolean {
  return after.requests < before.requests ||
    after.latency.some((count, i) => count < before.latency[i]!);
}

class Sum {
  #finished = 0;
  #serverErrors = 0;
  #failures = 0;
  #retries = 0;
  #inFlight = 0;
  readonly #latency: number[] = new Array(LATENCY_BOUNDS_MS.length + 1).fill(0);

  add(counts: BackendCounts, before: BackendCounts | undefined): void {
    const finishedOf = (each: BackendCounts) => each.requests - each.inFlight;
    this.#finished += Math.max(0, finishedOf(counts) - (before ? finishedOf(before) : 0));
    this.#serverErrors += counts.answers[4]! - (before?.answers[4] ?? 0);
    this.#failures += counts.failures - (before?.failures ?? 0);
    this.#retries += counts.retries - (before?.retries ?? 0);
    this.#inFlight += counts.inFlight;
    counts.latency.forEach((count, i) => this.#latency[i]! += count - (before?.latency[i] ?? 0));
  }

  /** A failure over HTTP is answered by the proxy with 500 and above, so that it is among the errors already. */
  result(ms: number): TrafficResult {
    const errors = Math.max(this.#serverErrors, this.#failures);
    return {
      requests: this.#finished,
      rate: ms > 0 ? rounded(this.#finished / (ms / 1000)) : 0,
      errorRatio: this.#finished > 0 ? rounded(Math.min(1, errors / this.#finished)) : 0,
      failures: this.#failures,
      retries: this.#retries,
      p50: percentile(this.#latency, 0.5),
      p95: percentile(this.#latency, 0.95),
      p99: percentile(this.#latency, 0.99),
      inFlight: this.#inFlight,
    };
  }
}

/** The value below which a share of all lies, read linearly within its bucket; in the last one its lower bound. */
export function percentile(latency: readonly number[], share: number): number {
  const total = latency.reduce((sum, count) => sum + count, 0);
  if (total === 0) return Infinity;
  const rank = share * total;
  let below = 0;
  for (const [i, count] of latency.entries()) {
    if (count > 0 && below + count >= rank) {
      const lower = i === 0 ? 0 : LATENCY_BOUNDS_MS[i - 1]!;
      const upper = LATENCY_BOUNDS_MS[i];
      if (upper === undefined) return lower;
      return rounded(lower + (upper - lower) * (rank - below) / count);
    }
    below += count;
  }
  return LATENCY_BOUNDS_MS.at(-1)!;
}

/** To six digits after the point: what is behind is noise, and would be shown. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
