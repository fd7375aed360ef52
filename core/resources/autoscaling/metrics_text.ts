import type { MetricSpec, MetricStatus, MetricTarget } from "./autoscaler_shape.ts";

const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";

/** As kubectl writes measurements: `cpu: 20%/80%, 5/10 (avg) + 1 more...`. */
export function metricsText(
  metrics: readonly MetricSpec[],
  statuses: readonly MetricStatus[],
): string {
  if (metrics.length === 0) return "<none>";
  const text = metrics.slice(0, SHOWN_MAX).map((metric, i) => metricText(metric, statuses[i] ?? {}))
    .join(", ");
  return metrics.length > SHOWN_MAX ? `${text} + ${metrics.length - SHOWN_MAX} more...` : text;
}

function metricText(metric: MetricSpec, status: MetricStatus): string {
  switch (metric.type) {
    case "External":
      return valueText(metric.external?.target, status.external?.current);
    case "Object":
      return valueText(metric.object?.target, status.object?.current);
    case "Pods": {
      const current = status.pods?.current.averageValue ?? UNKNOWN;
      return `${current}/${metric.pods?.target.averageValue ?? ""}`;
    }
    case "Resource":
      return usageText(metric.resource, status.resource?.current);
    case "ContainerResource":
      return usageText(metric.containerResource, status.containerResource?.current);
    default:
      return "<unknown type>";
  }
}

type Current = NonNullable<MetricStatus["resource"]>["current"];

function valueText({ value, averageValue }: MetricTarget = {}, current: Current = {}): string {
  return averageValue === undefined
    ? `${current.value ?? UNKNOWN}/${value ?? ""}`
    : `${current.averageValue ?? UNKNOWN}/${averageValue} (avg)`;
}

function usageText(
  { name = "", target = {} }: { name?: string; target?: MetricTarget } = {},
  { averageValue, averageUtilization }: Current = {},
): string {
  if (target.averageValue !== undefined) {
    return `${name}: ${averageValue ?? UNKNOWN}/${target.averageValue}`;
  }
  const percent = (share: number | undefined, none: string) =>
    share === undefined ? none : `${share}%`;
  const wanted = percent(target.averageUtilization, "<auto>");
  return `${name}: ${percent(averageUtilization, UNKNOWN)}/${wanted}`;
}
