import { CommandError } from "../../server/command_error.ts";
import { type Cluster, ROLLOUTS } from "./cluster/cluster.ts";
import type { Rollout } from "./cluster/objects.ts";
import { nextStepIndexOf, stepsOf } from "./summary/phase.ts";

/** How far a rollout is promoted. */
export type Promotion = "next" | "skip-current-step" | "skip-all-steps" | "full";

/** Merge patches of a rollout, and of its status. */
export interface PromotionPatches {
  spec?: object;
  status?: object;
}

/** Lets a rollout go on, by the patches that Argo Rollouts' plugin sends. */
export async function promote(cluster: Cluster, name: string, promotion: Promotion): Promise<void> {
  const rollout = await cluster.get<Rollout>(ROLLOUTS, name);
  const { spec, status } = promotionPatches(rollout, promotion);
  if (status) await cluster.merge(ROLLOUTS, name, { status }, "/status");
  if (spec) await cluster.merge(ROLLOUTS, name, { spec });
}

/** No patches: there is nothing to promote. */
export function promotionPatches(rollout: Rollout, promotion: Promotion): PromotionPatches {
  const { status: { currentPodHash, stableRS } = {} } = rollout;
  switch (promotion) {
    case "full":
      return currentPodHash === stableRS ? {} : { status: { promoteFull: true } };
    case "skip-current-step":
      refuseWithoutSteps(rollout);
      return { status: { currentStepIndex: nextStepIndexOf(rollout) } };
    case "skip-all-steps":
      refuseWithoutSteps(rollout);
      return { status: { currentStepIndex: stepsOf(rollout).length } };
    case "next":
      return nextPatches(rollout);
  }
}

/** Takes the pauses away; where there are none, goes on to the next step: never both, but for an inconclusive analysis. */
function nextPatches(rollout: Rollout): PromotionPatches {
  const { spec: { paused, strategy }, status = {} } = rollout;
  const unpaused = paused ? { spec: { paused: false } } : {};
  const isPaused = (status.pauseConditions?.length ?? 0) > 0;
  const currentStepIndex = nextStepIndexOf(rollout);
  const analysis = status.canary?.currentStepAnalysisRunStatus?.status;
  if (strategy?.canary && analysis === "Inconclusive" && isPaused && status.controllerPause) {
    if (currentStepIndex === undefined) return unpaused;
    // Without the step, one that pauses next would be taken for this pause.
    return {
      ...unpaused,
      status: { pauseConditions: null, controllerPause: false, currentStepIndex },
    };
  }
  if (isPaused) return { ...unpaused, status: { pauseConditions: null } };
  if (!strategy?.canary || currentStepIndex === undefined) return unpaused;
  return { ...unpaused, status: { pauseConditions: null, currentStepIndex } };
}

function refuseWithoutSteps({ spec: { strategy } }: Rollout): void {
  if (strategy?.blueGreen) {
    throw new CommandError("Cannot skip steps of a bluegreen rollout. Run without a flags");
  }
  if (strategy?.canary && !strategy.canary.steps?.length) {
    throw new CommandError("Cannot skip steps of a rollout without steps");
  }
}
