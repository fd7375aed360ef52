import type { AutoscalerSpec, ScalingRules } from "../../resources/autoscaling/autoscaler_shape.ts";
import { limitOf, recommendedWithin, type ScalingPast } from "./scaling_past.ts";

/** kube-controller-manager's `--horizontal-pod-autoscaler-downscale-stabilization`. */
const DOWN_WINDOW_SECONDS = 300;
/** Without rules of its own an autoscaler may double the pods, or make four of them. */
const UP_FACTOR = 2;
const UP_LEAST = 4;

/** A reason and a message, for a condition. */
export interface Reason {
  reason: string;
  message: string;
}

/** How many replicas there may be, when so many are asked for. */
export interface Stabilized {
  replicas: number;
  ableToScale: Reason;
  /** Whether fewer, or more, are asked for than there may be, and why. */
  isLimited: boolean;
  limit: Reason;
}

const IN_RANGE: Reason = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const TOO_MANY: Reason = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
};
const TOO_FEW: Reason = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
};
const TOO_FAST: Reason = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const DOWN_TOO_FAST: Reason = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};
const READY: Reason = {
  reason: "ReadyForNewScale",
  message: "recommended size matches current size",
};
const UP_STABILIZED: Reason = {
  reason: "ScaleUpStabilized",
  message:
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const DOWN_STABILIZED: Reason = {
  reason: "ScaleDownStabilized",
  message:
    "recent recommendations were higher than current one, applying the highest recent recommendation",
};

export interface Wish {
  /** What the measurements ask for. */
  desired: number;
  current: number;
  past: ScalingPast;
  /** On a clock that does not jump. */
  nowMs: number;
}

/** https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior */
export function stabilized(spec: AutoscalerSpec, wish: Wish): Stabilized {
  const { scaleUp, scaleDown } = spec.behavior ?? {};
  return scaleUp && scaleDown
    ? stabilizedByRules(spec, wish, { up: scaleUp, down: scaleDown })
    : stabilizedByDefault(spec, wish);
}

function stabilizedByDefault(
  { minReplicas, maxReplicas }: AutoscalerSpec,
  { desired, current, past, nowMs }: Wish,
): Stabilized {
  const stable = Math.max(desired, ...recommendedWithin(past, DOWN_WINDOW_SECONDS, nowMs));
  const ableToScale = stable === desired ? READY : DOWN_STABILIZED;
  const fastest = Math.max(UP_FACTOR * current, UP_LEAST);
  const most = Math.min(maxReplicas, fastest);
  const tooMany = maxReplicas > fastest ? TOO_FAST : TOO_MANY;
  return { ableToScale, ...within(stable, { least: minReplicas, most }, TOO_FEW, tooMany) };
}

function within(
  stable: number,
  { least, most }: { least: number; most: number },
  tooFew: Reason,
  tooMany: Reason,
): Omit<Stabilized, "ableToScale"> {
  if (stable < least) return { replicas: least, isLimited: true, limit: tooFew };
  if (stable > most) return { replicas: most, isLimited: true, limit: tooMany };
  return { replicas: stable, isLimited: false, limit: IN_RANGE };
}

function stabilizedByRules(
  spec: AutoscalerSpec,
  { desired, current, past, nowMs }: Wish,
  rules: { up: ScalingRules; down: ScalingRules },
): Stabilized {
  const upSeconds = rules.up.stabilizationWindowSeconds ?? 0;
  const downSeconds = rules.down.stabilizationWindowSeconds ?? DOWN_WINDOW_SECONDS;
  const lowest = Math.min(desired, ...recommendedWithin(past, upSeconds, nowMs));
  const highest = Math.max(desired, ...recommendedWithin(past, downSeconds, nowMs));
  const stable = Math.min(Math.max(current, lowest), highest);
  const ableToScale = stable === desired
    ? READY
    : desired >= current
    ? UP_STABILIZED
    : DOWN_STABILIZED;
  return { ableToScale, ...byRate(spec, { desired: stable, current, past, nowMs }, rules) };
}

function byRate(
  { minReplicas, maxReplicas }: AutoscalerSpec,
  { desired: stable, current, past, nowMs }: Wish,
  { up, down }: { up: ScalingRules; down: ScalingRules },
): Omit<Stabilized, "ableToScale"> {
  const range = { least: -Infinity, most: Infinity };
  const now = { past, current, nowMs };
  if (stable > current) {
    const fastest = Math.max(limitOf(up, "up", now), current);
    const tooMany = maxReplicas > fastest ? TOO_FAST : TOO_MANY;
    return within(stable, { ...range, most: Math.min(maxReplicas, fastest) }, TOO_FEW, tooMany);
  }
  if (stable < current) {
    const fastest = Math.min(limitOf(down, "down", now), current);
    const tooFew = minReplicas < fastest ? DOWN_TOO_FAST : TOO_FEW;
    return within(stable, { ...range, least: Math.max(minReplicas, fastest) }, tooFew, TOO_MANY);
  }
  return within(stable, range, TOO_FEW, TOO_MANY);
}
