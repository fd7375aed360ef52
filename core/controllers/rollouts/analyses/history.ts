import { msOf } from "../../../lib/timestamp.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { isCompleted } from "../../analysis/metric_assessment.ts";
import { HASH_LABEL, hashOf } from "../situation/sets.ts";

export interface HistoryLimits {
  successful: number;
  unsuccessful: number;
}

/** An AnalysisRun or an Experiment of a Rollout. */
type Trial = KubeObject & { status?: { phase?: string } };

/**
 * Runs, or experiments, that are not needed any more: those whose set of pods is gone or going, and the oldest ones beyond the limits.
 * Argo Rollouts: `FilterAnalysisRunsToDelete`, `FilterExperimentsToDelete`.
 */
export function outlivedRuns<T extends Trial>(
  runs: readonly T[],
  sets: readonly ReplicaSet[],
  limits: HistoryLimits,
): T[] {
  const staying = new Set(
    sets.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(hashOf),
  );
  let [successful, unsuccessful] = [0, 0];
  const newestFirst = runs.toSorted((a, b) =>
    msOf(b.metadata.creationTimestamp) - msOf(a.metadata.creationTimestamp)
  );
  return newestFirst.filter(({ metadata, status }) => {
    const hash = metadata.labels?.[HASH_LABEL];
    if (hash === undefined || !staying.has(hash)) return true;
    if (!isCompleted(status?.phase)) return false;
    return status?.phase === "Successful"
      ? ++successful > limits.successful
      : ++unsuccessful > limits.unsuccessful;
  }).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}
