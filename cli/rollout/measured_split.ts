import type { Clock } from "../../core/lib/clock.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { MeasuredWeight } from "./summary/rollout_info.ts";

/** Over this time a split is measured. */
const WINDOW_MS = 5_000;
/** At most so often the server is asked. */
const ASK_MS = 1_000;
const METRIC = "coracle_rollout_requests_total";

interface Reading {
  atMs: number;
  /** Requests so far, by the hash of the set. */
  requests: ReadonlyMap<string, number>;
}

/** How requests are split in fact, by what the proxies of a Coracle server have counted. */
export class MeasuredSplit {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  #readings: Reading[] = [];
  #askedMs = -Infinity;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Reads the counts, unless that was done a moment ago. Elsewhere, or for who may not, there are none. */
  async read(): Promise<void> {
    const atMs = this.#clock.elapsed();
    if (atMs - this.#askedMs < ASK_MS) return;
    this.#askedMs = atMs;
    const text = await this.#cluster.text("/metrics");
    if (text === undefined) return;
    const requests = requestsIn(text, this.#cluster.namespace);
    const isRecent = (reading: Reading) => atMs - reading.atMs <= WINDOW_MS;
    this.#readings = [...this.#readings.filter(isRecent), { atMs, requests }];
  }

  /** The canary's share of the requests to both sets; `undefined` when none were seen. */
  weightOf({ canary, stable }: { canary: string; stable: string }): MeasuredWeight | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (first === undefined || last === undefined || first === last || canary === stable) return;
    const since = (hash: string) =>
      Math.max(0, (last.requests.get(hash) ?? 0) - (first.requests.get(hash) ?? 0));
    const requests = since(canary) + since(stable);
    if (requests === 0) return undefined;
    return {
      weight: Math.round(1_000 * since(canary) / requests) / 10,
      requests,
      seconds: Math.round((last.atMs - first.atMs) / 1_000),
    };
  }
}

/** Lines such as `name{namespace="shop",service="web-canary",port="80",hash="6c58",proxy="edge"} 12`. */
function requestsIn(text: string, namespace: string): Map<string, number> {
  const all = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${METRIC}{`) || !line.includes(`namespace="${namespace}"`)) continue;
    const [, hash, count] = line.match(/hash="([^"]*)".*\} (\d+)$/) ?? [];
    if (hash !== undefined) all.set(hash, (all.get(hash) ?? 0) + Number(count));
  }
  return all;
}
