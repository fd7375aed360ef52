import type { AnyResource } from "../resource.ts";
import { nodeMetrics } from "./node_metrics.ts";
import { podMetrics } from "./pod_metrics.ts";

export const METRICS_KINDS: readonly AnyResource[] = [nodeMetrics, podMetrics];
