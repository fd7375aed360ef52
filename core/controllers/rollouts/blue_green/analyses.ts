import type { AnalysisRun } from "../../../resources/argoproj/mod.ts";
import { type RunsByPurpose, runsInStatus, skipsPostPromotion } from "../analyses/current_runs.ts";
import type { Pass } from "../situation/pass.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";

/** Whether the new pods may be promoted, as far as the analysis before it says: at the beginning of the look. */
export function wasJudgedGood(situation: Situation, { isAborted }: Pass): boolean {
  return isJudgedBefore(situation.rollout, runsInStatus({ ...situation, isAborted }));
}

/** Whether the new pods may be promoted, as far as the analysis before it says. */
export function isJudgedBefore(
  { spec }: ResolvedRollout,
  { prePromotion }: RunsByPurpose,
): boolean {
  return spec.strategy.blueGreen?.prePromotionAnalysis === undefined || isGood(prePromotion);
}

/** Whether the promoted pods may stay, as far as the analysis after it says. */
export function isJudgedAfter(
  { spec }: ResolvedRollout,
  { postPromotion }: RunsByPurpose,
): boolean {
  return spec.strategy.blueGreen?.postPromotionAnalysis === undefined || isGood(postPromotion);
}

/**
 * Whether old pods stay until the analysis after the switch says that they are not needed any more; somebody who gave a
 * delay gets that instead.
 */
export function isWaitingForJudgement(situation: Situation, { isAborted }: Pass): boolean {
  const { postPromotionAnalysis, scaleDownDelaySeconds } = situation.rollout.spec.strategy
    .blueGreen!;
  if (postPromotionAnalysis === undefined || scaleDownDelaySeconds !== undefined) return false;
  const input = { ...situation, isAborted };
  const { postPromotion } = runsInStatus(input);
  return !skipsPostPromotion(input, postPromotion) && !isGood(postPromotion);
}

function isGood(run: AnalysisRun | undefined): boolean {
  return run?.status?.phase === "Successful";
}
