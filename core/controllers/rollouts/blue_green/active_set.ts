import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { RolloutStatus } from "../../../resources/argoproj/mod.ts";
import { selectedHash, serviceOf } from "../parts/services.ts";
import { hashOf } from "../situation/sets.ts";
import { formatSelector, selectorOf } from "../../../schema/selectors.ts";
import type { Situation } from "../situation/situation.ts";

/** The set that the active Service selects. */
export function activeSetOf(situation: Situation): ReplicaSet | undefined {
  const { activeService } = situation.rollout.spec.strategy.blueGreen!;
  return setOf(situation.all, selectedHash(serviceOf(situation, activeService)));
}

/** The set of this hash. */
export function setOf(sets: readonly ReplicaSet[], hash = ""): ReplicaSet | undefined {
  return hash === "" ? undefined : sets.find((set) => hashOf(set) === hash);
}

/** What autoscaling and people count is the set that users see; all sets while there is none. */
export function countsOfActive(
  { all }: Situation,
  status: RolloutStatus,
): Partial<RolloutStatus> {
  const active = setOf(all, status.blueGreen?.activeSelector);
  if (active === undefined) return {};
  const { replicas, readyReplicas = 0, availableReplicas = 0 } = active.status;
  const selector = formatSelector(selectorOf(active.spec.selector));
  return { HPAReplicas: replicas, readyReplicas, availableReplicas, selector };
}
