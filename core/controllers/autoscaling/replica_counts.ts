import { msOf } from "../../lib/timestamp.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { MetricError, type PodMetric, type PodMetrics } from "./metrics_api.ts";
import { requestsOf } from "./pod_requests.ts";

// How many replicas a measurement asks for. Kubernetes: `pkg/controller/podautoscaler/replica_calculator.go`.

/** kube-controller-manager's `--horizontal-pod-autoscaler-cpu-initialization-period`. */
const CPU_INITIALIZATION_MS = 5 * 60_000;
/** Its `--horizontal-pod-autoscaler-initial-readiness-delay`. */
const READINESS_DELAY_MS = 30_000;

/** Shares by which a measurement may be off before anything is done. */
export interface Tolerances {
  down: number;
  up: number;
}

/** What there is now. */
export interface Scaled {
  /** Replicas that there should be. */
  replicas: number;
  pods: readonly Pod[];
  tolerances: Tolerances;
  nowMs: number;
}

/** How many replicas there should be, by a measurement that is `usage` now. */
export interface Count {
  replicas: number;
  usage: number;
}

function isTolerated(ratio: number, { down, up }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** By a share, in percent, of what pods request. `usage`: the average of a pod. */
export function countByUtilization(
  scaled: Scaled,
  metrics: PodMetrics,
  wanted: { resource: string; container: string | undefined; percent: number },
): Count & { percent: number } {
  const { resource, percent } = wanted;
  const groups = grouped(scaled, metrics, resource);
  const requests = requestsOf(scaled.pods, resource, wanted.container);
  const seen = utilization(groups.metrics, requests, percent);
  const replicas = countByRatio(scaled, groups, seen.ratio, {
    missing: (name) => requests.get(name)! * Math.max(100, percent) / 100,
    ratioOf: (all) => utilization(all, requests, percent).ratio,
  });
  return { replicas, usage: seen.average, percent: seen.percent };
}

/** By an average of a pod. `resource`: what is measured, if it is one that pods request. */
export function countByAverage(
  scaled: Scaled,
  metrics: PodMetrics,
  { resource, target }: { resource: string | undefined; target: number },
): Count {
  const groups = grouped(scaled, metrics, resource);
  const usage = averageOf(groups.metrics);
  const replicas = countByRatio(scaled, groups, usage / target, {
    missing: () => target,
    ratioOf: (all) => averageOf(all) / target,
  });
  return { replicas, usage };
}

/** By a value that all pods together bring about, such as the length of a queue. */
export function countByValue(scaled: Scaled, usage: number, target: number): Count {
  const ratio = usage / target;
  if (scaled.replicas === 0) return { replicas: Math.ceil(ratio), usage };
  if (isTolerated(ratio, scaled.tolerances)) return { replicas: scaled.replicas, usage };
  if (scaled.pods.length === 0) {
    throw new MetricError(`unable to calculate ready pods: ${NO_PODS}`);
  }
  const ready = scaled.pods.filter((pod) => pod.status.phase === "Running" && isReady(pod)).length;
  return { replicas: Math.ceil(ratio * ready), usage };
}

/** By such a value per pod. `present`: replicas that there are. */
export function countByValuePerPod(
  { tolerances }: Scaled,
  { usage, target, present }: { usage: number; target: number; present: number },
): Count {
  const isFine = isTolerated(usage / (target * present), tolerances);
  const replicas = isFine ? present : Math.min(Math.ceil(usage / target), 2 ** 31 - 1);
  return { replicas, usage: present === 0 ? 0 : Math.ceil(usage / present) };
}

const NO_PODS = "no pods returned by selector while calculating replica count";

/** Pods by what their measurements are worth. */
interface Groups {
  ready: number;
  unready: readonly string[];
  missing: readonly string[];
  /** Those of ready pods. */
  metrics: PodMetrics;
}

function grouped(
  { pods, nowMs }: Scaled,
  metrics: PodMetrics,
  resource: string | undefined,
): Groups {
  if (pods.length === 0) throw new MetricError(NO_PODS);
  const names: Record<Worth, string[]> = { ready: [], unready: [], missing: [], ignored: [] };
  for (const pod of pods) {
    const { name } = pod.metadata;
    names[worthOf(pod, metrics.get(name), { resource, nowMs })].push(name);
  }
  const left = new Map(metrics);
  for (const name of [...names.ignored, ...names.unready]) left.delete(name);
  if (left.size === 0) {
    throw new MetricError("did not receive metrics for targeted pods (pods might be unready)");
  }
  const { ready, unready, missing } = names;
  return { ready: ready.length, unready, missing, metrics: left };
}

type Worth = "ready" | "unready" | "missing" | "ignored";

function worthOf(
  { metadata, status }: Pod,
  metric: PodMetric | undefined,
  { resource, nowMs }: { resource: string | undefined; nowMs: number },
): Worth {
  if (metadata.deletionTimestamp !== undefined || status.phase === "Failed") return "ignored";
  if (status.phase === "Pending") return "unready";
  if (metric === undefined) return "missing";
  const isUnready = resource === "cpu" && isStarting(status, metric, nowMs);
  return isUnready ? "unready" : "ready";
}

/** What a pod uses of the processor while it starts says nothing of what it will use. */
function isStarting(status: Pod["status"], metric: PodMetric, nowMs: number): boolean {
  const ready = conditionOf(status.conditions, "Ready");
  if (ready === undefined || status.startTime === undefined) return true;
  const [startMs, changeMs] = [msOf(status.startTime), msOf(ready.lastTransitionTime)];
  const isUnready = ready.status === "False";
  if (startMs + CPU_INITIALIZATION_MS > nowMs) {
    return isUnready || metric.timestampMs < changeMs + metric.windowMs;
  }
  return isUnready && startMs + READINESS_DELAY_MS > changeMs;
}

/**
 * Pods without a measurement count as if they did not change anything, those that are not ready yet as using nothing;
 * if that would turn the direction, nothing is done.
 */
function countByRatio(
  { replicas, tolerances }: Scaled,
  { ready, unready, missing, metrics }: Groups,
  ratio: number,
  { missing: valueOfMissing, ratioOf }: {
    missing: (name: string) => number;
    ratioOf: (metrics: PodMetrics) => number;
  },
): number {
  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0) {
    return isTolerated(ratio, tolerances) ? replicas : Math.ceil(ratio * ready);
  }
  const all = new Map(metrics);
  const add = (name: string, value: number) =>
    all.set(name, { value, timestampMs: 0, windowMs: 0 });
  if (ratio !== 1) { for (const name of missing) add(name, ratio < 1 ? valueOfMissing(name) : 0); }
  if (countsUnready) { for (const name of unready) add(name, 0); }
  const next = ratioOf(all);
  if (isTolerated(next, tolerances) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) {
    return replicas;
  }
  const count = Math.ceil(next * all.size);
  return (next < 1 && count > replicas) || (next > 1 && count < replicas) ? replicas : count;
}

/** Whole numbers throughout, as Kubernetes counts. */
function utilization(
  metrics: PodMetrics,
  requests: ReadonlyMap<string, number>,
  target: number,
): { ratio: number; percent: number; average: number } {
  const known = [...metrics].filter(([name]) => requests.has(name));
  const used = known.reduce((sum, [, { value }]) => sum + Math.trunc(value), 0);
  const requested = known.reduce((sum, [name]) => sum + requests.get(name)!, 0);
  if (requested === 0) throw new MetricError("no metrics returned matched known pods");
  const percent = Math.trunc(used * 100 / requested);
  return { ratio: percent / target, percent, average: Math.trunc(used / known.length) };
}

function averageOf(metrics: PodMetrics): number {
  const sum = [...metrics.values()].reduce((sum, { value }) => sum + value, 0);
  return Math.trunc(sum / metrics.size);
}
