import type { AnyResource } from "../resource.ts";
import { cronJobs } from "./cron_jobs.ts";
import { jobs } from "./jobs.ts";

/** The kinds of `batch/v1`. */
export const BATCH_KINDS: readonly AnyResource[] = [
  cronJobs,
  jobs,
];
