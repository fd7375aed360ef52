import { ownField } from "../../core/lib/own_field.ts";
import type { View } from "../../core/client/client.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { EnvFromSource, EnvVar } from "../../core/resources/core/pods/spec/env.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { expand } from "../volumes/expansion.ts";
import { fieldOf, resourceFieldOf } from "./pod_fields.ts";
import { serviceVariablesOf } from "./service_variables.ts";

/** What variables may refer to besides the pod. */
export interface EnvironmentInput {
  view: Pick<View, "get" | "list">;
  hostIP: string;
  podIP: string;
  /** What pods can use of the node, for limits that are not set. */
  allocatable: Readonly<Record<string, string>>;
}

type Variables = Record<string, string>;

/**
 * The environment of a container: Service variables, under `envFrom`, under `env`; each `$(NAME)` of a value
 * stands for what was set before it. Throws {@linkcode ConfigError} for what must be there and is not.
 *
 * https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
 */
export function environmentOf(pod: Pod, container: Container, input: EnvironmentInput): Variables {
  const services = serviceVariablesOf(pod, input.view);
  const own: Variables = {};
  for (const source of container.envFrom ?? []) Object.assign(own, wholeOf(pod, source, input));
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? referredValue(pod, container, variable, input)
      : expand(variable.value ?? "", { ...services, ...own });
    if (value !== undefined) own[variable.name] = value;
  }
  return { ...services, ...own };
}

function wholeOf(pod: Pod, source: EnvFromSource, input: EnvironmentInput): Variables {
  const { configMapRef, secretRef, prefix = "" } = source;
  const data = configMapRef
    ? textsOf(pod, "configmap", configMapRef, input)
    : secretRef
    ? textsOf(pod, "secret", secretRef, input)
    : {};
  const named = Object.entries(data).map(([key, value]) => [prefix + key, value] as const);
  return Object.fromEntries(named.filter(([name]) => name !== "" && !name.includes("=")));
}

function referredValue(
  pod: Pod,
  container: Container,
  { valueFrom }: EnvVar,
  input: EnvironmentInput,
): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {};
  if (fieldRef) return fieldOf(pod, fieldRef.fieldPath, input);
  if (resourceFieldRef) return resourceFieldOf(pod, container, resourceFieldRef, input.allocatable);
  if (configMapKeyRef) return keyOf(pod, "configmap", configMapKeyRef, input);
  if (secretKeyRef) return keyOf(pod, "secret", secretKeyRef, input);
  throw new ConfigError("invalid valueFrom: no source that this agent knows is set");
}

type Kind = "configmap" | "secret";
interface Reference {
  name?: string;
  optional?: boolean;
}

function keyOf(
  pod: Pod,
  kind: Kind,
  reference: Reference & { key: string },
  input: EnvironmentInput,
): string | undefined {
  const { key, name = "", optional } = reference;
  const value = ownField(textsOf(pod, kind, reference, input), key);
  if (value !== undefined || optional) return value;
  const kindName = kind === "configmap" ? "ConfigMap" : "Secret";
  throw new ConfigError(
    `couldn't find key ${key} in ${kindName} ${pod.metadata.namespace}/${name}`,
  );
}

function textsOf(
  pod: Pod,
  kind: Kind,
  { name = "", optional }: Reference,
  { view }: EnvironmentInput,
): Variables {
  const { namespace } = pod.metadata;
  if (kind === "configmap") {
    const configMap = view.get(configMaps, { namespace, name });
    if (configMap !== undefined) return configMap.data ?? {};
  } else {
    const secret = view.get(secrets, { namespace, name });
    if (secret !== undefined) {
      return Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [key, textOfBase64(value)]),
      );
    }
  }
  if (optional) return {};
  throw new ConfigError(`${kind} "${name}" not found`);
}

/** A mark of the byte order at the beginning is a part of the value. */
function textOfBase64(base64: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.fromBase64(base64));
}
