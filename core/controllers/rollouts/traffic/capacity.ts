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
 * `max · available / replicas`. When the pods of both together are too few:
 * - the canary gets no more than its own pods can carry;
 * - a weak stable set never makes its weight larger than it is.
 *
 * Coracle's own rule, for routes that its proxy serves. Argo Rollouts checks the stable set only, and that against 100:
 * https://github.com/argoproj/argo-rollouts/issues/3941
 */
export function weightWithinCapacity(
  { max, replicas, canaryAvailable, stableAvailable, extra, present, desired }: CapacityFacts,
): number {
  const most = shareOf(canaryAvailable, replicas, max);
  const notStable = max - extra - shareOf(stableAvailable, replicas, max);
  const least = Math.min(present, Math.max(0, notStable));
  return Math.min(Math.max(desired, least), most, Math.max(0, max - extra));
}
