import { earliest } from "../runtime/controller.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { inDeletionOrder } from "../apps/deletion_order.ts";
import { firstOutside, indexSetOf, union } from "./index_set.ts";
import { backoffMs, waitMs } from "./job_backoff.ts";
import { allFailuresBefore, type JobCounts } from "./job_counts.ts";
import { endedMs, indexOf, isIndexed, replacesOnlyFailed } from "./job_pods.ts";

/** Kubernetes: `MaxPodCreateDeletePerSync`. */
const PODS_AT_ONCE_MAX = 500;

/** Which pods a Job needs that it has not, and has that it does not need: never both at once. */
export interface Scaling {
  /** The index of each pod that is to be made; `undefined` for a pod without one. */
  missing: readonly (number | undefined)[];
  excess: readonly Pod[];
  /** Milliseconds after which a pod that failed may be replaced. */
  againAfterMs?: number;
}

const ENOUGH: Scaling = { missing: [], excess: [] };

export function scalingOf(counts: JobCounts, nowMs: number): Scaling {
  const { job, active } = counts;
  if (job.spec.suspend) return { missing: [], excess: active };
  const wanted = wantedPods(counts);
  const excess = excessPods(counts, active.length - wanted).slice(0, PODS_AT_ONCE_MAX);
  if (excess.length > 0) return { missing: [], excess };
  const terminating = replacesOnlyFailed(job) ? counts.terminating.length : 0;
  const count = Math.min(wanted - terminating - active.length, PODS_AT_ONCE_MAX);
  if (count <= 0) return ENOUGH;
  if (job.spec.backoffLimitPerIndex !== undefined) return indexesDue(counts, count, nowMs);
  const againAfterMs = backoffMs(counts.ended, nowMs);
  if (againAfterMs > 0) return { ...ENOUGH, againAfterMs };
  const missing = isIndexed(job)
    ? pendingIndexes(counts, count)
    : Array.from({ length: count }, () => undefined);
  return { missing, excess: [] };
}

/** How many pods should be active. */
function wantedPods({ job: { spec }, active, succeeded }: JobCounts): number {
  const { completions, parallelism = 1 } = spec;
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

function excessPods({ job, active }: JobCounts, atLeast: number): readonly Pod[] {
  const { unfit, fit } = isIndexed(job)
    ? byFitness(active, (pod) => indexOf(pod, job))
    : { unfit: [], fit: active };
  const more = Math.max(0, atLeast - unfit.length);
  return [...unfit, ...inDeletionOrder(fit, []).slice(0, more)];
}

/** Of the pods of one index only the one that would be deleted last is fit, of those without index none. */
function byFitness(
  active: readonly Pod[],
  indexOfPod: (pod: Pod) => number | undefined,
): { unfit: Pod[]; fit: Pod[] } {
  const groups = [...Map.groupBy(active, indexOfPod)].map(([index, pods]) => {
    const ordered = inDeletionOrder(pods, []);
    return index === undefined
      ? { unfit: ordered, fit: [] }
      : { unfit: ordered.slice(0, -1), fit: ordered.slice(-1) };
  });
  return {
    unfit: groups.flatMap(({ unfit }) => unfit),
    fit: groups.flatMap(({ fit }) => fit),
  };
}

/** The first indexes that have neither ended nor have a pod. */
function pendingIndexes(counts: JobCounts, count: number): number[] {
  const { job, active, terminating, completed, failedIndexes = [] } = counts;
  const busy = [...active, ...replacesOnlyFailed(job) ? terminating : []]
    .map((pod) => indexOf(pod, job)).filter((index) => index !== undefined);
  const taken = union(completed, failedIndexes, indexSetOf(busy));
  return firstOutside(taken, count, job.spec.completions ?? 0);
}

/** Each index waits for itself. */
function indexesDue(counts: JobCounts, count: number, nowMs: number): Scaling {
  const waits = pendingIndexes(counts, count).map((index) => {
    const last = counts.replaced.get(index);
    const ms = last === undefined ? 0 : waitMs(allFailuresBefore(last) + 1, endedMs(last), nowMs);
    return { index, ms };
  });
  const missing = waits.filter(({ ms }) => ms === 0).map(({ index }) => index);
  const againAfterMs = waits.filter(({ ms }) => ms > 0).map(({ ms }) => ms)
    .reduce<number | undefined>(earliest, undefined);
  return { missing, excess: [], ...(againAfterMs !== undefined && { againAfterMs }) };
}
