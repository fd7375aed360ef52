import type { View } from "../../../client/client.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import {
  type Division,
  type InPlaceWorkload,
  isUpdating,
  stableAtFirst,
  WEIGHT_MAX,
} from "../../apps/division.ts";
import { isStepwise, rolloutOf } from "../../apps/stepwise.ts";
import { haltReason } from "../situation/pauses.ts";
import { resolvedRollout } from "../situation/situation.ts";
import { canaryScaleOf } from "../situation/steps.ts";

/** How a workload that is rolled out in steps is divided now, by what its Rollout says: a `Divide`. */
export function divisionOf(
  workload: InPlaceWorkload,
  wanted: string,
  owned: readonly Pod[],
  view: View,
): Division | undefined {
  const found = rolloutOf(view, workload);
  if (found === undefined && (!isStepwise(workload) || isUpdating(wanted, owned))) return undefined;
  const rollout = found && resolvedRollout(found);
  const { stableRS, currentPodHash, abort } = rollout?.status ?? {};
  const stable = stableRS || stableAtFirst(owned);
  if (stable === undefined) return undefined;
  if (stable === wanted) return { stable, weight: WEIGHT_MAX, holds: false };
  // The Rollout has not seen this template yet.
  if (!rollout || !stableRS || currentPodHash !== wanted) return { stable, weight: 0, holds: true };
  const scale = canaryScaleOf(rollout);
  const weight = "weight" in scale ? Math.min(scale.weight, WEIGHT_MAX) : 0;
  return { stable, weight, holds: abort !== true && haltReason(rollout) !== undefined };
}
