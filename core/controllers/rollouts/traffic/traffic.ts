import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { Watch } from "../../runtime/controller.ts";
import type { Outcome, Pass } from "../situation/pass.ts";
import type { Situation } from "../situation/situation.ts";

/** Splits the traffic as the steps say. */
export function routeTraffic(_situation: Situation, pass: Pass): Outcome {
  pass.setCanaryStatus({ weights: undefined });
  return undefined;
}

/** Whether no request can reach the set any more. */
export function mayScaleDown(_situation: Situation, _set: ReplicaSet): boolean {
  return true;
}

/** Routes that rollouts write. */
export const routeWatches: readonly Watch[] = [];
