import { isOfEndingNamespace } from "../../client/refusals.ts";
import type { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { isEqual } from "../../lib/equality.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import { type CronJob, cronJobs } from "../../resources/batch/cron_jobs.ts";
import {
  type CronSchedule,
  cronScheduleOf,
  timeZoneIn,
} from "../../resources/batch/cron_schedule.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import {
  type Controller,
  create,
  plan,
  recordEvent,
  remove,
  updateStatus,
  type Watch,
  type Write,
} from "../runtime/controller.ts";
import { controlled, controllerOf } from "../runtime/ownership.ts";
import { jobDraft, jobNameAt } from "./cron_job_drafts.ts";
import { type CronHistory, historyOf } from "./cron_job_history.ts";
import { lastDueTime, nextTime, type ZoneOffset, zoneOffset } from "./cron_times.ts";

/** More missed times are told of: something is wrong with a clock, or with the schedule. */
const MISSED_MANY = 100;

/** A wait is measured by a clock that nobody can set; when the machine's clock is set, that shows after this long. */
const SLEEP_MS_MAX = 3_600_000;

const ownJobs: Watch = {
  resource: jobs,
  includesFormer: true,
  concerns(job) {
    const owner = controllerOf(job);
    const { namespace } = job.metadata;
    return owner?.kind === cronJobs.kind && namespace !== undefined
      ? [{ namespace, name: owner.name }]
      : [];
  },
};

/**
 * Makes Jobs at the times of a schedule, and deletes finished ones. Sleeps until the next time.
 *
 * A Job is named after its time, so that none is made twice; the status says it with the next look at the latest.
 * Kubernetes: `pkg/controller/cronjob/cronjob_controllerv2.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
 */
export const cronJobController: Controller<CronJob> = {
  name: "cronjob-controller",
  resource: cronJobs,
  watches: [ownJobs],
  workers: 2,
  reconcile(cronJob, view, nowMs) {
    const history = historyOf(cronJob, controlled(view, jobs, cronJob));
    const run = cronJob.metadata.deletionTimestamp || cronJob.spec.suspend
      ? NO_RUN
      : runOf(cronJob, history, view, nowMs);
    const status = statusOf(history, run);
    return plan([
      ...run.writes,
      ...isEqual(status, cronJob.status) ? [] : [updateStatus(cronJobs, { ...cronJob, status })],
      ...history.notices.map(recordEvent),
      ...history.outdated.map((job) => deletion(cronJob, job)),
    ], run.againAfterMs);
  },
};

/** What the schedule asks for now. */
interface Run {
  writes: readonly Write[];
  /** When the Job was due that has been made. */
  madeMs?: number;
  /** Jobs that give way to it. */
  replaced: readonly Job[];
  againAfterMs?: number;
}

const NO_RUN: Run = { writes: [], replaced: [] };

function statusOf({ status }: CronHistory, { madeMs, replaced }: Run): CronJob["status"] {
  const gone = new Set(replaced.map(({ metadata }) => metadata.uid));
  const active = (status.active ?? []).filter(({ uid }) => !gone.has(uid ?? ""));
  const { active: _, ...times } = status;
  return {
    ...times,
    ...(active.length > 0 && { active }),
    ...(madeMs !== undefined && { lastScheduleTime: timestamp(madeMs) }),
  };
}

function runOf(cronJob: CronJob, history: CronHistory, view: View, nowMs: number): Run {
  const { schedule: text, timeZone } = cronJob.spec;
  const zone = timeZone ?? timeZoneIn(text);
  const offset = zoneOffset(zone);
  const tell = (reason: string, message: string): Run => ({
    ...NO_RUN,
    writes: [recordEvent(warning(cronJob, reason, message))],
  });
  if (offset === undefined) {
    return tell("UnknownTimeZone", `invalid timeZone: "${zone}": unknown time zone ${zone}`);
  }
  const schedule = cronScheduleOf(text);
  if (schedule === undefined) return tell("UnparseableSchedule", `unparseable schedule: "${text}"`);
  const due = dueTimeOf(cronJob, history, { schedule, offset, nowMs });
  if (due === "never") {
    const why = "time difference between two schedules is less than 1 second";
    return tell("InvalidSchedule", `invalid schedule: ${text} : ${why}`);
  }
  const nextMs = nextTime(schedule, offset, nowMs) ?? Infinity;
  const againAfterMs = Math.min(nextMs - nowMs, SLEEP_MS_MAX);
  if (due === undefined) return { ...NO_RUN, againAfterMs };
  return { ...runAt(cronJob, history, { due, view, nowMs }), againAfterMs };
}

function warning(about: CronJob, reason: string, message: string): Notice {
  return { about, type: "Warning", reason, message };
}

/** The last time since a Job was made, or could have been, that is not too long ago to be made up for. */
function dueTimeOf(
  { metadata, spec: { startingDeadlineSeconds } }: CronJob,
  { status: { lastScheduleTime } }: CronHistory,
  { schedule, offset, nowMs }: { schedule: CronSchedule; offset: ZoneOffset; nowMs: number },
): ReturnType<typeof lastDueTime> {
  const earliestMs = msOf(lastScheduleTime ?? metadata.creationTimestamp);
  const deadlineMs = startingDeadlineSeconds === undefined
    ? 0
    : nowMs - startingDeadlineSeconds * 1_000;
  return lastDueTime(schedule, offset, { sinceMs: Math.max(earliestMs, deadlineMs), nowMs });
}

interface Due {
  due: { ms: number; count: number };
  view: View;
  nowMs: number;
}

function runAt(cronJob: CronJob, history: CronHistory, { due, view, nowMs }: Due): Run {
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
  const { status: { active = [], lastScheduleTime }, running } = history;
  const missed = due.count > MISSED_MANY ? [recordEvent(tooMany(cronJob))] : [];
  const skip = (...notices: Notice[]): Run => ({
    ...NO_RUN,
    writes: [...missed, ...notices.map(recordEvent)],
  });
  const isLate = startingDeadlineSeconds !== undefined &&
    due.ms + startingDeadlineSeconds * 1_000 < nowMs;
  if (isLate) {
    const when = new Date(due.ms).toUTCString().replace("GMT", "UTC");
    return skip(warning(cronJob, "MissSchedule", `Missed scheduled time to start a job: ${when}`));
  }
  const name = jobNameAt(cronJob, due.ms);
  const { namespace } = cronJob.metadata;
  const isMade = active.some((each) => each.name === name) ||
    lastScheduleTime === timestamp(due.ms) || view.get(jobs, { namespace, name }) !== undefined;
  if (isMade) return skip();
  if (concurrencyPolicy === "Forbid" && active.length > 0) {
    const message =
      "Not starting job because prior execution is running and concurrency policy is Forbid";
    return skip({ about: cronJob, type: "Normal", reason: "JobAlreadyActive", message });
  }
  const replaced = concurrencyPolicy === "Replace" ? running : [];
  return {
    writes: [
      ...missed,
      ...replaced.map((job) => deletion(cronJob, job)),
      creation(cronJob, due.ms),
    ],
    madeMs: due.ms,
    replaced,
  };
}

function tooMany(cronJob: CronJob): Notice {
  const message =
    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  return warning(cronJob, "TooManyMissedTimes", message);
}

function creation(cronJob: CronJob, dueMs: number): Write {
  const draft = jobDraft(cronJob, dueMs);
  return create(jobs, draft, {
    event: {
      about: cronJob,
      type: "Normal",
      reason: "SuccessfulCreate",
      message: `Created job ${draft.metadata.name}`,
    },
    refused: (error: ApiError) =>
      isOfEndingNamespace(error)
        ? []
        : [recordEvent(warning(cronJob, "FailedCreate", `Error creating job: ${error.message}`))],
  });
}

function deletion(cronJob: CronJob, job: Job): Write {
  return remove(jobs, job, {
    propagationPolicy: "Background",
    event: {
      about: cronJob,
      type: "Normal",
      reason: "SuccessfulDelete",
      message: `Deleted job ${job.metadata.name}`,
    },
  });
}
