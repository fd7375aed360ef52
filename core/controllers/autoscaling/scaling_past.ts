import type { ScalingRules } from "../../resources/autoscaling/autoscaler_shape.ts";

/** What an autoscaler knows of before. Times are those of a clock that does not jump. */
export interface ScalingPast {
  /** How many replicas were asked for, before anything was stabilized. */
  recommendations: readonly Recommendation[];
  /** By how much it has scaled up, and down. */
  ups: readonly Change[];
  downs: readonly Change[];
}

interface Recommendation {
  replicas: number;
  ms: number;
}

interface Change {
  by: number;
  ms: number;
}

export const NO_PAST: ScalingPast = { recommendations: [], ups: [], downs: [] };

/** The longest window that a user may ask for is an hour: as many looks, and no more. */
const KEPT_MAX = 300;
const KEPT_MS = 3_600_000;

export function withRecommendation(past: ScalingPast, replicas: number, ms: number): ScalingPast {
  return { ...past, recommendations: recent([...past.recommendations, { replicas, ms }], ms) };
}

export function withChange(past: ScalingPast, by: number, ms: number): ScalingPast {
  if (by > 0) return { ...past, ups: recent([...past.ups, { by, ms }], ms) };
  return { ...past, downs: recent([...past.downs, { by: -by, ms }], ms) };
}

function recent<T extends { ms: number }>(list: readonly T[], nowMs: number): readonly T[] {
  return list.filter(({ ms }) => ms > nowMs - KEPT_MS).slice(-KEPT_MAX);
}

/** The recommendations of the last `seconds`. */
export function recommendedWithin(
  { recommendations }: ScalingPast,
  seconds: number,
  nowMs: number,
): number[] {
  return recommendations.filter(({ ms }) => ms > nowMs - seconds * 1_000)
    .map(({ replicas }) => replicas);
}

/** The number of replicas that the rules allow to go to from `current`. */
export function limitOf(
  rules: ScalingRules,
  direction: "up" | "down",
  { past, current, nowMs }: { past: ScalingPast; current: number; nowMs: number },
): number {
  if (rules.selectPolicy === "Disabled") return current;
  const proposals = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const sum = (changes: readonly Change[]) =>
      changes.filter(({ ms }) => ms > nowMs - periodSeconds * 1_000)
        .reduce((total, { by }) => total + by, 0);
    const start = current - sum(past.ups) + sum(past.downs);
    if (direction === "up") {
      return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
    }
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  const isLeast = (rules.selectPolicy === "Min") === (direction === "up");
  return isLeast ? Math.min(...proposals) : Math.max(...proposals);
}
