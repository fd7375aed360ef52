import { isEqual } from "../../lib/equality.ts";
import { timestamp } from "../../lib/timestamp.ts";
import type { JobStatus } from "../../resources/batch/job_shape.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { conditionOf, isConditionTrue } from "../../resources/conditions.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { recordEvent, updateStatus, type Write } from "../runtime/controller.ts";
import { announcedEnd, type JobCounts, type JobEnd } from "./job_counts.ts";
import { isTerminating } from "./job_pods.ts";
import { isOver, type Tracking } from "./job_tracking.ts";

export interface StatusInput {
  counts: JobCounts;
  tracking: Tracking;
  end: JobEnd | undefined;
  startTime: string | undefined;
  /** Whether the Job looks after its number of pods: neither ends nor is deleted. */
  isManaged: boolean;
  /** Pods that the same plan deletes, and how many it makes. */
  deleted: readonly Pod[];
  created: number;
  nowMs: number;
}

/** When the Job began, or went on after it had been suspended. */
export function startTimeOf({ spec, status }: Job, nowMs: number): string | undefined {
  return status.startTime ?? (spec.suspend ? undefined : timestamp(nowMs));
}

/** The status when the plan has been carried out. Numbers of 0 and what is empty are not kept, but for those that Kubernetes shows. */
export function statusOf(input: StatusInput): JobStatus {
  const { counts: { job, active, terminating }, tracking, end, nowMs, deleted, created } = input;
  const ending = terminating.length + deleted.filter((pod) => !isTerminating(pod)).length;
  const isEnded = end !== undefined && tracking.isDone && ending === 0;
  const staying = active.filter((pod) => !deleted.includes(pod));
  const count = staying.length + created;
  const conditions = conditionsOf(input, isEnded);
  const resumed = isResumed(input);
  const startTime = resumed ? timestamp(nowMs) : input.startTime;
  const { completionTime } = job.status;
  return {
    ...(conditions.length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
    ...(isEnded && end.type === "SuccessCriteriaMet" && {
      completionTime: completionTimeOf(startTime, nowMs),
    }),
    ...(count > 0 && { active: count }),
    ...tracking.status,
    ready: staying.filter(isReady).length,
    terminating: ending,
  };
}

/** Not before the start, which the API refuses: somebody may have set the clock back. */
function completionTimeOf(startTime: string | undefined, nowMs: number): string {
  return timestamp(startTime === undefined ? nowMs : Math.max(nowMs, Date.parse(startTime)));
}

type Conditions = NonNullable<JobStatus["conditions"]>;

function conditionsOf(input: StatusInput, isEnded: boolean): Conditions {
  const { counts: { job }, end, isManaged, nowMs } = input;
  const before = job.status.conditions ?? [];
  if (end === undefined) return isManaged ? withSuspension(input, before) : before;
  const { type, ...why } = end;
  const announced = announcedEnd(job) ? before : withJobCondition(before, {
    type,
    status: "True",
    ...why,
  }, nowMs);
  if (!isEnded) return announced;
  const last = type === "FailureTarget" ? "Failed" : "Complete";
  return withJobCondition(announced, { type: last, status: "True", ...why }, nowMs);
}

function withSuspension(input: StatusInput, before: Conditions): Conditions {
  const { counts: { job: { spec } }, nowMs } = input;
  if (spec.suspend) {
    return withJobCondition(before, {
      type: "Suspended",
      status: "True",
      reason: "JobSuspended",
      message: "Job suspended",
    }, nowMs);
  }
  if (conditionOf(before, "Suspended") === undefined) return before;
  return withJobCondition(before, {
    type: "Suspended",
    status: "False",
    reason: "JobResumed",
    message: "Job resumed",
  }, nowMs);
}

function isResumed({ counts: { job }, end, isManaged }: StatusInput): boolean {
  return end === undefined && isManaged && !job.spec.suspend &&
    isConditionTrue(job.status.conditions, "Suspended");
}

/** Kubernetes: `ensureJobConditionStatus`; the times are those of any change. */
function withJobCondition(
  conditions: Conditions,
  next: Omit<Conditions[number], "lastTransitionTime" | "lastProbeTime">,
  nowMs: number,
): Conditions {
  const before = conditionOf(conditions, next.type);
  const isSame = before?.status === next.status && before?.reason === next.reason &&
    before?.message === next.message;
  if (isSame) return conditions;
  const now = timestamp(nowMs);
  const dated = { ...next, lastProbeTime: now, lastTransitionTime: now };
  if (before === undefined) return [...conditions, dated];
  return conditions.map((condition) => condition === before ? dated : condition);
}

/** Writes the status when it differs, and tells what it says for the first time. */
export function statusWrites(job: Job, status: JobStatus, end: JobEnd | undefined): Write[] {
  if (isEqual(status, job.status)) return [];
  return [updateStatus(jobs, { ...job, status }), ...news(job, status, end)];
}

function news(about: Job, status: JobStatus, end: JobEnd | undefined): Write[] {
  const isSuspended = isConditionTrue(status.conditions, "Suspended");
  const normal = (reason: string, message: string) =>
    recordEvent({ about, type: "Normal", reason, message });
  const writes: Write[] = [];
  if (isSuspended !== isConditionTrue(about.status.conditions, "Suspended")) {
    writes.push(
      isSuspended ? normal("Suspended", "Job suspended") : normal("Resumed", "Job resumed"),
    );
  }
  if (!isOver(status) || end === undefined) return writes;
  if (end.type === "FailureTarget") {
    const { reason, message } = end;
    return [...writes, recordEvent({ about, type: "Warning", reason, message })];
  }
  const { completions } = about.spec;
  if (completions !== undefined && (status.succeeded ?? 0) > completions) {
    const message = "Too many succeeded pods running after completion count reached";
    const reason = "TooManySucceededPods";
    writes.push(recordEvent({ about, type: "Warning", reason, message }));
  }
  return [...writes, normal("Completed", "Job completed")];
}
