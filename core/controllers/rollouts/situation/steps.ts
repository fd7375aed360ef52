import type {
  CanaryStep,
  CanaryStrategy,
  SetCanaryScale,
} from "../../../resources/argoproj/mod.ts";
import { durationMsOf } from "../../../schema/durations.ts";
import { abortScaleDownDelayS } from "./delays.ts";
import { isFullyPromoted, type ResolvedRollout } from "./situation.ts";

const WEIGHT_MAX = 100;

/** Index of the current step, and the step unless all are done; neither without steps. */
export function currentStepOf(
  { spec, status }: ResolvedRollout,
): { step?: CanaryStep; index: number | undefined } {
  const steps = spec.strategy.canary?.steps ?? [];
  if (steps.length === 0) return { index: undefined };
  // Clients write it, too.
  const index = Math.max(0, Math.min(status.currentStepIndex ?? 0, steps.length));
  const step = steps[index];
  return step ? { step, index } : { index };
}

/** The weight that stands for all. */
export function maxWeightOf({ spec }: Pick<ResolvedRollout, "spec">): number {
  return spec.strategy.canary?.trafficRouting?.maxTrafficWeight ?? WEIGHT_MAX;
}

/** The last `setWeight` at or before a step; `undefined` when there is none. */
export function setWeightAt({ spec }: ResolvedRollout, index: number): number | undefined {
  const steps = spec.strategy.canary?.steps ?? [];
  return steps.slice(0, index + 1).findLast((step) => step.setWeight !== undefined)?.setWeight;
}

/** The weight that the steps ask for by now. Argo Rollouts: `GetCurrentSetWeight`. */
export function currentSetWeight(rollout: ResolvedRollout): number {
  if (rollout.status.abort) return 0;
  const { step, index } = currentStepOf(rollout);
  return step ? setWeightAt(rollout, index!) ?? 0 : maxWeightOf(rollout);
}

/** What the number of canary pods follows from. Argo Rollouts: `GetCanaryReplicasOrWeight`. */
export function canaryScaleOf(rollout: ResolvedRollout): { replicas: number } | { weight: number } {
  const { status } = rollout;
  if (status.promoteFull || !status.stableRS || isFullyPromoted(rollout)) {
    return { weight: maxWeightOf(rollout) };
  }
  const { replicas, weight } = setCanaryScaleOf(rollout) ?? {};
  if (replicas !== undefined) return { replicas };
  return { weight: weight ?? currentSetWeight(rollout) };
}

/**
 * The `setCanaryScale` in force. After an abort there is none, unless the canary is to stay for ever.
 * Argo Rollouts: `UseSetCanaryScale`.
 */
function setCanaryScaleOf(rollout: ResolvedRollout): SetCanaryScale | undefined {
  const { spec: { strategy: { canary } }, status } = rollout;
  if (!canary?.trafficRouting) return undefined;
  if (status.abort && abortScaleDownDelayS(rollout) !== undefined) return undefined;
  const { step, index } = currentStepOf(rollout);
  if (step === undefined) return undefined;
  const last = canary.steps!.slice(0, index! + 1).findLast((each) => each.setCanaryScale);
  return last?.setCanaryScale?.matchTrafficWeight ? undefined : last?.setCanaryScale;
}

/** Seconds of a pause; `undefined`: until somebody ends it. A duration that cannot be read is no pause at all. */
export function pauseSecondsOf({ pause }: CanaryStep): number | undefined {
  const { duration } = pause ?? {};
  if (duration === undefined || typeof duration === "number") return duration;
  if (/^-?[0-9]+$/.test(duration)) return Number(duration);
  try {
    return Math.trunc(durationMsOf(duration) / 1_000);
  } catch {
    return -1; // validation refuses it
  }
}

/** A step as events name it. Argo Rollouts: `CanaryStepString`. */
export function stepText(step: CanaryStep): string {
  const { setWeight, pause, experiment, analysis, setCanaryScale, plugin } = step;
  if (setWeight !== undefined) return `setWeight: ${setWeight}`;
  if (pause) return pause.duration === undefined ? "pause" : `pause: ${pause.duration}`;
  if (experiment) return "experiment";
  if (analysis) return "analysis";
  if (setCanaryScale && scaleText(setCanaryScale)) {
    return `setCanaryScale{${scaleText(setCanaryScale)}}`;
  }
  if (plugin) return `plugin: ${plugin.name}`;
  return "invalid";
}

function scaleText({ weight, replicas, matchTrafficWeight }: SetCanaryScale): string | undefined {
  if (weight !== undefined) return `weight: ${weight}`;
  if (matchTrafficWeight) return "matchTrafficWeight: true";
  return replicas === undefined ? undefined : `replicas: ${replicas}`;
}

/** Names of the services of a canary, which swap their parts when they play ping-pong. */
export function servicesOf(
  canary: CanaryStrategy,
  stablePingPong: string | undefined,
): { canaryService: string | undefined; stableService: string | undefined } {
  const { pingPong, canaryService, stableService } = canary;
  if (pingPong === undefined) return { canaryService, stableService };
  const { pingService, pongService } = pingPong;
  return stablePingPong === "ping"
    ? { stableService: pingService, canaryService: pongService }
    : { stableService: pongService, canaryService: pingService };
}
