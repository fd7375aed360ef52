import type { Mutant } from "./mutants.ts";

const JOB_TESTS = ["core/controllers/batch"];
const SCALING_TESTS = ["core/controllers/autoscaling"];

/** Planted bugs in the controllers of Jobs, CronJobs, budgets, autoscalers, and in what removes pods. */
export const BATCH_MUTANTS: readonly Mutant[] = [
  {
    name: "lost: an ended pod is let go before the status names it",
    file: "core/controllers/batch/jobs.ts",
    search:
      "    ...statusWrites(job, statusOf(input), end),\n    ...releases(tracking, pods.deleted),\n",
    replace:
      "    ...releases(tracking, pods.deleted),\n    ...statusWrites(job, statusOf(input), end),\n",
    tests: JOB_TESTS,
  },
  {
    name: "twice: a pod that the status names is named again when the server was killed",
    file: "core/controllers/batch/job_tracking.ts",
    search: "if (uncounted.failed.has(uid) || uncounted.succeeded.has(uid)) continue;",
    replace: "if (uncounted.failed.has(uid)) continue;",
    tests: JOB_TESTS,
  },
  {
    name: "a Job is over while pods of it wait to be let go",
    file: "core/controllers/batch/job_tracking.ts",
    search: "isDone: found.released.length + all.succeeded.length",
    replace: "isDone: all.succeeded.length",
    tests: JOB_TESTS,
  },
  {
    name: "a pod that lost its finalizer while the server stopped is never counted",
    file: "core/controllers/batch/jobs.ts",
    search: "filter((pod) => isActive(pod) && !isTracked(pod))",
    replace: "filter((pod) => isActive(pod) && isTracked(pod) && !isTracked(pod))",
    tests: JOB_TESTS,
  },
  {
    name: "off by one in the back-off limit",
    file: "core/controllers/batch/job_end.ts",
    search: "if (failed <= backoffLimitOf(job)",
    replace: "if (failed < backoffLimitOf(job)",
    tests: JOB_TESTS,
  },
  {
    name: "impatience: a pod that failed is replaced at once",
    file: "core/controllers/batch/job_scaling.ts",
    search: "  if (againAfterMs > 0) return { ...ENOUGH, againAfterMs };\n",
    replace: "",
    tests: JOB_TESTS,
  },
  {
    name: "an index runs twice: a pod is replaced that has not come to its end",
    file: "core/controllers/batch/job_scaling.ts",
    search: "const terminating = replacesOnlyFailed(job) ? counts.terminating.length : 0;",
    replace: "const terminating = 0;",
    tests: JOB_TESTS,
  },
  {
    name: "pods that a success policy spares count as failed",
    file: "core/controllers/batch/job_tracking.ts",
    search: "return hasFailed(pod, job) && !isSpared;",
    replace: "return hasFailed(pod, job) || isSpared;",
    tests: JOB_TESTS,
  },
  {
    name: "an ignored failure counts",
    file: "core/controllers/batch/pod_failure_policy.ts",
    search: "return { isCounted: false };",
    replace: "return { isCounted: true };",
    tests: JOB_TESTS,
  },
  {
    name: "a limit of an index is that of the pods before, not of this one too",
    file: "core/controllers/batch/job_counts.ts",
    search: "failuresBefore(pod).counted >= backoffLimitPerIndex",
    replace: "failuresBefore(pod).counted > backoffLimitPerIndex",
    tests: JOB_TESTS,
  },
  {
    name: "a CronJob makes the Job of a minute again after the server was killed",
    file: "core/controllers/batch/cron_job_history.ts",
    search: "Math.max(lastMs, ...own.map((job) => dueMsOf(cronJob, job) ?? 0))",
    replace: "lastMs",
    tests: JOB_TESTS,
  },
  {
    name: "Forbid allows",
    file: "core/controllers/batch/cron_jobs.ts",
    search: 'concurrencyPolicy === "Forbid" && active.length > 0',
    replace: 'concurrencyPolicy === "Forbid" && active.length > 1',
    tests: JOB_TESTS,
  },
  {
    name: "a schedule is kept in UTC, whatever its time zone",
    file: "core/controllers/batch/cron_times.ts",
    search: 'return sign === "-" ? -ms : ms;',
    replace: 'return sign === "-" ? ms - ms : ms - ms;',
    tests: JOB_TESTS,
  },
  {
    name: "a day must be in both of its fields, stars or none",
    file: "core/controllers/batch/cron_times.ts",
    search: "return days.isAny || weekdays.isAny ? isDay && isWeekday : isDay || isWeekday;",
    replace: "return isDay && isWeekday;",
    tests: JOB_TESTS,
  },
  {
    name: "the newest finished Jobs of a CronJob are deleted first",
    file: "core/controllers/batch/cron_job_history.ts",
    search: "return list.slice(0, Math.max(0, list.length - kept));",
    replace: "return list.slice(kept);",
    tests: JOB_TESTS,
  },
  {
    name: "an autoscaler takes pods away at once",
    file: "core/controllers/autoscaling/stabilization.ts",
    search: "Math.max(desired, ...recommendedWithin(past, DOWN_WINDOW_SECONDS, nowMs))",
    replace: "Math.max(desired, ...recommendedWithin(past, 0, nowMs))",
    tests: SCALING_TESTS,
  },
  {
    name: "an autoscaler adds pods without bounds in one step",
    file: "core/controllers/autoscaling/stabilization.ts",
    search: "const most = Math.min(maxReplicas, fastest);",
    replace: "const most = maxReplicas;",
    tests: SCALING_TESTS,
  },
  {
    name: "an autoscaler takes a pod without a measurement for an idle one",
    file: "core/controllers/autoscaling/replica_counts.ts",
    search: "add(name, ratio < 1 ? valueOfMissing(name) : 0)",
    replace: "add(name, 0)",
    tests: SCALING_TESTS,
  },
  {
    name: "an autoscaler that does not know all goes down by what it knows",
    file: "core/controllers/autoscaling/metrics_verdict.ts",
    search: "(most === undefined || most.replicas < (scale.wanted ?? 0))",
    replace: "most === undefined",
    tests: SCALING_TESTS,
  },
  {
    name: "an evicted pod that stays counts as healthy at once",
    file: "core/controllers/cluster/disruptions.ts",
    search: "msOf(before[name]) + DISRUPTION_MS > nowMs",
    replace: "msOf(before[name]) > nowMs",
    tests: ["core/controllers/cluster/disruptions_test.ts"],
  },
  {
    name: "a pod of a node that is gone never ends: a Job waits for it for ever",
    file: "core/controllers/nodes/pod_cleanup.ts",
    search: "  if (isFinished(pod)) return [removal];\n",
    replace: "  if (isFinished(pod) || removal) return [removal];\n",
    tests: ["core/controllers/nodes/pod_cleanup_test.ts"],
  },
];
