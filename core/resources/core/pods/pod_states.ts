import { msOf } from "../../../lib/timestamp.ts";
import type { KubeObject } from "../../resource.ts";
import type { PodStatus } from "./pod_status.ts";
import { conditionOf, isConditionTrue, withCondition } from "../../conditions.ts";

interface Pod extends KubeObject {
  status: PodStatus;
}

/** Whether the pod has run to its end. */
export function isFinished(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** Whether the pod runs, or will, and is not ending: Kubernetes' `IsPodActive`. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status.conditions, "Ready");
}

/** Since when the pod has been ready; `undefined` when it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = conditionOf(pod.status.conditions, "Ready");
  return ready?.status === "True" ? msOf(ready.lastTransitionTime) : undefined;
}

/**
 * Milliseconds until the pod counts as available, having been ready for long enough: 0 when it does,
 * `undefined` when it is not ready. Kubernetes: `podutil.IsPodAvailable`.
 *
 * Since when it is ready its agent says, by the clock of its machine. One that runs ahead by more than the wait is not
 * waited for: that could take hours.
 */
export function availableInMs(
  pod: Pod,
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (minReadySeconds === 0) return isReady(pod) ? 0 : undefined;
  const sinceMs = readySinceMs(pod);
  if (sinceMs === undefined) return undefined;
  const waitMs = minReadySeconds * 1_000;
  const isAhead = sinceMs - nowMs > waitMs;
  return isAhead ? 0 : Math.max(0, sinceMs + waitMs - nowMs);
}

/** How often the containers of the pod have been started anew: the most of any. */
export function restartsOf(pod: Pod): number {
  return Math.max(0, ...pod.status.containerStatuses?.map((status) => status.restartCount) ?? []);
}

/**
 * The pod with the condition that says why it is about to be deleted.
 * https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
 */
export function withDisruptionTarget<P extends Pod>(
  pod: P,
  why: { reason: string; message: string },
  nowMs: number,
): P {
  const { generation } = pod.metadata;
  const condition = {
    type: "DisruptionTarget",
    status: "True" as const,
    ...why,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
  const conditions = withCondition(pod.status.conditions, condition, nowMs);
  return { ...pod, status: { ...pod.status, conditions } };
}
