import type { View } from "../client/client.ts";
import { HASH_LABEL as SET_LABEL, MANAGED_BY } from "../resources/argoproj/rollout_keys.ts";
import type { EndpointSlice } from "../resources/discovery/endpoint_slices.ts";
import { pods } from "../resources/core/pods/pods.ts";
import type { Service } from "../resources/core/services/services.ts";

/** `SET_LABEL`: a Service that selects by it leads to one set. */
export { MANAGED_BY, SET_LABEL };
/** Annotation of an Ingress of ALB: which of its annotations each Rollout writes. */
export const MANAGED_ALB_ANNOTATIONS = "rollouts.argoproj.io/managed-alb-annotations";

/** The pods of a rollout that have one template. */
export interface RolloutSet {
  readonly namespace: string;
  /** Of its template: the value of {@linkcode SET_LABEL}. */
  readonly hash: string;
}

/** A set as a Service leads to it. */
export interface ServedSet extends RolloutSet {
  readonly service: string;
}

/** Text that is equal exactly for equal sets behind equal Services. */
export function servedSetKey({ namespace, service, hash }: ServedSet): string {
  return `${namespace}/${service} ${hash}`;
}

/** The inverse of {@linkcode servedSetKey}. */
export function servedSetOf(key: string): ServedSet {
  const [name = "", hash = ""] = key.split(" ");
  const [namespace = "", service = ""] = name.split("/");
  return { namespace, service, hash };
}

/**
 * The set that a Service leads to; `undefined`: it selects none. Where the pods are known, that of its pods: for a moment after
 * its selector has changed these are still the former ones.
 */
export function setBehind(
  { metadata: { namespace, name }, spec }: Service,
  slices: readonly EndpointSlice[],
  view: View,
): ServedSet | undefined {
  const selected = spec.selector?.[SET_LABEL];
  if (selected === undefined) return undefined;
  const target = slices.find(({ endpoints }) => endpoints.length > 0)?.endpoints[0]?.targetRef;
  const pod = target?.name === undefined
    ? undefined
    : view.get(pods, { namespace, name: target.name });
  return { namespace, service: name, hash: pod?.metadata.labels?.[SET_LABEL] ?? selected };
}
