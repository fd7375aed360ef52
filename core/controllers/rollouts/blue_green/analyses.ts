import type { AnalysisRun } from "../../../resources/argoproj/mod.ts";
import type { CurrentRuns } from "../situation/pass.ts";
import { hashOf, isSaturated } from "../situation/sets.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";

/** The AnalysisRuns before and after the switch, as the status of the last look names them. */
export function runsBefore(
  { rollout: { status }, runs }: Situation,
): Pick<CurrentRuns, "prePromotion" | "postPromotion"> {
  const { prePromotionAnalysisRunStatus: pre, postPromotionAnalysisRunStatus: post } =
    status.blueGreen;
  const named = (name: string | undefined) => runs.find(({ metadata }) => metadata.name === name);
  const [prePromotion, postPromotion] = [named(pre?.name), named(post?.name)];
  return { ...(prePromotion && { prePromotion }), ...(postPromotion && { postPromotion }) };
}

/** Whether the new pods may be promoted, as far as the analysis before it says. */
export function isJudgedBefore(
  { spec }: ResolvedRollout,
  { prePromotion }: Pick<CurrentRuns, "prePromotion">,
): boolean {
  return spec.strategy.blueGreen?.prePromotionAnalysis === undefined || isGood(prePromotion);
}

/** Whether the promoted pods may stay, as far as the analysis after it says. */
export function isJudgedAfter(
  { spec }: ResolvedRollout,
  { postPromotion }: Pick<CurrentRuns, "postPromotion">,
): boolean {
  return spec.strategy.blueGreen?.postPromotionAnalysis === undefined || isGood(postPromotion);
}

/**
 * Whether old pods stay until the analysis after the switch says that they are not needed any more; somebody who gave a
 * delay gets that instead.
 */
export function isWaitingForJudgement(situation: Situation): boolean {
  const { rollout, current } = situation;
  const { postPromotionAnalysis, scaleDownDelaySeconds } = rollout.spec.strategy.blueGreen!;
  if (postPromotionAnalysis === undefined || scaleDownDelaySeconds !== undefined) return false;
  const runs = runsBefore(situation);
  const { stableRS, blueGreen } = rollout.status;
  const hash = hashOf(current);
  if (stableRS === hash || blueGreen.activeSelector !== hash) return false;
  const isJudging = runs.postPromotion !== undefined || isSaturated(current, rollout);
  return isJudging && !isGood(runs.postPromotion);
}

function isGood(run: AnalysisRun | undefined): boolean {
  return run?.status?.phase === "Successful";
}
