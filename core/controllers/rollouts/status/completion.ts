import type { RolloutStatus } from "../../../resources/argoproj/mod.ts";
import type { ResolvedRollout } from "../situation/situation.ts";

/** Whether what the template asks for is what users can rely on. Argo Rollouts: `RolloutCompleted`. */
export function isCompleted({ stableRS = "", currentPodHash = "" }: RolloutStatus): boolean {
  return stableRS !== "" && stableRS === currentPodHash;
}

/**
 * Whether all pods are of the template, available and in use, with no others left that would have gone by now.
 * `status` is the one to be, while the spec counts as seen only when the stored status says so.
 *
 * Argo Rollouts: `RolloutHealthy` in `utils/conditions/conditions.go`.
 */
export function isHealthy(rollout: ResolvedRollout, status: RolloutStatus): boolean {
  const { metadata, spec } = rollout;
  return (status.updatedReplicas ?? 0) === spec.replicas &&
    (status.availableReplicas ?? 0) === spec.replicas &&
    rollout.status.observedGeneration === String(metadata.generation ?? 0) &&
    hasSwitched(rollout, status) && hasTakenAllSteps(rollout, status);
}

/** Whether the services of a blue-green rollout select the pods of the template. */
function hasSwitched({ spec }: ResolvedRollout, status: RolloutStatus): boolean {
  const { blueGreen } = spec.strategy;
  if (blueGreen === undefined) return true;
  const { activeSelector = "", previewSelector = "" } = status.blueGreen ?? {};
  const { currentPodHash = "" } = status;
  return activeSelector === currentPodHash &&
    (!blueGreen.previewService || previewSelector === currentPodHash);
}

function hasTakenAllSteps({ spec }: ResolvedRollout, status: RolloutStatus): boolean {
  const { canary } = spec.strategy;
  if (canary === undefined) return true;
  const steps = canary.steps?.length ?? 0;
  const isPastThem = steps === 0 || (status.currentStepIndex ?? steps) === steps;
  return isPastThem && isCompleted(status) && (status.replicas ?? 0) === spec.replicas;
}
