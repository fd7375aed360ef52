/** Samples of one metric in Prometheus' text format, version 0.0.4. */
export interface Metric {
  name: string;
  help: string;
  type: "counter" | "gauge";
  /** `atMs` is left out where the kubelet leaves it out. */
  samples: readonly { labels: Readonly<Record<string, string>>; value: number; atMs?: number }[];
}

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. A metric without samples is left out. */
export function expositionOf(metrics: readonly Metric[]): string {
  return metrics.filter(({ samples }) => samples.length > 0).flatMap((metric) => [
    `# HELP ${metric.name} ${metric.help}`,
    `# TYPE ${metric.name} ${metric.type}`,
    ...metric.samples.map(({ labels, value, atMs }) =>
      `${metric.name}${labelsText(labels)} ${value}${atMs === undefined ? "" : ` ${atMs}`}`
    ),
  ]).map((line) => `${line}\n`).join("");
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
