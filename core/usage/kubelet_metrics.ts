import { expositionOf, type Metric } from "./exposition.ts";
import type { ContainerReport, NodeReport, PodReport } from "./node_report.ts";
import { sumOfCpu, sumOfMemory } from "./summary.ts";

const SECOND_NANOS = 1e9;

/** `/metrics/resource`: `pkg/kubelet/metrics/collectors/resource_metrics.go`. */
export function resourceMetrics(report: NodeReport): string {
  return expositionOf([
    ...CONTAINER_RESOURCES.map((row) => metricOf(row, samplesOfContainers(report, plainLabels))),
    ...NODE_RESOURCES.map((row) =>
      metricOf(row, (valueOf) => [
        { labels: {}, value: valueOf(report), atMs: report.atMs },
      ])
    ),
    ...POD_RESOURCES.map((row) => metricOf(row, samplesOfPods(report))),
  ]);
}

/** `/metrics/cadvisor`: of what cAdvisor tells, what dashboards ask for most. */
export function cadvisorMetrics(report: NodeReport): string {
  return expositionOf([
    ...CONTAINER_DETAILS.map((row) => metricOf(row, samplesOfContainers(report, fullLabels))),
    ...INTERFACE_DETAILS.map((row) => metricOf(row, samplesOfInterfaces(report))),
  ]);
}

/** What is told of each of some things. `isTimeless`: its samples have no time. */
interface Row<T> {
  name: string;
  help: string;
  type: Metric["type"];
  isTimeless?: true;
  valueOf(of: T): number;
}

const CONTAINER_RESOURCES: readonly Row<ContainerReport>[] = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
    type: "counter",
    valueOf: ({ cpu }) => cpu.totalNanos / SECOND_NANOS,
  },
  {
    name: "container_memory_working_set_bytes",
    help: "[STABLE] Current working set of the container in bytes",
    type: "gauge",
    valueOf: ({ memory }) => memory.workingSetBytes,
  },
  {
    name: "container_start_time_seconds",
    help: "[STABLE] Start time of the container since unix epoch in seconds",
    type: "gauge",
    isTimeless: true,
    valueOf: ({ startedAtMs }) => startedAtMs / 1_000,
  },
];

const NODE_RESOURCES: readonly Row<NodeReport>[] = [
  {
    name: "node_cpu_usage_seconds_total",
    help: "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
    type: "counter",
    valueOf: ({ cpu }) => cpu.totalNanos / SECOND_NANOS,
  },
  {
    name: "node_memory_working_set_bytes",
    help: "[STABLE] Current working set of the node in bytes",
    type: "gauge",
    valueOf: ({ memory }) => memory.workingSetBytes,
  },
  {
    name: "resource_scrape_error",
    help: "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
    type: "gauge",
    isTimeless: true,
    valueOf: () => 0,
  },
];

const POD_RESOURCES: readonly Row<PodReport>[] = [
  {
    name: "pod_cpu_usage_seconds_total",
    help: "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
    type: "counter",
    valueOf: ({ containers }) => sumOfCpu(containers).totalNanos / SECOND_NANOS,
  },
  {
    name: "pod_memory_working_set_bytes",
    help: "[STABLE] Current working set of the pod in bytes",
    type: "gauge",
    valueOf: ({ containers }) => sumOfMemory(containers).workingSetBytes,
  },
];

const CONTAINER_DETAILS: readonly Row<ContainerReport>[] = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "Cumulative cpu time consumed in seconds.",
    type: "counter",
    valueOf: ({ cpu }) => cpu.totalNanos / SECOND_NANOS,
  },
  {
    name: "container_memory_usage_bytes",
    help: "Current memory usage in bytes, including all memory regardless of when it was accessed",
    type: "gauge",
    valueOf: ({ memory }) => memory.usedBytes,
  },
  {
    name: "container_memory_working_set_bytes",
    help: "Current working set in bytes.",
    type: "gauge",
    valueOf: ({ memory }) => memory.workingSetBytes,
  },
  {
    name: "container_memory_rss",
    help: "Size of RSS in bytes.",
    type: "gauge",
    valueOf: ({ memory }) => memory.rssBytes,
  },
  {
    name: "container_processes",
    help: "Number of processes running inside the container.",
    type: "gauge",
    valueOf: ({ processes = 0 }) => processes,
  },
  {
    name: "container_start_time_seconds",
    help: "Start time of the container since unix epoch in seconds.",
    type: "gauge",
    valueOf: ({ startedAtMs }) => Math.floor(startedAtMs / 1_000),
  },
];

const INTERFACE_DETAILS: readonly Row<NetworkInterface>[] = [
  {
    name: "container_network_receive_bytes_total",
    help: "Cumulative count of bytes received",
    type: "counter",
    valueOf: ({ receivedBytes }) => receivedBytes,
  },
  {
    name: "container_network_transmit_bytes_total",
    help: "Cumulative count of bytes transmitted",
    type: "counter",
    valueOf: ({ sentBytes }) => sentBytes,
  },
];

/** `/metrics/probes`: `pkg/kubelet/prober/prober_manager.go`. */
export function probeMetrics({ probes }: NodeReport): string {
  const samples = probes.map(({ pod, namespace, podUid, container, kind, result, count }) => ({
    labels: {
      ...{ container, namespace, pod, pod_uid: podUid },
      probe_type: `${kind[0]!.toUpperCase()}${kind.slice(1)}`,
      result,
    },
    value: count,
  }));
  const help = "[BETA] Cumulative number of a liveness, readiness or startup probe for a " +
    "container by result.";
  return expositionOf([{ name: "prober_probe_total", help, type: "counter", samples }]);
}

type Samples = Metric["samples"];
type NetworkInterface = NonNullable<PodReport["network"]>["interfaces"][number];
type SamplesOf<T> = (valueOf: (of: T) => number) => Samples;

function metricOf<T>(row: Row<T>, samplesOf: SamplesOf<T>): Metric {
  const { name, help, type, isTimeless, valueOf } = row;
  const samples = samplesOf(valueOf);
  if (!isTimeless) return { name, help, type, samples };
  return { name, help, type, samples: samples.map(({ labels, value }) => ({ labels, value })) };
}

function samplesOfPods({ pods, atMs }: NodeReport): SamplesOf<PodReport> {
  return (valueOf) =>
    pods.map((pod) => {
      const { name, namespace } = pod;
      return { labels: { namespace, pod: name }, value: valueOf(pod), atMs };
    });
}

type LabelsOf = (container: ContainerReport, pod: PodReport) => Record<string, string>;

function samplesOfContainers(
  { pods, atMs }: NodeReport,
  labelsOf: LabelsOf,
): SamplesOf<ContainerReport> {
  return (valueOf) =>
    pods.flatMap((pod) =>
      pod.containers.map((container) => ({
        labels: labelsOf(container, pod),
        value: valueOf(container),
        atMs,
      }))
    );
}

function plainLabels({ name: container }: ContainerReport, { name: pod, namespace }: PodReport) {
  return { container, namespace, pod };
}

function fullLabels({ name: container }: ContainerReport, pod: PodReport) {
  const { name, namespace, uid } = pod;
  return {
    container,
    id: `/kubepods/pod${uid}/${container}`,
    name: container,
    namespace,
    pod: name,
  };
}

function samplesOfInterfaces({ pods, atMs }: NodeReport): SamplesOf<NetworkInterface> {
  return (valueOf) =>
    pods.flatMap(({ uid, name: pod, namespace, network }) =>
      (network?.interfaces ?? []).map((each) => ({
        labels: { id: `/kubepods/pod${uid}`, interface: each.name, namespace, pod },
        value: valueOf(each),
        atMs,
      }))
    );
}
