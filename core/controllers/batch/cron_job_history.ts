import type { Notice } from "../../client/event_recorder.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import type { CronJob } from "../../resources/batch/cron_jobs.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { isConditionTrue } from "../../resources/conditions.ts";
import { apiVersionOf } from "../../resources/resource.ts";
import { dueMsOf } from "./cron_job_drafts.ts";
import { isOver } from "./job_tracking.ts";

/** What has become of the Jobs of a CronJob. */
export interface CronHistory {
  /** As it should be, were no further Job made. */
  status: CronJob["status"];
  /** Jobs that the status has as active and that are still there. */
  running: readonly Job[];
  /** Finished Jobs that are more than are to be kept. */
  outdated: readonly Job[];
  notices: readonly Notice[];
}

/** `own`: all Jobs that it controls. */
export function historyOf(cronJob: CronJob, own: readonly Job[]): CronHistory {
  const { status } = cronJob;
  const known = new Set(status.active?.map(({ uid }) => uid));
  const lastMs = msOf(status.lastScheduleTime);
  // Of a Job that was made just before the server stopped, only the Job itself says it.
  const isRunningOfOurs = (job: Job) =>
    known.has(job.metadata.uid) ||
    (job.metadata.deletionTimestamp === undefined && dueMsOf(cronJob, job) !== undefined &&
      (!isOver(job.status) || dueMsOf(cronJob, job)! > lastMs));
  const ours = own.filter(isRunningOfOurs);
  const running = ours.filter((job) => !isOver(job.status));
  const due = Math.max(lastMs, ...own.map((job) => dueMsOf(cronJob, job) ?? 0));
  const successMs = lastSuccessMs(cronJob, own);
  return {
    status: {
      ...(running.length > 0 && { active: activeOf(cronJob, running) }),
      ...(due > 0 && { lastScheduleTime: timestamp(due) }),
      ...(successMs > 0 && { lastSuccessfulTime: timestamp(successMs) }),
    },
    running,
    outdated: outdatedJobs(cronJob, own),
    notices: noticesOf(cronJob, own, ours),
  };
}

/** In the order in which they came. */
function activeOf({ status }: CronJob, running: readonly Job[]) {
  const before = status.active ?? [];
  const isKnown = ({ metadata }: Job) => before.some(({ uid }) => uid === metadata.uid);
  const isRunning = (uid: string | undefined) =>
    running.some(({ metadata }) => metadata.uid === uid);
  return [
    ...before.filter(({ uid }) => isRunning(uid)),
    ...running.filter((job) => !isKnown(job)).map(referenceTo),
  ];
}

function referenceTo({ metadata: { namespace, name, uid, resourceVersion } }: Job) {
  return { apiVersion: apiVersionOf(jobs), kind: jobs.kind, namespace, name, uid, resourceVersion };
}

function lastSuccessMs({ status: { lastSuccessfulTime } }: CronJob, own: readonly Job[]): number {
  const successes = own.filter(({ status }) => isConditionTrue(status.conditions, "Complete"));
  return Math.max(
    msOf(lastSuccessfulTime),
    ...successes.map(({ status }) => msOf(status.completionTime)),
  );
}

function noticesOf(about: CronJob, own: readonly Job[], ours: readonly Job[]): Notice[] {
  const notice = (type: Notice["type"], reason: string, message: string): Notice => ({
    about,
    type,
    reason,
    message,
  });
  const isThere = (uid: string | undefined) => own.some(({ metadata }) => metadata.uid === uid);
  const foreign = own.filter((job) => !ours.includes(job) && !isOver(job.status));
  return [
    ...foreign.filter((job) => dueMsOf(about, job) === undefined).map(({ metadata: { name } }) =>
      notice(
        "Warning",
        "UnexpectedJob",
        `Saw a job that the controller did not create or forgot: ${name}`,
      )
    ),
    ...ours.filter(({ status }) => isOver(status)).map(({ metadata: { name }, status }) => {
      const how = isConditionTrue(status.conditions, "Complete") ? "Complete" : "Failed";
      return notice("Normal", "SawCompletedJob", `Saw completed job: ${name}, condition: ${how}`);
    }),
    ...(about.status.active ?? []).filter(({ uid }) => !isThere(uid)).map(({ name }) =>
      notice("Normal", "MissingJob", `Active job went missing: ${name}`)
    ),
  ];
}

/** The oldest of those that succeeded and of those that failed. */
function outdatedJobs({ spec }: CronJob, own: readonly Job[]): Job[] {
  const ended = (type: "Complete" | "Failed") =>
    own.filter(({ status }) => isConditionTrue(status.conditions, type)).sort(byStart);
  const { successfulJobsHistoryLimit: successes, failedJobsHistoryLimit: failures } = spec;
  return [...firstOf(ended("Complete"), successes), ...firstOf(ended("Failed"), failures)]
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** All but the last `kept`. */
function firstOf(list: readonly Job[], kept: number): readonly Job[] {
  return list.slice(0, Math.max(0, list.length - kept));
}

/** Those that never began come last. */
function byStart(a: Job, b: Job): number {
  const [x, y] = [a, b].map(({ status }) => msOf(status.startTime) || Infinity);
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x! - y!;
}
