import { conditionOf, isConditionTrue } from "../../resources/conditions.ts";
import type { Job } from "../../resources/batch/jobs.ts";
import { isActive } from "../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { hasIndex, type IndexSet, indexSetIn, indexSetOf, sizeOf, union } from "./index_set.ts";
import { type EndedPods, mergedEnds } from "./job_backoff.ts";
import {
  endedMs,
  failuresBefore,
  hasFailed,
  hasSucceeded,
  indexOf,
  isIndexed,
  isTerminating,
  isTracked,
} from "./job_pods.ts";
import { failureVerdict } from "./pod_failure_policy.ts";

/** What a Job and its pods say at one moment. */
export interface JobCounts {
  job: Job;
  pods: readonly Pod[];
  active: readonly Pod[];
  terminating: readonly Pod[];
  /** Ended pods that the status names and the numbers do not have yet. */
  uncounted: { succeeded: ReadonlySet<string>; failed: ReadonlySet<string> };
  /** All of them, those that are not counted yet included. */
  succeeded: number;
  failed: number;
  /** Indexes that the status has as completed. */
  completedBefore: IndexSet;
  /** With those of pods that the status does not know of yet. */
  completed: IndexSet;
  /** `undefined` when indexes have no limits of their own. */
  failedIndexes: IndexSet | undefined;
  /** Failed pods that stay until another pod of their index has taken over their numbers of failures. */
  replaced: ReadonlyMap<number, Pod>;
  ended: EndedPods;
}

/** `past`: what is known of pods that may be gone. */
export function countsOf(job: Job, pods: readonly Pod[], past: EndedPods): JobCounts {
  const { status, spec: { completions = 0 } } = job;
  const active = pods.filter(isActive);
  const fresh = pods.filter((pod) =>
    isTracked(pod) && (!isIndexed(job) || indexOf(pod, job) !== undefined)
  );
  const { uncounted, ...numbers } = numbersOf(job, fresh);
  const completedBefore = indexSetIn(status.completedIndexes ?? "", completions);
  const successes = isIndexed(job) ? numbers.successes.map((pod) => indexOf(pod, job)!) : [];
  const completed = union(completedBefore, indexSetOf(successes));
  const failedIndexes = failedIndexesOf(job, fresh);
  return {
    job,
    pods,
    active,
    terminating: pods.filter(isTerminating),
    uncounted,
    succeeded: isIndexed(job) ? sizeOf(completed) : numbers.succeeded,
    failed: numbers.failed,
    completedBefore,
    completed,
    failedIndexes,
    replaced: replacedPods(job, { fresh, active, over: union(completed, failedIndexes ?? []) }),
    ended: mergedEnds(past, endsOf(job, pods, past)),
  };
}

function numbersOf(job: Job, fresh: readonly Pod[]) {
  const { uncountedTerminatedPods: names, succeeded = 0, failed = 0 } = job.status;
  const uncounted = { succeeded: new Set(names?.succeeded), failed: new Set(names?.failed) };
  // One that was deleted has been named as failed, however it ends.
  const successes = fresh.filter((pod) =>
    hasSucceeded(pod) && !uncounted.failed.has(pod.metadata.uid)
  );
  const newSuccesses = successes.filter(({ metadata }) => !uncounted.succeeded.has(metadata.uid));
  const newFailures = fresh.filter((pod) =>
    hasFailed(pod, job) && !uncounted.failed.has(pod.metadata.uid) &&
    failureVerdict(pod, job).isCounted
  );
  return {
    uncounted,
    successes,
    succeeded: succeeded + newSuccesses.length + uncounted.succeeded.size,
    failed: failed + newFailures.length + uncounted.failed.size,
  };
}

function failedIndexesOf(job: Job, fresh: readonly Pod[]): IndexSet | undefined {
  const { backoffLimitPerIndex, completions = 0 } = job.spec;
  if (!isIndexed(job) || backoffLimitPerIndex === undefined) return undefined;
  const failed = fresh.filter((pod) => {
    if (!hasFailed(pod, job)) return false;
    const { failsIndex, isCounted } = failureVerdict(pod, job);
    return failsIndex || (isCounted && failuresBefore(pod).counted >= backoffLimitPerIndex);
  });
  return union(
    indexSetIn(job.status.failedIndexes ?? "", completions),
    indexSetOf(failed.map((pod) => indexOf(pod, job)!)),
  );
}

/** By index; the last failed pod of each that has neither ended for good nor another pod. */
function replacedPods(
  job: Job,
  { fresh, active, over }: { fresh: readonly Pod[]; active: readonly Pod[]; over: IndexSet },
): Map<number, Pod> {
  const replaced = new Map<number, Pod>();
  if (job.spec.backoffLimitPerIndex === undefined) return replaced;
  const taken = new Set(active.map((pod) => indexOf(pod, job)));
  for (const pod of fresh) {
    const index = indexOf(pod, job);
    if (index === undefined || !hasFailed(pod, job)) continue;
    if (hasIndex(over, index) || taken.has(index)) continue;
    const before = replaced.get(index);
    if (before === undefined || isLater(pod, before)) replaced.set(index, pod);
  }
  return replaced;
}

function isLater(pod: Pod, other: Pod): boolean {
  return allFailuresBefore(other) <= allFailuresBefore(pod) && endedMs(pod) >= endedMs(other);
}

export function allFailuresBefore(pod: Pod): number {
  const { counted, ignored } = failuresBefore(pod);
  return counted + ignored;
}

/** Pods that the Job itself has deleted are neither tracked any longer nor failures. */
function endsOf(job: Job, pods: readonly Pod[], past: EndedPods): EndedPods {
  const isKnown = (pod: Pod) => isTracked(pod) || pod.metadata.deletionTimestamp === undefined;
  const failed = pods.filter((pod) => hasFailed(pod, job) && isKnown(pod));
  // Most Jobs have none, and then nobody asks when thousands of pods succeeded.
  if (failed.length === 0 && past.failures.length === 0) return { failures: [] };
  const successes = pods.filter((pod) => hasSucceeded(pod) && isKnown(pod)).map(endedMs);
  return {
    failures: failed.map((pod) => [pod.metadata.uid, endedMs(pod)]),
    ...(successes.length > 0 && {
      succeededMs: successes.reduce((last, ms) => Math.max(last, ms), 0),
    }),
  };
}

/** Why and how a Job ends. */
export interface JobEnd {
  type: "SuccessCriteriaMet" | "FailureTarget";
  reason: string;
  message: string;
}

/** The end that the status says is near. */
export function announcedEnd({ status: { conditions } }: Job): JobEnd | undefined {
  for (const type of ["SuccessCriteriaMet", "FailureTarget"] as const) {
    if (!isConditionTrue(conditions, type)) continue;
    const { reason = "", message = "" } = conditionOf(conditions, type)!;
    return { type, reason, message };
  }
  return undefined;
}
