import type { Draft } from "../../client/client.ts";
import { ownField } from "../../lib/own_field.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import { type CronJob, cronJobs } from "../../resources/batch/cron_jobs.ts";
import { type Job } from "../../resources/batch/jobs.ts";
import { controllerReference } from "../runtime/ownership.ts";
import { zoneOffset } from "./cron_times.ts";

/** Annotation: when a Job of a CronJob was due. */
const SCHEDULED_TIME = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** The name of the Job that is due at a time: it ends with the minutes since 1970. */
export function jobNameAt({ metadata: { name } }: CronJob, dueMs: number): string {
  return `${name}-${Math.floor(dueMs / 60_000)}`;
}

export function jobDraft(cronJob: CronJob, dueMs: number): Draft<Job> {
  const { metadata: { namespace }, spec: { timeZone = "UTC", jobTemplate } } = cronJob;
  const { labels, annotations } = jobTemplate.metadata ?? {};
  return {
    metadata: {
      name: jobNameAt(cronJob, dueMs),
      namespace,
      ...(labels && { labels }),
      annotations: { ...annotations, [SCHEDULED_TIME]: zonedTime(dueMs, timeZone) },
      ownerReferences: [{ ...controllerReference(cronJobs, cronJob) }],
    },
    spec: jobTemplate.spec,
  } as Draft<Job>; // the API puts the defaults of a Job in
}

/** RFC 3339 with what the clocks of the zone are ahead of UTC. */
function zonedTime(ms: number, timeZone: string): string {
  const offsetMs = zoneOffset(timeZone)?.(ms) ?? 0;
  if (offsetMs === 0) return timestamp(ms);
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const pad = (number: number) => String(number).padStart(2, "0");
  const sign = offsetMs < 0 ? "-" : "+";
  const ahead = `${sign}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  return timestamp(ms + offsetMs).replace("Z", ahead);
}

/** When the CronJob made the Job for; `undefined`: somebody else has made it. */
export function dueMsOf(cronJob: CronJob, { metadata }: Job): number | undefined {
  const ms = msOf(ownField(metadata.annotations ?? {}, SCHEDULED_TIME));
  return ms > 0 && metadata.name === jobNameAt(cronJob, ms) ? ms : undefined;
}
