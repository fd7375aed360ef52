import type { JobStatus } from "../../resources/batch/job_shape.ts";
import { isConditionTrue } from "../../resources/conditions.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { hasIndex, indexText, sizeOf } from "./index_set.ts";
import type { JobCounts, JobEnd } from "./job_counts.ts";
import { hasFailed, hasSucceeded, indexOf, isIndexed, isTracked } from "./job_pods.ts";
import { failureVerdict } from "./pod_failure_policy.ts";

/** Ended pods that one status names at most: Kubernetes' `MaxUncountedPods`; they take about 20 KB. */
const UNCOUNTED_MAX = 500;

/** How ended pods are counted, and which pods need be held no longer. */
export interface Tracking {
  status: Pick<
    JobStatus,
    "succeeded" | "failed" | "completedIndexes" | "failedIndexes" | "uncountedTerminatedPods"
  >;
  /** Pods that may lose their finalizer once the status is written. */
  released: readonly Pod[];
  /** Whether the status names no pod, and there is none left that it would have to. */
  isDone: boolean;
}

/**
 * Counts each ended pod once, whenever the server stops: first the status names it, then the pod loses its finalizer,
 * then the number grows and the name goes, in one write. Pods with an index need no name: the index is in the status.
 *
 * https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers
 */
export function trackingOf(counts: JobCounts, end: JobEnd | undefined): Tracking {
  const { job, pods, completed, failedIndexes } = counts;
  const tracked = pods.filter(isTracked);
  const held = new Set(tracked.map(({ metadata }) => metadata.uid));
  const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {};
  const names = {
    succeeded: succeeded.filter((uid) => held.has(uid)),
    failed: failed.filter((uid) => held.has(uid)),
  };
  const numbers = {
    succeeded: (job.status.succeeded ?? 0) + succeeded.length - names.succeeded.length,
    failed: (job.status.failed ?? 0) + failed.length - names.failed.length,
  };
  const found = newlyEnded(counts, tracked, end);
  const all = {
    succeeded: [...names.succeeded, ...found.succeeded],
    failed: [...names.failed, ...found.failed],
  };
  return {
    status: {
      ...countOf("succeeded", isIndexed(job) ? sizeOf(completed) : numbers.succeeded),
      ...countOf("failed", numbers.failed),
      ...(isIndexed(job) && completed.length > 0 && { completedIndexes: indexText(completed) }),
      ...(failedIndexes && { failedIndexes: indexText(failedIndexes) }),
      uncountedTerminatedPods: {
        ...(all.succeeded.length > 0 && { succeeded: all.succeeded }),
        ...(all.failed.length > 0 && { failed: all.failed }),
      },
    },
    released: found.released,
    isDone: found.released.length + all.succeeded.length + all.failed.length === 0,
  };
}

function countOf<N extends string>(name: N, count: number): { [name in N]?: number } {
  return (count === 0 ? {} : { [name]: count }) as { [name in N]?: number };
}

interface Ended {
  succeeded: string[];
  failed: string[];
  released: Pod[];
}

function newlyEnded(counts: JobCounts, tracked: readonly Pod[], end: JobEnd | undefined): Ended {
  const { job, uncounted } = counts;
  const ended: Ended = { succeeded: [], failed: [], released: [] };
  let found = 0;
  for (const pod of inIndexOrder(counts, tracked)) {
    if (found >= UNCOUNTED_MAX) break;
    if (!mayBeReleased(counts, pod, end)) continue;
    ended.released.push(pod);
    const { uid } = pod.metadata;
    const index = indexOf(pod, job);
    if (uncounted.failed.has(uid) || uncounted.succeeded.has(uid)) continue;
    if (hasSucceeded(pod)) {
      if (!isIndexed(job)) ended.succeeded.push(uid);
      else if (index === undefined || hasIndex(counts.completedBefore, index)) continue;
      found++;
    } else if (isFailure(counts, pod, end)) {
      if (isIndexed(job) && index === undefined) continue;
      if (!failureVerdict(pod, job).isCounted) continue;
      ended.failed.push(uid);
      found++;
    }
  }
  return ended;
}

/** A Job that fails has all of its pods failed; one that succeeds without some of them has not. */
function isFailure({ job }: JobCounts, pod: Pod, end: JobEnd | undefined): boolean {
  if (end?.type === "FailureTarget") return true;
  const isSpared = end !== undefined && pod.metadata.deletionTimestamp !== undefined;
  return hasFailed(pod, job) && !isSpared;
}

function inIndexOrder({ job }: JobCounts, pods: readonly Pod[]): readonly Pod[] {
  if (!isIndexed(job)) return pods;
  return [...pods].sort((a, b) => (indexOf(a, job) ?? -1) - (indexOf(b, job) ?? -1));
}

function mayBeReleased(
  { job, replaced }: JobCounts,
  pod: Pod,
  end: JobEnd | undefined,
): boolean {
  const isOver = job.metadata.deletionTimestamp !== undefined || end !== undefined;
  if (isOver || hasSucceeded(pod)) return true;
  if (!hasFailed(pod, job)) return false;
  const index = indexOf(pod, job);
  return index === undefined || replaced.get(index) !== pod;
}

/** Whether the Job has come to its end, for good. */
export function isOver({ conditions }: JobStatus): boolean {
  return isConditionTrue(conditions, "Complete") || isConditionTrue(conditions, "Failed");
}
