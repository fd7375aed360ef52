import type { View } from "../../../client/client.ts";
import type { Rollout } from "../../../resources/argoproj/mod.ts";
import type { Watch } from "../../runtime/controller.ts";
import type { Pass } from "../situation/pass.ts";
import type { Situation } from "../situation/situation.ts";

/** On a Rollout: generation of the workload that it refers to. */
export const WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation";

/** The rollout with the template and the selector of the workload that it refers to. */
export function resolveWorkload(
  rollout: Rollout,
  _view: View,
): { rollout: Rollout; generation?: string } | { error: string } {
  return { rollout };
}

/** Workloads that rollouts refer to. */
export const workloadWatches: readonly Watch[] = [];

/** Gives the workload that the rollout refers to a number of pods of its own. */
export function scaleWorkload(_situation: Situation, _pass: Pass, _target: number): void {}
