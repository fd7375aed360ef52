import { replicaSets } from "../../../resources/apps/replica_sets.ts";
import { remove } from "../../runtime/controller.ts";
import { deleteRunsOfHash } from "./analyses.ts";
import { deleteExperimentsOfHash } from "./experiments.ts";
import type { Pass } from "../situation/pass.ts";
import { hashOf, oldestFirst } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";

const HISTORY_LIMIT = 10;

/**
 * Deletes sets beyond the limit of the history that have no pods, the oldest first, with the analyses and experiments of
 * their templates. Argo Rollouts: `reconcileRevisionHistoryLimit`.
 */
export function cleanUpHistory(situation: Situation, pass: Pass): void {
  const { others, rollout: { spec } } = situation;
  const staying = oldestFirst(others).filter(({ metadata }) => !metadata.deletionTimestamp);
  const surplus = staying.length - (spec.revisionHistoryLimit ?? HISTORY_LIMIT);
  for (const set of surplus > 0 ? staying.slice(0, surplus) : []) {
    const { metadata, spec: { replicas }, status } = set;
    const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    if (replicas !== 0 || status.replicas !== 0 || !isSeen) continue;
    pass.write(remove(replicaSets, set));
    const hash = hashOf(set);
    if (hash === "") continue;
    deleteRunsOfHash(situation, pass, hash);
    deleteExperimentsOfHash(situation, pass, hash);
  }
}
