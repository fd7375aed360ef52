import { isOfEndingNamespace } from "../../client/refusals.ts";
import { failedCreation } from "../apps/pod_creation.ts";
import { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { isActive } from "../../resources/core/pods/pod_states.ts";
import {
  type ControllerWithMemory,
  create,
  earliest,
  keyOf,
  type Memory,
  NOTHING,
  type Plan,
  plan,
  remove,
  update,
  type Write,
} from "../runtime/controller.ts";
import { childrenOf, claimWrites, controlled, isControlledBy } from "../runtime/ownership.ts";
import { type EndedPods, notAhead } from "./job_backoff.ts";
import { countsOf, type JobCounts } from "./job_counts.ts";
import { completion, deadlineMs, endOf } from "./job_end.ts";
import { podDrafts } from "./job_pod_drafts.ts";
import { isTracked, withoutTracking, withTracking } from "./job_pods.ts";
import { scalingOf } from "./job_scaling.ts";
import { startTimeOf, type StatusInput, statusOf, statusWrites } from "./job_status.ts";
import { isOver, type Tracking, trackingOf } from "./job_tracking.ts";

/** Value of `spec.managedBy` for the controller that is built in. */
const BUILT_IN = "kubernetes.io/job-controller";

const NO_PODS: EndedPods = { failures: [] };

/** Of which Job, and what is known of its pods that have ended. */
interface JobMemory {
  uid: string;
  ended: EndedPods;
}

/**
 * Runs pods until enough of them have succeeded, and counts each that ended exactly once.
 *
 * Remembers by the Job's key when pods ended, because pods that are gone delay the next ones, too; after a restart of
 * the server those that are still there say it.
 *
 * https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export const jobController: ControllerWithMemory<Job, JobMemory> = {
  name: "job-controller",
  resource: jobs,
  watches: [childrenOf(pods, jobs, ({ spec }) => spec.selector!)],
  workers: 4,
  reconcile(job, view, nowMs, { memory }) {
    const key = keyOf(job.metadata);
    if (isManagedElsewhere(job) || isOver(job.status)) {
      return { ...NOTHING, remember: [[key, undefined]] };
    }
    const own = controlled(view, pods, job);
    const claims = claimsOf(job, own, view);
    if (claims.length > 0) return plan(claims);
    const past = endedOf(memory, job);
    const known = countsOf(job, own, past);
    const counts = { ...known, ended: notAhead(known.ended, past, nowMs) };
    const { uid } = job.metadata;
    return { ...planFor(counts, view, nowMs), remember: [[key, { uid, ended: counts.ended }]] };
  },
  gone: (name) => ({ ...NOTHING, remember: [[keyOf(name), undefined]] }),
};

export function isManagedElsewhere({ spec: { managedBy = BUILT_IN } }: Job): boolean {
  return managedBy !== BUILT_IN;
}

function endedOf(memory: Memory<JobMemory>, { metadata }: Job): EndedPods {
  const known = memory.get(keyOf(metadata));
  return known?.uid === metadata.uid ? known.ended : NO_PODS;
}

/** Pods that are adopted are counted from then on, and so is one that lost its finalizer when the server stopped. */
function claimsOf(job: Job, own: readonly Pod[], view: View): Write[] {
  const claims = claimWrites(view, {
    children: pods,
    owner: job,
    ownerResource: jobs,
    selector: job.spec.selector!,
  }).map((write) =>
    write.verb === "update" && isControlledBy(write.object, job)
      ? update(pods, withTracking(write.object as Pod))
      : write
  );
  if (claims.length > 0 || job.spec.suspend || job.metadata.deletionTimestamp) return claims;
  return own.filter((pod) => isActive(pod) && !isTracked(pod))
    .map((pod) => update(pods, withTracking(pod)));
}

/** The writes to pods, and how many there will be. */
interface PodPlan {
  deleted: readonly Pod[];
  creations(refused: (error: ApiError) => Write[]): Write[];
  created: number;
  deletions: readonly Write[];
  againAfterMs?: number;
}

const LEAVE: PodPlan = { deleted: [], creations: () => [], created: 0, deletions: [] };

function planFor(counts: JobCounts, view: View, nowMs: number): Plan {
  const { job } = counts;
  const startTime = startTimeOf(job, nowMs);
  const early = endOf(counts, { startTime, nowMs });
  const isLeft = job.metadata.deletionTimestamp !== undefined;
  const pods = early ? deletionOfAll(counts) : isLeft ? LEAVE : scaled(counts, view, nowMs);
  const active = counts.active.length - pods.deleted.length + pods.created;
  const end = early ?? completion(counts, active);
  const tracking = trackingOf(counts, end);
  const input: StatusInput = {
    counts,
    tracking,
    end,
    startTime,
    isManaged: !early && !isLeft,
    deleted: pods.deleted,
    created: pods.created,
    nowMs,
  };
  const refused = (error: ApiError) => refusal(job, input, error);
  return plan([
    ...pods.creations(refused),
    ...pods.deletions,
    ...statusWrites(job, statusOf(input), end),
    ...releases(tracking, pods.deleted),
  ], earliest(pods.againAfterMs, end ? undefined : deadlineMs(job, startTime, nowMs)));
}

/** Of a Job that ends: the pods are still counted, so they keep their finalizers. */
function deletionOfAll({ job, active }: JobCounts): PodPlan {
  return { ...LEAVE, deleted: active, deletions: active.map((pod) => deletion(job, pod)) };
}

/** Pods that the Job does not need are not counted: they lose their finalizers first. */
function scaled(counts: JobCounts, view: View, nowMs: number): PodPlan {
  const { job, replaced } = counts;
  const { missing, excess, againAfterMs } = scalingOf(counts, nowMs);
  const untracked = excess.filter(isTracked).map((pod) => update(pods, withoutTracking(pod)));
  return {
    deleted: excess,
    creations: (refused) =>
      podDrafts(job, missing, { view, replaced }).map((draft) =>
        create(pods, draft, {
          event: {
            about: job,
            type: "Normal",
            reason: "SuccessfulCreate",
            message: `Created pod: ${draft.metadata.name}`,
          },
          refused,
        })
      ),
    created: missing.length,
    deletions: [...untracked, ...excess.map((pod) => deletion(job, pod))],
    ...(againAfterMs !== undefined && { againAfterMs }),
  };
}

function deletion(job: Job, pod: Pod): Write {
  return remove(pods, pod, {
    event: {
      about: job,
      type: "Normal",
      reason: "SuccessfulDelete",
      message: `Deleted pod: ${pod.metadata.name}`,
    },
  });
}

/** A pod that was deleted by the same plan has another version by now; it is released with the next look. */
function releases({ released }: Tracking, deleted: readonly Pod[]): Write[] {
  return released.filter((pod) => !deleted.includes(pod))
    .map((pod) => update(pods, withoutTracking(pod)));
}

/** What is written when a pod cannot be made: the pods that ended are counted all the same. */
function refusal(job: Job, input: StatusInput, error: ApiError): Write[] {
  const status = statusWrites(job, statusOf({ ...input, created: 0, end: undefined }), undefined);
  return isOfEndingNamespace(error) ? status : [...status, failedCreation(job, error)];
}
