import type { View } from "../../client/client.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { keyOf, type Loop, nameOf, NOTHING, plan, update } from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { isTracked, withoutTracking } from "./job_pods.ts";
import { isManagedElsewhere } from "./jobs.ts";
import { isOver } from "./job_tracking.ts";

/**
 * Releases pods that wait to be counted by a Job that will not: it is gone, it is finished, or they are no longer its
 * own. Keys are names of pods.
 */
export const jobOrphans: Loop = {
  name: "job-orphan-controller",
  workers: 1,
  start: (view, add) => ({
    reconcile(key) {
      const pod = view.get(pods, nameOf(key));
      if (pod === undefined || !isTracked(pod) || isAwaited(pod, view)) return NOTHING;
      return plan([update(pods, withoutTracking(pod))]);
    },
    stop: follow(view, add),
  }),
};

/** Whether a Job still counts the pod, or somebody else looks after it. */
function isAwaited(pod: Pod, view: View): boolean {
  const owner = controllerOf(pod);
  if (owner === undefined) return false;
  if (owner.kind !== jobs.kind || owner.apiVersion !== "batch/v1") return true;
  const { namespace } = pod.metadata;
  const job = view.get(jobs, { namespace, name: owner.name });
  if (job?.metadata.uid !== owner.uid) return false;
  return isManagedElsewhere(job) || !isOver(job.status);
}

function follow(view: View, add: (key: string) => void): () => void {
  const take = (pod: Pod) => {
    if (isTracked(pod)) add(keyOf(pod.metadata));
  };
  const addAllOf = (job: Job) => view.by(pods, "owner", job.metadata.uid).forEach(take);
  const stops = [
    view.subscribe(pods, ({ object }) => take(object)),
    view.subscribe(jobs, ({ type, object }) => {
      if (type === "DELETED" || isOver(object.status)) addAllOf(object);
    }),
  ];
  view.list(pods).forEach(take);
  return () => stops.forEach((stop) => stop());
}
