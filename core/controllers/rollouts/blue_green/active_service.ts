import type { Service } from "../../../resources/core/services/services.ts";
import type { Pass } from "../situation/pass.ts";
import { haltReason } from "../situation/pauses.ts";
import { availableOf, hashOf, isSaturated } from "../situation/sets.ts";
import { selectedHash } from "../parts/services.ts";
import type { Situation } from "../situation/situation.ts";
import { setOf } from "./active_set.ts";
import { wasJudgedGood } from "./analyses.ts";
import { isFastTracked, isPauseOver, isThere } from "./auto_promotion.ts";

/**
 * Which pods the Service that users see is to select: the new ones once all of them are available and may be promoted,
 * the stable ones after an abort, however the new ones are. It never goes to a set that cannot carry what comes to it.
 *
 * Argo Rollouts: `reconcileActiveService`, where an aborted rollout goes back only while its new pods are available.
 */
export function activeHash(situation: Situation, pass: Pass, service: Service): string {
  const { rollout, current, stable, all } = situation;
  const selected = selectedHash(service);
  if (pass.isAborted) return canGoBack(situation, selected) ? hashOf(stable) : selected;
  if (haltReason(rollout)) return selected;
  if (mayPromote(situation, pass, selected)) return hashOf(current);
  const isLost = selected !== "" && setOf(all, selected) === undefined;
  return isLost && availableOf(stable) > 0 ? hashOf(stable) : selected;
}

/** Whether the stable set has the pods for it: all, or no fewer than the set that is selected now. */
function canGoBack({ rollout, stable, all }: Situation, selected: string): boolean {
  const needed = Math.min(rollout.spec.replicas, availableOf(setOf(all, selected)));
  return availableOf(stable) > 0 && availableOf(stable) >= needed;
}

function mayPromote(situation: Situation, pass: Pass, selected: string): boolean {
  const { rollout, current } = situation;
  if (!isThere(situation) || !isSaturated(current, rollout)) return false;
  return isFastTracked(situation, selected) ||
    (isPauseOver(situation, pass) && wasJudgedGood(situation, pass));
}
