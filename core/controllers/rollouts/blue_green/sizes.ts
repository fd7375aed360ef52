import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { cleanUpHistory } from "../parts/history.ts";
import type { Pass } from "../situation/pass.ts";
import { isPaused, pauseOf } from "../situation/pauses.ts";
import {
  delayedSize,
  isReferenced,
  removeDeadlines,
  scale,
  scaleCurrent,
} from "../parts/scaling.ts";
import { DESIRED_REPLICAS, hashOf, newestFirst } from "../situation/sets.ts";
import { isGoingBack } from "../situation/delays.ts";
import type { Situation } from "../situation/situation.ts";
import { isWaitingForJudgement } from "./analyses.ts";
import { activeSetOf } from "./active_set.ts";
import { isServed, requestsEndInMs } from "./served_sets.ts";

/** Gives all sets their sizes. Argo Rollouts: `reconcileBlueGreenReplicaSets`. */
export function scaleBlueGreen(situation: Situation, pass: Pass): void {
  const { rollout, current, stable } = situation;
  removeDeadlines(situation, pass);
  if (stable && stable !== current) scale(situation, pass, stable, rollout.spec.replicas);
  // What users may still see keeps its pods after an abort, and their time begins when they do not see them any more.
  const isKept = pass.isAborted && current !== stable && isServed(situation, current);
  if (!isKept) scaleCurrent(situation, pass, wantedSize(situation));
  scaleOthers(situation, pass);
  cleanUpHistory(situation, pass);
}

/**
 * How many pods the set of the template is to have: all, but for a preview that is smaller and has not been promoted yet.
 * Argo Rollouts: `NewRSNewReplicas`.
 */
export function wantedSize(situation: Situation): number {
  const { rollout: { spec, status }, current, stable } = situation;
  const { previewReplicaCount } = spec.strategy.blueGreen!;
  const active = activeSetOf(situation);
  const isSettled = current === stable || current === active || active === undefined;
  if (previewReplicaCount === undefined || isSettled || status.promoteFull) return spec.replicas;
  if (isGoingBack(situation)) return spec.replicas;
  const isChecked = status.blueGreen.scaleUpPreviewCheckPoint === true &&
    hashOf(current) === status.currentPodHash;
  return isChecked && !isPaused(situation.rollout) ? spec.replicas : previewReplicaCount;
}

/** Replaced sets go when nothing refers to them and their time is over. */
function scaleOthers(situation: Situation, pass: Pass): void {
  const { rollout, others } = situation;
  if (pauseOf(rollout, "InconclusiveAnalysisRun") || isWaitingForJudgement(situation, pass)) return;
  let waiting = 0;
  for (const set of newestFirst(others)) {
    if (set.spec.replicas === 0 || isReferenced(situation, set) || isServed(situation, set)) {
      continue;
    }
    const sized = delayedSize(situation, pass, set, { waiting, kept: keptSize(situation, set) });
    waiting = sized.waiting;
    const endsInMs = sized.size === 0 ? requestsEndInMs(situation, set) : 0;
    if (endsInMs > 0) pass.wakeIn(endsInMs);
    else if (set.spec.replicas !== sized.size) scale(situation, pass, set, sized.size);
  }
}

/** A set that was as large as the rollout stays so, for the way back; what was less does not grow again. */
function keptSize({ rollout }: Situation, { metadata, spec }: ReplicaSet): number {
  const isWhole = metadata.annotations?.[DESIRED_REPLICAS] === String(spec.replicas);
  return isWhole ? rollout.spec.replicas : spec.replicas;
}
