import type { View } from "../../core/client/client.ts";
import { rollouts } from "../../core/resources/argoproj/mod.ts";
import type { ServedTraffic } from "../../core/traffic/served_traffic.ts";

export interface MetricsOptions {
  view: View;
  traffic: Pick<ServedTraffic, "counts">;
  /** Version of the product, e.g. `0.1.0`. */
  version: string;
}

/** What Prometheus is told, in its own format, each time that it is asked for. The code is loaded at the first time. */
export function clusterMetrics({ view, traffic, version }: MetricsOptions): () => Promise<string> {
  return async () => {
    const { rolloutMetrics } = await import("../../core/usage/rollout_metrics.ts");
    const { setTrafficMetrics } = await import("../../core/usage/set_traffic_metrics.ts");
    const namespaces = new Set(view.list(rollouts).map(({ metadata }) => metadata.namespace));
    const counts = await Promise.all([...namespaces].map((each) => traffic.counts(each)));
    return rolloutMetrics(view, version) + setTrafficMetrics(counts.flat());
  };
}
