import type { WeightDestination } from "../../../resources/argoproj/mod.ts";
import { shareOf } from "../situation/shares.ts";

/** A set that traffic can be sent to: the hash of its pods' template, and how many of its pods are available. */
export interface RoutedSet {
  readonly hash: string;
  readonly available: number;
}

/** Where a rollout is in its steps, and the weights that these ask for. */
export interface StepWeights {
  /** Of the last `setWeight` before the current step; 0 without one. */
  readonly before: number;
  /** Of the last one up to the current step; all of the traffic after the last step. */
  readonly now: number;
  readonly isDone: boolean;
}

/** What the weight of the canary follows from, of a canary with traffic routing. */
export interface WeightFacts {
  /** The weight of all traffic: `maxTrafficWeight`, or 100. */
  readonly max: number;
  /** `spec.replicas`. */
  readonly replicas: number;
  /** `undefined`: it has no steps. */
  readonly steps: StepWeights | undefined;
  readonly dynamicStableScale: boolean;
  /** `status.stableRS` is `status.currentPodHash`. */
  readonly isPromoted: boolean;
  readonly isAborted: boolean;
  readonly promoteFull: boolean;
  readonly current: RoutedSet | undefined;
  readonly stable: RoutedSet | undefined;
  /**
   * The set that was rolled out before the rollout went back to its stable template, while that one's set is still too
   * small for all traffic. Only the weights remember it. https://github.com/argoproj/argo-rollouts/issues/3020
   */
  readonly returningFrom: string | undefined;
  /** The weight that the canary was given last: `status.canary.weights.canary`. */
  readonly present: number | undefined;
  /** Whether the sets have the sizes that the step asks for, all of their pods available. */
  readonly hasDesiredCounts: boolean;
  /** The shares of the running experiment of the current step. */
  readonly experiments: readonly WeightDestination[];
}

export interface DesiredWeight {
  /** Of the canary service. */
  readonly weight: number;
  /** The set behind the canary service, for the status. */
  readonly canaryHash: string;
  readonly extra: readonly WeightDestination[];
  /** Whether the routes of header and mirror steps go. */
  readonly removesManagedRoutes: boolean;
}

/**
 * The weight that a canary with traffic routing should have now. What the sets can carry comes on top, see
 * `weightWithinCapacity`.
 *
 * Argo Rollouts 1.8: `rollout/trafficrouting.go`, `reconcileTrafficRouting`.
 */
export function desiredWeight(facts: WeightFacts): DesiredWeight {
  const { current, returningFrom } = facts;
  const desired = { canaryHash: current?.hash ?? "", extra: [], removesManagedRoutes: true };
  if (returningFrom !== undefined) {
    const weight = weightOfReturn(facts);
    return { ...desired, weight, canaryHash: returningFrom, removesManagedRoutes: false };
  }
  if (facts.isPromoted) return { ...desired, weight: 0 };
  if (facts.isAborted) return { ...desired, weight: weightOfReturn(facts) };
  if (current === undefined || current.available === 0) {
    return { ...desired, weight: 0, extra: facts.experiments };
  }
  if (facts.promoteFull) return { ...desired, weight: weightOfFullPromotion(facts, current) };
  return { ...desired, ...weightOfSteps(facts), removesManagedRoutes: false };
}

/** As much as the stable set cannot carry yet; never more than now, since a pod of it may just be restarting. */
function weightOfReturn(
  { dynamicStableScale, max, stable, replicas, present }: WeightFacts,
): number {
  if (!dynamicStableScale) return 0;
  const missing = Math.max(0, max - shareOf(stable?.available ?? 0, replicas, max));
  return Math.min(missing, present ?? missing);
}

function weightOfFullPromotion(
  { dynamicStableScale, max, replicas, present }: WeightFacts,
  current: RoutedSet,
): number {
  return dynamicStableScale ? shareOf(current.available, replicas, max) : present ?? 0;
}

function weightOfSteps(
  { steps, hasDesiredCounts, experiments }: WeightFacts,
): Pick<DesiredWeight, "weight" | "extra"> {
  if (steps === undefined) return { weight: 0, extra: [] };
  if (!hasDesiredCounts) return { weight: steps.before, extra: experiments };
  return { weight: steps.now, extra: steps.isDone ? [] : experiments };
}
