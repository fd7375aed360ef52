import { ownField } from "../../lib/own_field.ts";
import { msOf } from "../../lib/timestamp.ts";
import type { Job } from "../../resources/batch/jobs.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { containersInRoles } from "../../resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";

// What is known of one pod of a Job. Kubernetes: `pkg/controller/job` in all of this folder.

/** Holds a pod until its Job has counted it. https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers */
export const TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking";
/** Annotation and label: which of the indexes of its Job a pod has. */
export const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";
/** Annotations: how many pods of the index failed before this one, and how many of them do not count. */
export const INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count";
export const INDEX_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count";

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === "Indexed";
}

/** Whether a pod is only replaced when it has come to its end, not already when it is being deleted. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;
}

/** Whether the Job has still to count the pod. */
export function isTracked({ metadata: { finalizers = [] } }: Pod): boolean {
  return finalizers.includes(TRACKING_FINALIZER);
}

export function withoutTracking(pod: Pod): Pod {
  const { finalizers = [], ...metadata } = pod.metadata;
  const others = finalizers.filter((finalizer) => finalizer !== TRACKING_FINALIZER);
  return {
    ...pod,
    metadata: others.length === 0 ? metadata : { ...metadata, finalizers: others },
  };
}

export function withTracking(pod: Pod): Pod {
  if (isTracked(pod)) return pod;
  const finalizers = [...pod.metadata.finalizers ?? [], TRACKING_FINALIZER];
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}

/** The index of a pod; `undefined` for none, and for one that the Job does not have. */
export function indexOf(pod: Pod, { spec: { completions = 0 } }: Job): number | undefined {
  const index = numberIn(pod, COMPLETION_INDEX);
  return index !== undefined && index < completions ? index : undefined;
}

/** Failures of the index before this pod. */
export function failuresBefore(pod: Pod): { counted: number; ignored: number } {
  return {
    counted: numberIn(pod, INDEX_FAILURES) ?? 0,
    ignored: numberIn(pod, INDEX_IGNORED_FAILURES) ?? 0,
  };
}

function numberIn({ metadata: { annotations = {} } }: Pod, key: string): number | undefined {
  const text = ownField(annotations, key) ?? "";
  if (!/^\+?[0-9]+$/.test(text)) return undefined;
  const number = Number(text);
  return number < 2 ** 31 ? number : undefined;
}

export function hasSucceeded({ status }: Pod): boolean {
  return status.phase === "Succeeded";
}

/** One that is being deleted has failed, too: it may be gone before its end is known. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status.phase === "Failed") return true;
  if (replacesOnlyFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod);
}

/** Whether it is being deleted and has not come to its end. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);
}

/** When the pod ended, as well as can be told; never `undefined`. */
export function endedMs(pod: Pod): number {
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const ofContainers = containersEndedMs(pod);
  if (ofContainers !== undefined) return ofContainers;
  const ready = conditionOf(pod.status.conditions, "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime !== undefined) {
    return msOf(ready.lastTransitionTime);
  }
  if (deletionTimestamp === undefined) return msOf(creationTimestamp);
  return msOf(deletionTimestamp) - deletionGracePeriodSeconds * 1_000;
}

/** The end of the last container, sidecars included; `undefined` while one has none. */
function containersEndedMs({ spec, status }: Pod): number | undefined {
  const sidecars = new Set(containersInRoles(spec, "sidecar").map(({ name }) => name));
  const ends = [
    ...status.containerStatuses ?? [],
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ].map(({ state }) => state?.terminated?.finishedAt);
  if (ends.length === 0 || ends.includes(undefined)) return undefined;
  return Math.max(...ends.map(msOf));
}
