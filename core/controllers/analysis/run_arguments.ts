import { ownField } from "../../lib/own_field.ts";
import type { View } from "../../client/client.ts";
import type { AnalysisRun, Argument } from "../../resources/argoproj/mod.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { ArgumentError, type ArgumentValues, argumentValues } from "./arguments.ts";

/** Stands for secrets where their values do not matter, as in Argo. */
const IN_PLACE_OF_SECRETS = "temp-for-secret";

/** The arguments of a run with the values of its secrets. Never stored. */
export interface RunArguments {
  values: ArgumentValues;
  /** The values of the secrets, to be masked in texts. */
  secrets: readonly string[];
}

/** The values of a run's arguments but for its secrets. @throws {ArgumentError} */
export function argumentsWithoutSecrets({ spec }: AnalysisRun): ArgumentValues {
  return argumentValues(spec.args ?? [], () => IN_PLACE_OF_SECRETS);
}

/** The values of a run's arguments, secrets read from its namespace. @throws {ArgumentError} */
export function argumentsOf(
  { metadata: { namespace }, spec }: AnalysisRun,
  view: View,
): RunArguments {
  const found = new Set<string>();
  const values = argumentValues(spec.args ?? [], (argument) => {
    const value = secretValue(argument, namespace, view);
    found.add(value);
    return value;
  });
  // The longest first: one may be a part of another.
  return { values, secrets: [...found].sort((a, b) => b.length - a.length) };
}

function secretValue({ valueFrom }: Argument, namespace: string, view: View): string {
  const { name, key } = valueFrom!.secretKeyRef!;
  const secret = view.get(secrets, { namespace, name });
  if (secret === undefined) throw new ArgumentError(`secrets "${name}" not found`);
  const data = ownField(secret.data, key);
  if (data === undefined) {
    throw new ArgumentError(`key '${key}' does not exist in secret '${name}'`);
  }
  return new TextDecoder().decode(Uint8Array.fromBase64(data));
}
