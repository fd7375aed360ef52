import { expositionOf, type Metric } from "./exposition.ts";

/** What a proxy has counted of the requests to a set behind a Service. */
export interface SetTraffic {
  namespace: string;
  service: string;
  port: number;
  /** `rollouts-pod-template-hash` of the set. */
  hash: string;
  proxy: string;
  counts: { requests: number; failures: number; answers: readonly number[] };
}

/** The counts of the proxies for the sets of rollouts: how traffic is split in fact, and how it fares. */
export function setTrafficMetrics(all: readonly SetTraffic[]): string {
  const counted = (
    name: string,
    help: string,
    countOf: (counts: SetTraffic["counts"]) => number,
  ) => ({
    name: `coracle_rollout_${name}_total`,
    help,
    type: "counter" as const,
    samples: all.map(({ namespace, service, port, hash, proxy, counts }) => ({
      labels: { namespace, service, port: String(port), hash, proxy },
      value: countOf(counts),
    })),
  });
  const metrics: Metric[] = [
    counted("requests", "Requests that a proxy has sent to a set.", ({ requests }) => requests),
    counted(
      "request_errors",
      "Requests to a set that failed or were answered with 5xx.",
      ({ failures, answers }) => Math.max(failures, answers[4] ?? 0),
    ),
  ];
  return expositionOf(metrics);
}
