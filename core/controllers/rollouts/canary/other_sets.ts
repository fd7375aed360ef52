import {
  availableIn,
  availableOf,
  hasDeadline,
  newestFirst,
  oldestFirst,
} from "../situation/sets.ts";
import type { Pass } from "../situation/pass.ts";
import { delayedSize, isReferenced, scale } from "../parts/scaling.ts";
import { isFullyPromoted, type Situation } from "../situation/situation.ts";
import { mayScaleDown } from "../traffic/traffic.ts";
import { limitsOf } from "../sizes/sizes.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";

/**
 * Shrinks sets that are neither current nor stable, of which a user changed their mind, or which were stable before.
 * Gives whether a size changed. Argo Rollouts: `scaleDownOldReplicaSetsForCanary`.
 */
export function scaleOthers(situation: Situation, pass: Pass): boolean {
  const { rollout, others, all } = situation;
  const sized = others.filter(({ spec }) => spec.replicas > 0);
  if (sized.length === 0) return false;
  let isScaled = dropUnavailable(situation, pass, sized);
  let mayLose = availableIn(all) - (rollout.spec.replicas - limitsOf(rollout).unavailable);
  let waiting = 0;
  for (const set of newestFirst(sized)) {
    if (mayLose <= 0) break;
    const { replicas } = pass.setNow(set).spec;
    if (replicas === 0) continue;
    const next = sizeNow(situation, pass, set, { mayLose, waiting });
    if (next === undefined) continue;
    waiting = next.waiting;
    if (next.size === replicas) continue;
    scale(situation, pass, set, next.size);
    mayLose -= replicas - next.size;
    isScaled = true;
  }
  return isScaled;
}

/** Pods that do not work are of no use to anybody. */
function dropUnavailable(
  situation: Situation,
  pass: Pass,
  sized: readonly ReplicaSet[],
): boolean {
  const ill = oldestFirst(sized).filter((set) => availableOf(set) < set.spec.replicas);
  for (const set of ill) scale(situation, pass, set, availableOf(set));
  return ill.length > 0;
}

/** `undefined`: the set stays as it is, and does not count. */
function sizeNow(
  situation: Situation,
  pass: Pass,
  set: ReplicaSet,
  { mayLose, waiting }: { mayLose: number; waiting: number },
): { size: number; waiting: number } | undefined {
  const { rollout } = situation;
  const { trafficRouting, dynamicStableScale } = rollout.spec.strategy.canary!;
  const { replicas } = pass.setNow(set).spec;
  if (!trafficRouting) return { size: Math.max(0, replicas - mayLose), waiting };
  if (isReferenced(situation, set) || !mayScaleDown(situation, set)) return undefined;
  const wasStable = isFullyPromoted(rollout) || hasDeadline(set);
  if (!wasStable || dynamicStableScale) return { size: 0, waiting };
  return delayedSize(situation, pass, set, { waiting, kept: replicas });
}
