import { msOf, timestamp } from "../../lib/timestamp.ts";
import type { Argument } from "../../resources/argoproj/mod.ts";
import { hashOf } from "../rollouts/situation/sets.ts";
import { endMsOf, type ExperimentState } from "./experiment_state.ts";

/** An argument of an analysis cannot be worked out. The message is Argo Rollouts'. */
export class ExperimentArgumentError extends Error {
  override name = "ExperimentArgumentError";
}

/**
 * Arguments with the experiment's own values in place of `{{templates.a.podTemplateHash}}` and the like. Only values are
 * passed on, as with Argo Rollouts. Throws {@linkcode ExperimentArgumentError}.
 */
export function resolvedArguments(
  state: ExperimentState,
  args: readonly Argument[] = [],
): Argument[] {
  const values = valuesOf(state);
  return args.map(({ name, value }) =>
    value === undefined ? { name } : { name, value: resolved(value, values) }
  );
}

function valuesOf({ experiment, sets }: ExperimentState): Map<string, string> {
  const { availableAt } = experiment.status ?? {};
  const endMs = endMsOf(experiment);
  return new Map([
    ...(availableAt === undefined
      ? []
      : [["experiment.availableAt", timestamp(msOf(availableAt))] as const]),
    ...(endMs === undefined ? [] : [["experiment.finishedAt", timestamp(endMs)] as const]),
    ...[...sets].flatMap(([name, set]) => [
      [`templates.${name}.podTemplateHash`, hashOf(set)] as const,
      [`templates.${name}.replicaset.name`, set.metadata.name] as const,
    ]),
  ]);
}

function resolved(text: string, values: ReadonlyMap<string, string>): string {
  const parts = text.split("{{");
  return parts.map((part, i) => {
    if (i === 0) return part;
    const end = part.indexOf("}}");
    if (end < 0) {
      throw new ExperimentArgumentError(`Cannot find end tag="}}" in the template="${text}"`);
    }
    const value = values.get(part.slice(0, end).trim());
    if (value === undefined) {
      throw new ExperimentArgumentError(`failed to resolve {{${part.slice(0, end)}}}`);
    }
    return value + part.slice(end + 2);
  }).join("");
}
