import { formatSelector, selectorOf } from "../../../schema/selectors.ts";
import { type Plan, plan } from "../../runtime/controller.ts";
import type { Pass } from "../situation/pass.ts";
import { stepHashOf } from "../parts/template_hash.ts";
import { availableIn, podsIn, readyIn, revisionOf } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";
import { withRolloutConditions } from "./conditions.ts";
import { deadlineInMs } from "./progress.ts";
import { observed, statusWrites } from "./status_writes.ts";
import { scaleWorkload } from "../parts/workload_reference.ts";

/** Puts what both strategies say alike into the status to be. Argo Rollouts: `calculateBaseStatus`. */
export function baseStatus(situation: Situation, pass: Pass): void {
  const { rollout: { spec, status }, all, current, hash } = situation;
  pass.setStatus({
    currentPodHash: hash,
    stableRS: status.stableRS,
    currentStepHash: stepHashOf(situation.stored),
    replicas: podsIn(all),
    updatedReplicas: podsIn([current]),
    readyReplicas: readyIn(all),
    availableReplicas: availableIn(all),
    HPAReplicas: podsIn(all),
    selector: formatSelector(selectorOf(spec.selector)),
    collisionCount: status.collisionCount,
    conditions: (status.conditions ?? []).filter(({ type }) => type !== "InvalidSpec"),
    promoteFull: status.promoteFull === true && hash !== status.stableRS,
  });
  const { stablePingPong, stepPluginStatuses } = status.canary;
  pass.setCanaryStatus({ stepPluginStatuses, ...pass.status.canary, stablePingPong });
}

/** The status as at the beginning of an update. Argo Rollouts: `resetRolloutStatus`. */
export function resetStatus(situation: Situation, pass: Pass): void {
  const { spec } = situation.rollout;
  pass.clearPauses();
  pass.removeAbort();
  pass.setStatus({
    promoteFull: false,
    restartedAt: spec.restartAt,
    currentStepIndex: (spec.strategy.canary?.steps ?? []).length > 0 ? 0 : undefined,
  });
  pass.setCanaryStatus({
    currentStepAnalysisRunStatus: undefined,
    currentBackgroundAnalysisRunStatus: undefined,
    stepPluginStatuses: undefined,
  });
  pass.setBlueGreenStatus({
    prePromotionAnalysisRunStatus: undefined,
    postPromotionAnalysisRunStatus: undefined,
    scaleUpPreviewCheckPoint: undefined,
  });
}

/**
 * Makes the current set the one that users can rely on. `why` is told when it was another one.
 * Argo Rollouts: `promoteStable`.
 */
export function promote(situation: Situation, pass: Pass, why: string): void {
  const { rollout: { spec, metadata, status } } = situation;
  const { canary } = spec.strategy;
  pass.clearPauses();
  pass.removeAbort();
  pass.setStatus({ promoteFull: false, currentStepIndex: canary?.steps?.length || undefined });
  pass.setBlueGreenStatus({ scaleUpPreviewCheckPoint: undefined });
  const { currentPodHash, stableRS } = pass.status;
  const revision = revisionOf({ metadata });
  if (stableRS !== currentPodHash) {
    if (canary?.pingPong) {
      const stablePingPong = status.canary.stablePingPong === "ping" ? "pong" : "ping";
      pass.setCanaryStatus({ stablePingPong });
    }
    pass.setStatus({ stableRS: currentPodHash });
    pass.tell(
      "RolloutCompleted",
      `Rollout completed update to revision ${revision} (${currentPodHash}): ${why}`,
    );
  }
  const isOnSuccess = spec.workloadRef?.scaleDown === "onsuccess";
  if (isOnSuccess && revision === 1 && status.phase === "Healthy") {
    scaleWorkload(situation, pass, 0);
  }
}

/** The end of a look: conditions, then what {@linkcode persist} does. */
export function finish(situation: Situation, pass: Pass): Plan {
  withRolloutConditions(situation, pass);
  return persist(situation, pass);
}

/** Writes the status once, with pauses, phase and what it was observed of, and tells when a pause began or ended. */
export function persist(situation: Situation, pass: Pass): Plan {
  pass.settlePauses();
  pass.status = observed(situation, pass.status);
  tellPauses(situation, pass);
  const deadlineMs = deadlineInMs(situation, pass.status);
  if (deadlineMs !== undefined) pass.wakeIn(deadlineMs);
  return plan(pass.writesWith(statusWrites(situation, pass.status)), pass.againAfterMs);
}

function tellPauses({ rollout: { status } }: Situation, pass: Pass): void {
  const [before] = status.pauseConditions ?? [];
  const [now] = pass.status.pauseConditions ?? [];
  if (before === undefined && now !== undefined) {
    pass.tell("RolloutPaused", `Rollout is paused (${now.reason})`);
  }
  // An abort ends pauses, too, without anything being resumed.
  const isResumed = before !== undefined && now === undefined && !pass.status.abortedAt;
  if (isResumed) pass.tell("RolloutResumed", "Rollout is resumed");
}

/** Ends a look early: nothing is said of it but how traffic was last split. */
export function stop(situation: Situation, pass: Pass): Plan {
  const { weights } = pass.status.canary;
  pass.status = situation.rollout.status;
  pass.setCanaryStatus({ weights });
  return plan(pass.writesWith(statusWrites(situation, pass.status)), pass.againAfterMs);
}
