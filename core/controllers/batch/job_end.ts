import { msOf } from "../../lib/timestamp.ts";
import type { Job } from "../../resources/batch/jobs.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { commonSize, type IndexSet, indexSetIn, sizeOf } from "./index_set.ts";
import { announcedEnd, type JobCounts, type JobEnd } from "./job_counts.ts";
import { hasFailed } from "./job_pods.ts";
import { failureVerdict } from "./pod_failure_policy.ts";

/**
 * The end of a Job whose pods need not all have ended; `undefined`: it goes on. What the status has announced stays.
 * `startTime`: of a Job that has just begun, which is not in its status yet.
 */
export function endOf(
  counts: JobCounts,
  { startTime, nowMs }: { startTime: string | undefined; nowMs: number },
): JobEnd | undefined {
  return announcedEnd(counts.job) ?? policyFailure(counts) ?? limitFailure(counts) ??
    deadlineFailure(counts.job, startTime, nowMs) ?? indexFailure(counts) ?? policySuccess(counts);
}

function failure(reason: string, message: string): JobEnd {
  return { type: "FailureTarget", reason, message };
}

function policyFailure({ job, pods }: JobCounts): JobEnd | undefined {
  if (job.spec.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    const message = hasFailed(pod, job) ? failureVerdict(pod, job).failsJob : undefined;
    if (message !== undefined) return failure("PodFailurePolicy", message);
  }
  return undefined;
}

function limitFailure({ job, pods, failed }: JobCounts): JobEnd | undefined {
  if (failed <= backoffLimitOf(job) && !isRestartedTooOften(job, pods)) return undefined;
  return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
}

function backoffLimitOf({ spec }: Job): number {
  return spec.backoffLimit ?? 6;
}

/** Containers that are started anew in place count, too. */
function isRestartedTooOften(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter(({ status: { phase } }) => phase === "Running" || phase === "Pending")
    .flatMap(({ status: { initContainerStatuses = [], containerStatuses = [] } }) => [
      ...initContainerStatuses,
      ...containerStatuses,
    ])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const limit = backoffLimitOf(job);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds until the Job has been active for too long; `undefined`: it may be for ever. */
export function deadlineMs(
  { spec }: Job,
  startTime: string | undefined,
  nowMs: number,
): number | undefined {
  const { activeDeadlineSeconds: seconds, suspend } = spec;
  if (seconds === undefined || startTime === undefined || suspend) return undefined;
  return Math.max(0, msOf(startTime) + seconds * 1_000 - nowMs);
}

function deadlineFailure(
  job: Job,
  startTime: string | undefined,
  nowMs: number,
): JobEnd | undefined {
  if (deadlineMs(job, startTime, nowMs) !== 0) return undefined;
  return failure("DeadlineExceeded", "Job was active longer than specified deadline");
}

function indexFailure({ job: { spec }, failedIndexes, completed }: JobCounts): JobEnd | undefined {
  const failed = sizeOf(failedIndexes ?? []);
  if (failed === 0) return undefined;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return failure("MaxFailedIndexesExceeded", message);
  }
  if (failed + sizeOf(completed) < (spec.completions ?? 0)) return undefined;
  return failure("FailedIndexes", "Job has failed indexes");
}

/** https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy */
function policySuccess({ job: { spec }, completed }: JobCounts): JobEnd | undefined {
  if (completed.length === 0) return undefined;
  const { successPolicy, completions = 0 } = spec;
  const index = (successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) {
      return succeededCount !== undefined && sizeOf(completed) >= succeededCount;
    }
    return isMet(indexSetIn(succeededIndexes, completions), completed, succeededCount);
  });
  if (index < 0) return undefined;
  const message = `Matched rules at index ${index}`;
  return { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message };
}

function isMet(wanted: IndexSet, completed: IndexSet, enough: number | undefined): boolean {
  const common = commonSize(wanted, completed);
  const all = sizeOf(wanted);
  return all > 0 && (common === all || (enough !== undefined && common >= enough));
}

/** The end of a Job that has all the successes it needs; `active`: pods that will still run. */
export function completion(
  { job: { spec }, succeeded }: JobCounts,
  active: number,
): JobEnd | undefined {
  const isEnough = spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions;
  if (!isEnough || active > 0) return undefined;
  const message = "Reached expected number of succeeded pods";
  return { type: "SuccessCriteriaMet", reason: "CompletionsReached", message };
}
