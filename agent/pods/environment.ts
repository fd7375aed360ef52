import { ownField } from "../../core/lib/own_field.ts";
import type { View } from "../../core/client/client.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { EnvFromSource, EnvVar } from "../../core/resources/core/pods/spec/env.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { AnyResource } from "../../core/resources/resource.ts";
import type { ObjectReference } from "../volumes/volume_type.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { expand } from "../volumes/expansion.ts";
import { fieldOf, resourceFieldOf } from "../volumes/pod_fields.ts";
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
  for (const source of container.envFrom ?? []) {
    Object.assign(own, variablesFrom(pod, source, input));
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? valueFrom(pod, container, variable.valueFrom, input)
      : expand(variable.value ?? "", { ...services, ...own });
    if (value !== undefined) own[variable.name] = value;
  }
  return { ...services, ...own };
}

/** The objects that variables of a container are taken from. */
export function environmentReferencesOf({ env = [], envFrom = [] }: Container): ObjectReference[] {
  return KEYED_KINDS.flatMap((kind) => {
    const references = [
      ...envFrom.map((source) => kind.objectIn(source)),
      ...env.map(({ valueFrom }) => valueFrom && kind.keyIn(valueFrom)),
    ];
    return references.flatMap((reference) =>
      reference ? [{ resource: kind.resource, name: reference.name ?? "" }] : []
    );
  });
}

interface Reference {
  name?: string;
  optional?: boolean;
}

type ValueFrom = NonNullable<EnvVar["valueFrom"]>;

/** A kind of object whose keys can be variables. */
interface KeyedKind {
  resource: AnyResource;
  /** The object of this kind that all variables are taken from. */
  objectIn(source: EnvFromSource): Reference | undefined;
  /** The key of an object of this kind that a variable is taken from. */
  keyIn(source: ValueFrom): Reference & { key: string } | undefined;
  textsOf(object: { data?: Variables }): Variables;
}

const KEYED_KINDS: readonly KeyedKind[] = [
  {
    resource: configMaps,
    objectIn: ({ configMapRef }) => configMapRef,
    keyIn: ({ configMapKeyRef }) => configMapKeyRef,
    textsOf: ({ data = {} }) => data,
  },
  {
    resource: secrets,
    objectIn: ({ secretRef }) => secretRef,
    keyIn: ({ secretKeyRef }) => secretKeyRef,
    textsOf: ({ data = {} }) =>
      Object.fromEntries(Object.entries(data).map(([key, value]) => [key, textOfBase64(value)])),
  },
];

/** The kinds whose objects variables are taken from. */
export const ENVIRONMENT_KINDS: readonly AnyResource[] = KEYED_KINDS.map(({ resource }) =>
  resource
);

function variablesFrom(pod: Pod, source: EnvFromSource, input: EnvironmentInput): Variables {
  const { prefix = "" } = source;
  const kind = KEYED_KINDS.find((each) => each.objectIn(source));
  const data = kind ? textsIn(pod, kind, kind.objectIn(source)!, input) : {};
  const named = Object.entries(data).map(([key, value]) => [prefix + key, value] as const);
  return Object.fromEntries(named.filter(([name]) => name !== "" && !name.includes("=")));
}

function valueFrom(
  pod: Pod,
  container: Container,
  source: ValueFrom,
  input: EnvironmentInput,
): string | undefined {
  const { fieldRef, resourceFieldRef } = source;
  if (fieldRef) return fieldOf(pod, fieldRef.fieldPath, input);
  if (resourceFieldRef) return resourceFieldOf(pod, container, resourceFieldRef, input.allocatable);
  const kind = KEYED_KINDS.find((each) => each.keyIn(source));
  if (kind) return valueOfKey(pod, kind, kind.keyIn(source)!, input);
  throw new ConfigError("invalid valueFrom: no source that this agent knows is set");
}

function valueOfKey(
  pod: Pod,
  kind: KeyedKind,
  reference: Reference & { key: string },
  input: EnvironmentInput,
): string | undefined {
  const { key, name = "", optional } = reference;
  const value = ownField(textsIn(pod, kind, reference, input), key);
  if (value !== undefined || optional) return value;
  throw new ConfigError(
    `couldn't find key ${key} in ${kind.resource.kind} ${pod.metadata.namespace}/${name}`,
  );
}

function textsIn(
  pod: Pod,
  { resource, textsOf }: KeyedKind,
  { name = "", optional }: Reference,
  { view }: EnvironmentInput,
): Variables {
  const object = view.get(resource, { namespace: pod.metadata.namespace, name });
  if (object !== undefined) return textsOf(object);
  if (optional) return {};
  throw new ConfigError(`${resource.singular} "${name}" not found`);
}

/** A byte order mark at the beginning is part of the value. */
function textOfBase64(base64: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.fromBase64(base64));
}
