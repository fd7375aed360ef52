import { timestamp } from "../../../lib/timestamp.ts";
import type { Plan } from "../../runtime/controller.ts";
import { runAnalyses } from "../parts/analyses.ts";
import { syncEphemeralMetadata } from "../parts/ephemeral_metadata.ts";
import { runExperimentStep } from "../parts/experiments.ts";
import { baseStatus, finish, promote, resetStatus, stop } from "../status/finish.ts";
import { cleanUpHistory } from "../parts/history.ts";
import type { Pass } from "../situation/pass.ts";
import { haltReason, pauseEndMs, pauseOf } from "../situation/pauses.ts";
import { restartPods } from "../parts/pod_restarts.ts";
import { removeDeadlines, scale, scaleCurrent } from "../parts/scaling.ts";
import { pointService } from "../parts/services.ts";
import { availableIn, availableOf, podsIn } from "../situation/sets.ts";
import { isFullyPromoted, type Situation } from "../situation/situation.ts";
import { stepHashOf } from "../parts/template_hash.ts";
import { podsInUse, routeTraffic } from "../traffic/traffic.ts";
import { scaleOthers } from "./other_sets.ts";
import { hasDesiredCounts, isRollingBackDynamically, wantedSizes } from "../sizes/sizes.ts";
import { currentStepOf, pauseSecondsOf, servicesOf, stepText } from "../situation/steps.ts";

/**
 * One look at a rollout of the strategy canary. Its parts come in the order of Argo Rollouts, which ends the look at the
 * first of them that changes the size of a set. Argo Rollouts: `rolloutCanary`.
 */
export function canary(situation: Situation, pass: Pass): Plan {
  if (hasNewTemplateOrSteps(situation)) return reset(situation, pass);
  if (restartPods(situation, pass) > 0) return stop(situation, pass);
  syncEphemeralMetadata(situation, pass);
  cleanUpHistory(situation, pass);
  pointServices(situation, pass);
  if (routeTraffic(situation, pass) === "stop") return stop(situation, pass);
  runExperimentStep(situation, pass);
  runAnalyses(situation, pass);
  if (!pass.hasAddedPause && !scaleCanary(situation, pass)) {
    pauseAtStep(situation, pass);
    failAtPlugin(situation, pass);
  }
  return conclude(situation, pass);
}

/** Whether the template or the steps are others than the status says, which is so at the very beginning, too. */
export function hasNewTemplateOrSteps({ rollout: { status }, stored, hash }: Situation): boolean {
  const { currentPodHash = "", currentStepHash = "" } = status;
  return currentStepHash === "" || currentStepHash !== stepHashOf(stored) ||
    (currentPodHash !== "" && currentPodHash !== hash);
}

/** An update begins: nothing else is done yet. */
export function reset(situation: Situation, pass: Pass): Plan {
  const { rollout, current, hash, isRollbackWithinWindow } = situation;
  const steps = rollout.spec.strategy.canary!.steps?.length ?? 0;
  baseStatus(situation, pass);
  resetStatus(situation, pass);
  if (steps > 0 && rollout.status.stableRS === hash) {
    pass.tell("SkipSteps", "Rollback to stable ReplicaSets");
    pass.status.currentStepIndex = steps;
  } else if (steps > 0 && isRollbackWithinWindow && current.spec.replicas > 0) {
    pass.tell("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow");
    pass.status.currentStepIndex = steps;
  }
  return finish(situation, pass);
}

/** Points services to their sets as soon as these can answer. Argo Rollouts: `reconcileStableAndCanaryService`. */
function pointServices(situation: Situation, pass: Pass): void {
  const { rollout, current, stable } = situation;
  const { status, spec: { strategy } } = rollout;
  const { canaryService, stableService, pingPong, trafficRouting } = strategy.canary!;
  if (pingPong && !isFullyPromoted(rollout)) {
    const { canaryService } = servicesOf(strategy.canary!, status.canary.stablePingPong);
    pointService(situation, pass, canaryService, current, { needsAvailable: false });
  }
  pointService(situation, pass, stableService, stable, { needsAvailable: true });
  if (isRollingBackDynamically(situation) !== undefined) return;
  if (!pass.isAborted) {
    pointService(situation, pass, canaryService, current, { needsAvailable: true });
  } else if (!trafficRouting) { // else it leaves as its weight does
    pointService(situation, pass, canaryService, stable, { needsAvailable: true });
  }
}

/**
 * Brings the sets a step nearer to their sizes: the stable one first, then the canary, then others. Gives whether a size
 * changed. Argo Rollouts: `reconcileCanaryReplicaSets`.
 */
export function scaleCanary(situation: Situation, pass: Pass): boolean {
  const { rollout, current, stable, all } = situation;
  pass.status.HPAReplicas = podsIn(all);
  pass.status.availableReplicas = availableIn(all);
  if (haltReason(rollout)) return false;
  removeDeadlines(situation, pass);
  // The stable set follows the weights of the look before, which are in use by now.
  const { stable: stableSize } = wantedSizes(situation, rollout.status.canary.weights);
  if (stable && stable !== current) {
    const size = Math.max(stableSize, podsInUse(situation, pass, stable));
    if (scale(situation, pass, stable, size)) return true;
  }
  const { canary: canarySize } = wantedSizes(situation, pass.status.canary.weights);
  const least = podsInUse(situation, pass, current);
  return scaleCurrent(situation, pass, canarySize, least) || scaleOthers(situation, pass);
}

/** Argo Rollouts: `reconcileCanaryPause`. */
export function pauseAtStep({ rollout, nowMs }: Situation, pass: Pass): void {
  const { step } = currentStepOf(rollout);
  if (rollout.spec.paused || rollout.status.promoteFull || !step?.pause) return;
  const pause = pauseOf(rollout, "CanaryPauseStep");
  if (pause === undefined) {
    // Somebody who ends a pause leaves the mark that there was one.
    if (!rollout.status.controllerPause) pass.addPause("CanaryPauseStep");
    return;
  }
  const seconds = pauseSecondsOf(step);
  if (seconds !== undefined) pass.wakeIn(pauseEndMs(pause, seconds) - nowMs);
}

/** No plugins of steps are run here: the update goes back, and says why. */
function failAtPlugin({ rollout, stable, nowMs }: Situation, pass: Pass): void {
  const { step, index } = currentStepOf(rollout);
  const isSkipped = pass.isAborted || rollout.spec.paused || rollout.status.promoteFull;
  if (!step?.plugin || stable === undefined || isFullyPromoted(rollout) || isSkipped) return;
  const { name } = step.plugin;
  const message = "plugins of steps are not supported; use an analysis or a pause instead";
  const now = timestamp(nowMs);
  pass.addAbort(`Step Plugin ${index! + 1} (${name}) failed: ${message}`);
  pass.setCanaryStatus({
    stepPluginStatuses: [{
      ...{ index: index!, name, operation: "Run", phase: "Failed", message },
      ...{ startedAt: now, updatedAt: now, finishedAt: now },
    }],
  });
  const what = `Step plugin ${name} (step ${index! + 1}) transitioned to Failed`;
  pass.tell("StepPluginTransition", what, "Warning");
}

/**
 * What the look comes to: promoted, aborted, or a step further. `hasCounts`: whether all pods that the step asks for are
 * there. Argo Rollouts: `syncRolloutStatusCanary`.
 */
export function conclude(
  situation: Situation,
  pass: Pass,
  hasCounts: typeof hasDesiredCounts = hasDesiredCounts,
): Plan {
  const { rollout, isRollbackWithinWindow } = situation;
  const steps = rollout.spec.strategy.canary!.steps?.length ?? 0;
  baseStatus(situation, pass);
  const { step, index } = currentStepOf(rollout);
  pass.setStatus({ currentStepIndex: index });
  const skipsSteps = rollout.status.promoteFull === true || isRollbackWithinWindow;
  if (skipsSteps) {
    pass.clearPauses();
    pass.removeAbort();
    pass.setStatus({ currentStepIndex: steps || undefined });
  }
  const why = reasonToPromote(situation, pass);
  if (why !== undefined) {
    promote(situation, pass, why);
  } else if (pass.isAborted) {
    const isStable = rollout.status.stableRS === pass.status.currentPodHash;
    pass.setStatus({ currentStepIndex: steps === 0 ? undefined : isStable ? steps : 0 });
  } else if (step && !skipsSteps && isCompleted(situation, pass, hasCounts)) {
    completeStep(pass, index! + 1, `/${steps} completed (${stepText(step)})`);
  }
  return finish(situation, pass);
}

function completeStep(pass: Pass, next: number, what: string): void {
  pass.setStatus({ currentStepIndex: next });
  pass.setCanaryStatus({ currentStepAnalysisRunStatus: undefined });
  pass.tell("RolloutStepCompleted", `Rollout step ${next}${what}`);
  pass.removePause("CanaryPauseStep");
}

/** Argo Rollouts: `shouldFullPromote`. */
function reasonToPromote(situation: Situation, pass: Pass): string | undefined {
  const { rollout, current, stable, isRollbackWithinWindow } = situation;
  if (stable === undefined) return "Initial deploy";
  if (pass.isAborted || availableOf(current) !== rollout.spec.replicas) return undefined;
  if (rollout.status.promoteFull) return "Full promotion requested";
  if (isRollbackWithinWindow) return "Rollback within window";
  const steps = rollout.spec.strategy.canary!.steps?.length ?? 0;
  const { index = 0 } = currentStepOf(rollout);
  return steps === 0 || index === steps ? `Completed all ${steps} canary steps` : undefined;
}

/** Whether the current step has reached what it asks for. Argo Rollouts: `completedCurrentCanaryStep`. */
function isCompleted(
  situation: Situation,
  pass: Pass,
  hasCounts: typeof hasDesiredCounts,
): boolean {
  const { rollout } = situation;
  const { step } = currentStepOf(rollout);
  if (rollout.spec.paused || step === undefined) return false;
  const { weights } = pass.status.canary;
  if (step.pause) return isPauseOver(situation);
  if (step.setCanaryScale) return hasCounts(situation, weights);
  if (step.setWeight !== undefined) {
    return hasCounts(situation, weights) && weights?.verified !== false;
  }
  if (step.experiment) return phaseOf(pass.experiment) === "Successful";
  if (step.analysis) return phaseOf(pass.runs.step) === "Successful";
  return step.setHeaderRoute !== undefined || step.setMirrorRoute !== undefined;
}

function phaseOf(ended: { status?: { phase?: string } } | undefined): string | undefined {
  return ended?.status?.phase;
}

function isPauseOver({ rollout, nowMs }: Situation): boolean {
  const { step } = currentStepOf(rollout);
  const pause = pauseOf(rollout, "CanaryPauseStep");
  if (pause === undefined) return rollout.status.controllerPause === true;
  const seconds = pauseSecondsOf(step!);
  return seconds !== undefined && nowMs >= pauseEndMs(pause, seconds);
}
