import type { Pass } from "../situation/pass.ts";
import { isGoingBack } from "../situation/delays.ts";
import type { Situation } from "../situation/situation.ts";
import { isJudgedAfter } from "./analyses.ts";

/**
 * Why the set of the template becomes the one that users can rely on; `undefined` while it does not.
 * Argo Rollouts: `shouldFullPromote`.
 */
export function reasonToPromote(situation: Situation, pass: Pass): string | undefined {
  const { rollout, current, stable, isRollbackWithinWindow } = situation;
  const { blueGreen: { activeSelector = "" }, currentPodHash } = pass.status;
  // The active Service waits for the pods of the first deployment, which nothing could be promoted over.
  if (stable === undefined || activeSelector === "") return "Initial deploy";
  if (activeSelector !== currentPodHash) return undefined;
  if (rollout.status.promoteFull) return "Full promotion requested";
  if (isRollbackWithinWindow) return "Rollback within window";
  if (pass.isAborted) return undefined;
  const { postPromotionAnalysis } = rollout.spec.strategy.blueGreen!;
  if (postPromotionAnalysis !== undefined && isGoingBack(situation)) {
    return `Rollback to '${current.metadata.name}' within scaleDownDelay`;
  }
  return isJudgedAfter(rollout, pass.runs) ? "Completed blue-green update" : undefined;
}
