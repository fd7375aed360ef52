import type { View } from "../../../client/client.ts";
import type { Rollout } from "../../../resources/argoproj/mod.ts";
import { faultsOfReferences } from "./reference_rules.ts";
import { faultsOfSpec } from "./spec_rules.ts";

/**
 * What is first wrong with a Rollout, in Argo Rollouts' words: `spec.x: Invalid value: 1: must be …`; `undefined`: nothing.
 * A template of another workload is in its place already. Kinds of routers that nobody here drives are not looked up.
 *
 * Argo Rollouts: `pkg/apis/rollouts/validation` and `getRolloutValidationErrors` in `rollout/controller.go`.
 */
export function invalidityOf(rollout: Rollout, view: View): string | undefined {
  for (const fault of faultsOf(rollout, view)) return `${fault.field}: ${fault.message}`;
  return undefined;
}

function* faultsOf(rollout: Rollout, view: View) {
  yield* faultsOfSpec(rollout);
  yield* faultsOfReferences(rollout, view);
}
