import type { View } from "../../../client/client.ts";
import type { CanaryStep, RolloutStrategy } from "../../../resources/argoproj/mod.ts";
import { STEPS } from "../../apps/stepwise.ts";
import { type Read, stepsIn } from "../deployments/canary_text.ts";
import { named, strategyInConfigMap } from "../deployments/strategy.ts";
import type { InPlaceWorkload } from "../../apps/division.ts";

/** Steps that places can follow: none that needs traffic to be split, or pods beside those in their places. */
const STEP_KINDS: readonly (keyof CanaryStep)[] = ["setWeight", "pause", "analysis"];
const STRATEGY_FIELDS: readonly string[] = ["steps", "analysis"];

/** How the annotations of a StatefulSet or DaemonSet ask for it to be rolled out, or everything that is wrong with them. */
export function strategyOf(workload: InPlaceWorkload, view: View): Read<RolloutStrategy> {
  const { annotations = {} } = workload.metadata;
  const { [STEPS.canary]: canary, [STEPS.strategy]: strategy } = annotations;
  const causes = foreignAnnotations(annotations);
  if (canary !== undefined && strategy !== undefined) {
    causes.push(`${STEPS.canary} and ${STEPS.strategy} cannot both be set`);
  }
  if (causes.length > 0) return { causes };
  if (strategy !== undefined) {
    return possible(strategy, strategyInConfigMap(workload, strategy, view));
  }
  const steps = named(STEPS.canary, stepsIn(canary ?? ""));
  return "causes" in steps ? steps : { value: { canary: { steps: steps.value } } };
}

function foreignAnnotations(annotations: Readonly<Record<string, string>>): string[] {
  const causes: string[] = [];
  if (annotations[STEPS.analysis] !== undefined) {
    causes.push(
      `${STEPS.analysis}: requests are told apart by revision for Deployments only; a strategy in a ConfigMap (${STEPS.strategy}) can name analyses`,
    );
  }
  if (annotations[STEPS.service] !== undefined) {
    causes.push(`${STEPS.service}: traffic is split for Deployments only`);
  }
  return causes;
}

function possible(name: string, read: Read<RolloutStrategy>): Read<RolloutStrategy> {
  if ("causes" in read) return read;
  const { canary } = read.value;
  const about = `${STEPS.strategy}: ConfigMap "${name}"`;
  if (!canary) return { causes: [`${about}: blueGreen needs pods beside those in their places`] };
  const fields = Object.keys(canary).filter((field) => !STRATEGY_FIELDS.includes(field))
    .map((field) => `canary.${field}`);
  const steps = (canary.steps ?? []).flatMap((step, i) =>
    Object.keys(step).filter((kind) => !(STEP_KINDS as readonly string[]).includes(kind))
      .map((kind) => `canary.steps[${i}].${kind}`)
  );
  const causes = [...fields, ...steps].map((field) =>
    `${about}: ${field} is not possible for pods in their places`
  );
  return causes.length > 0 ? { causes } : read;
}
