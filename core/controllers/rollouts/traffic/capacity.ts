import { shareOf } from "../situation/shares.ts";

/** What the share of the canary is held against. All weights are of `max`. */
export interface CapacityFacts {
  readonly max: number;
  /** `spec.replicas`: the pods that carry all traffic. */
  readonly replicas: number;
  /** Available pods of the set that the canary service selects. */
  readonly canaryAvailable: number;
  /** Available pods of the set that the stable service selects. */
  readonly stableAvailable: number;
  /** The weights of experiments, together. */
  readonly extra: number;
  /** The weight of the canary service in the tables in use. */
  readonly present: number;
  readonly desired: number;
}

/**
 * The weight nearest to the desired one at which no set gets more than its ready pods can carry, which is
 * `max · available / replicas`. While the pods of both together cannot carry all traffic so, they count as all that is
 * wanted, so that each of them carries as much as any other; and
 * - the canary gets no more than its own pods can carry so;
 * - a weak stable set never makes its weight larger than it is.
 *
 * Coracle's own rule, for routes that its proxy serves. Argo Rollouts checks the stable set only, and that against 100:
 * https://github.com/argoproj/argo-rollouts/issues/3941
 */
export function weightWithinCapacity(
  { max, replicas, canaryAvailable, stableAvailable, extra, present, desired }: CapacityFacts,
): number {
  const carried = [canaryAvailable, stableAvailable].map((each) => shareOf(each, replicas, max));
  const isEnough = carried.reduce((sum, share) => sum + share, extra) >= max;
  const carrying = isEnough
    ? replicas
    : replicasCarrying(replicas, canaryAvailable + stableAvailable);
  const most = shareOf(canaryAvailable, carrying, max);
  const notStable = max - extra - shareOf(stableAvailable, carrying, max);
  const least = Math.min(present, Math.max(0, notStable));
  return Math.min(Math.max(desired, least), most, Math.max(0, max - extra));
}

/** Pods that carry all traffic: those that are wanted, or those that there are. */
export function replicasCarrying(replicas: number, available: number): number {
  return replicas === 0 ? 0 : Math.max(1, Math.min(replicas, available));
}
