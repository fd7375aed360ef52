import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { TrafficWeights } from "../../../resources/argoproj/mod.ts";
import { availableIn, availableOf, hashOf, sizeOf } from "../situation/sets.ts";
import { isFullyPromoted, type ResolvedRollout, type Situation } from "../situation/situation.ts";
import { type BasicGoal, basicSizes, type SetCount, type Sizes } from "./basic_sizes.ts";
import { canaryScaleOf, maxWeightOf } from "../situation/steps.ts";

const SHARE_DEFAULT = "25%";

/** How many pods there may be beyond `replicas`, and how many of these may be missing. */
export interface Limits {
  surge: number;
  unavailable: number;
}

/**
 * The limits of a canary as numbers of pods: the surge is rounded up, what may be missing down; a text is a percentage,
 * with the sign or without. One of them is never 0. Argo Rollouts: `resolveFenceposts`, `MaxUnavailable`.
 */
export function limitsOf({ spec }: Pick<ResolvedRollout, "spec">): Limits {
  const { maxSurge, maxUnavailable } = spec.strategy.canary ?? {};
  const surge = Math.ceil(podsOf(maxSurge, spec.replicas));
  const unavailable = Math.floor(podsOf(maxUnavailable, spec.replicas));
  const sure = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { surge, unavailable: Math.min(sure, spec.replicas) };
}

function podsOf(share: number | string = SHARE_DEFAULT, replicas: number): number {
  if (typeof share === "number") return share;
  const percent = Number(share.replace(/%$/, ""));
  return Number.isFinite(percent) ? percent * replicas / 100 : 0;
}

/** Sizes that the canary and the stable set should have now. `weights`: how traffic is split; absent: that does not matter. */
export function wantedSizes(situation: Situation, weights: TrafficWeights | undefined): Sizes {
  const { rollout } = situation;
  return rollout.spec.strategy.canary?.trafficRouting
    ? routedSizes(rollout, weights)
    : basicSizesOf(situation);
}

function basicSizesOf({ rollout, current, stable, others }: Situation): Sizes {
  const scale = canaryScaleOf(rollout);
  const goal: BasicGoal = {
    replicas: rollout.spec.replicas,
    weight: "weight" in scale ? scale.weight : 0,
    weightMax: maxWeightOf(rollout),
    ...limitsOf(rollout),
  };
  return basicSizes(goal, {
    canary: countOf(current),
    ...(stable && stable !== current && { stable: countOf(stable) }),
    others: { size: sizeOf(others), available: availableIn(others) },
  });
}

function countOf(set: ReplicaSet): SetCount {
  return { size: set.spec.replicas, available: availableOf(set) };
}

/**
 * The sizes while a router splits the traffic: the stable set stays as it is unless it may follow its weight; then a set
 * is as large as what it gets, or is about to get. Argo Rollouts: `CalculateReplicaCountsForTrafficRoutedCanary`.
 */
export function routedSizes(
  rollout: ResolvedRollout,
  weights: TrafficWeights | undefined,
): Sizes {
  const { spec: { replicas, strategy }, status } = rollout;
  const { dynamicStableScale, minPodsPerReplicaSet = 0 } = strategy.canary!;
  const max = maxWeightOf(rollout);
  const podsFor = (weight: number) => Math.ceil(replicas * weight / max);
  const atLeast = (size: number) => size === 0 ? 0 : Math.max(size, minPodsPerReplicaSet);
  const scale = canaryScaleOf(rollout);
  const canary = "replicas" in scale ? scale.replicas : atLeast(podsFor(scale.weight));
  if (!dynamicStableScale) return { canary, stable: replicas };
  const goal = podsFor(max - ("weight" in scale ? scale.weight : 0));
  const actual = weights ? podsFor(weights.stable.weight) : 0;
  const kept = weights && status.abort ? podsFor(weights.canary.weight) : 0;
  return {
    canary: atLeast(Math.max(canary, kept)),
    stable: atLeast(Math.max(goal, actual)),
  };
}

/**
 * Whether all pods that the current step asks for are there. Argo Rollouts: `AtDesiredReplicaCountsForCanary`.
 */
export function hasDesiredCounts(
  situation: Situation,
  weights: TrafficWeights | undefined,
): boolean {
  const { rollout, current, stable, others } = situation;
  const { trafficRouting, dynamicStableScale } = rollout.spec.strategy.canary!;
  const wanted = wantedSizes(situation, weights);
  const isReached = current.spec.replicas === wanted.canary &&
    availableOf(current) === wanted.canary;
  if (!isReached) return false;
  const stableIsThere = stable !== undefined && stable.spec.replicas === wanted.stable &&
    stable.status.replicas === wanted.stable;
  if (!(trafficRouting && dynamicStableScale) && !stableIsThere) return false;
  return trafficRouting !== undefined || availableIn(others) === 0;
}

/**
 * The hash of the set that traffic is moved away from, while the stable template has come back in the middle of an update
 * and its set still grows; `undefined` at other times. Argo Rollouts: `isDynamicallyRollingBackToStable`.
 */
export function isRollingBackDynamically({ rollout, current }: Situation): string | undefined {
  const { trafficRouting, dynamicStableScale } = rollout.spec.strategy.canary ?? {};
  const { weights } = rollout.status.canary;
  if (!isFullyPromoted(rollout) || !trafficRouting || !dynamicStableScale) return undefined;
  const from = weights?.canary.podTemplateHash ?? "";
  if (weights === undefined || from === hashOf(current)) return undefined;
  return availableOf(current) < rollout.spec.replicas ? from : undefined;
}
