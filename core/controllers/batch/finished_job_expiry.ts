import { msOf } from "../../lib/timestamp.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Controller, NOTHING, plan, remove } from "../runtime/controller.ts";

/**
 * Deletes finished Jobs, with their pods, when they have been kept for long enough.
 *
 * https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
 */
export const finishedJobExpiry: Controller<Job> = {
  name: "ttl-after-finished-controller",
  resource: jobs,
  watches: [],
  workers: 1,
  reconcile(job, _view, nowMs) {
    const { ttlSecondsAfterFinished: seconds } = job.spec;
    const endMs = finishedMs(job);
    if (seconds === undefined || endMs === undefined) return NOTHING;
    if (job.metadata.deletionTimestamp !== undefined) return NOTHING;
    const wholeMs = seconds * 1_000;
    // A clock that was set back must not keep the Job for years.
    const restMs = Math.min(wholeMs, endMs + wholeMs - nowMs);
    if (restMs > 0) return plan([], restMs);
    return plan([remove(jobs, job, { propagationPolicy: "Foreground" })]);
  },
};

/** When the Job came to its end; `undefined`: it has not. */
export function finishedMs({ status: { conditions = [] } }: Job): number | undefined {
  const last = conditions.find(({ type, status }) =>
    (type === "Complete" || type === "Failed") && status === "True"
  );
  return last && msOf(last.lastTransitionTime);
}
