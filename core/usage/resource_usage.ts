import { timestamp } from "../lib/timestamp.ts";
import type { NodeMetrics } from "../resources/metrics/node_metrics.ts";
import type { PodMetrics } from "../resources/metrics/pod_metrics.ts";
import { formatDuration } from "../schema/durations.ts";
import { formatQuantity } from "../schema/quantities.ts";
import type { CpuUsage, MemoryUsage, NodeReport, PodReport } from "./node_report.ts";

/** Labels of what is measured, which its measurements have too. */
type Labels = Readonly<Record<string, string>> | undefined;

const MEASURED = { apiVersion: "metrics.k8s.io/v1beta1" };

/** What a report says of the node; `undefined` as long as there is no window. Pure. */
export function nodeMetricsOf(report: NodeReport, labels: Labels): NodeMetrics | undefined {
  const { node: name, cpu, memory, atMs } = report;
  const usage = usageOf(cpu, memory);
  if (usage === undefined) return undefined;
  return {
    ...{ ...MEASURED, kind: "NodeMetrics", metadata: metadataOf({ name, labels, atMs }) },
    ...timesOf(report, cpu),
    usage,
  };
}

/** What a report says of one of its pods; `undefined` as long as a container has no window, or there is none. Pure. */
export function podMetricsOf(
  report: NodeReport,
  { name, namespace, containers }: PodReport,
  labels: Labels,
): PodMetrics | undefined {
  const measured = containers.map(({ name, cpu, memory }) => ({
    name,
    usage: usageOf(cpu, memory),
  }));
  const known = measured.flatMap(({ name, usage }) => usage ? [{ name, usage }] : []);
  if (known.length === 0 || known.length < measured.length) return undefined;
  const metadata = metadataOf({ name, namespace, labels, atMs: report.atMs });
  const longest = containers.map(({ cpu }) => cpu)
    .reduce((a, b) => b.rate!.windowMs > a.rate!.windowMs ? b : a);
  return {
    ...{ ...MEASURED, kind: "PodMetrics", metadata },
    ...timesOf(report, longest),
    containers: known,
  };
}

/** Never stored: nothing else is known of it. */
function metadataOf(
  { atMs, labels, ...names }: { name: string; namespace?: string; labels: Labels; atMs: number },
) {
  return {
    ...names,
    creationTimestamp: timestamp(atMs),
    ...(labels && { labels }),
  } as PodMetrics["metadata"];
}

function timesOf({ atMs }: NodeReport, { rate }: CpuUsage) {
  return {
    timestamp: timestamp(atMs),
    window: formatDuration(Math.round(rate?.windowMs ?? 0)),
  };
}

/** As metrics-server writes it: nanocores, and bytes. */
function usageOf({ rate }: CpuUsage, { workingSetBytes }: MemoryUsage) {
  if (rate === undefined) return undefined;
  return {
    cpu: formatQuantity({ nanos: BigInt(Math.round(rate.perSecond)), format: "decimal" }),
    memory: formatQuantity({
      nanos: BigInt(Math.round(workingSetBytes)) * 1_000_000_000n,
      format: "binary",
    }),
  };
}
