import { isEqual } from "../../lib/equality.ts";
import type { Experiment } from "../../resources/argoproj/mod.ts";
import { durationMsIn, progressDeadlineS } from "./experiment_state.ts";

/**
 * What is wrong with an experiment, in Argo Rollouts' words; `undefined`: nothing. Argo Rollouts:
 * `utils/conditions/experiments.go`, `VerifyExperimentSpec`.
 */
export function specFault(experiment: Experiment): string | undefined {
  const { metadata: { name: experimentName }, spec } = experiment;
  const known = new Set<string>();
  for (const [i, { name, selector, minReadySeconds = 0 }] of spec.templates.entries()) {
    if (isEqual(selector, {})) {
      return `This experiment is selecting all pods at index ${i}. A non-empty selector is required.`;
    }
    if (minReadySeconds > progressDeadlineS(experiment)) {
      return `MinReadySeconds cannot be longer than ProgressDeadlineSeconds. Check template index ${i}`;
    }
    if (name === "") return `Experiment ${experimentName} has empty template name at index ${i}`;
    if (known.has(name)) {
      return `Experiment ${experimentName} has repeated template name '${name}' in templates`;
    }
    known.add(name);
  }
  return durationFault(spec.duration);
}

/** Argo Rollouts takes a duration that it cannot read for none, so that the experiment never ends. */
function durationFault(duration: string | undefined): string | undefined {
  if (!duration || durationMsIn(duration) !== undefined) return undefined;
  return `Duration "${duration}" cannot be read; write it like 90s, 10m or 1h30m`;
}
