import type { View } from "../../../client/client.ts";
import type { Rollout } from "../../../resources/argoproj/mod.ts";

/** The first thing that is wrong with a rollout; `undefined` when all is right. */
export function invalidityOf({ spec }: Rollout, _view: View): string | undefined {
  if (!spec.selector) {
    return "spec.selector: Required value: Rollout has missing field '.spec.selector'";
  }
  if (spec.strategy?.canary || spec.strategy?.blueGreen) return undefined;
  return "spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
}
