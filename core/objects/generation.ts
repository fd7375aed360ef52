import { isEqual } from "../lib/equality.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";

/** Kinds with a spec and a status whose changes Kubernetes does not count. */
const UNCOUNTED = ["Namespace", "Node", "Service"];
/** Kinds without these whose changes it counts. */
const COUNTED = ["EndpointSlice"];
/** Kinds of which the annotations count too: a Deployment's go on to its ReplicaSets. */
const COUNTED_WITH_ANNOTATIONS = ["Deployment"];

/** The generation of a new object; `undefined` for kinds whose changes are not counted. */
export function firstGeneration({ kind, hasStatus, schema }: AnyResource): number | undefined {
  const isWanted = hasStatus && schema.properties?.["spec"] !== undefined;
  return COUNTED.includes(kind) || (isWanted && !UNCOUNTED.includes(kind)) ? 1 : undefined;
}

/**
 * Counts one more when what is wanted has changed: all but metadata and status. Kubernetes: `PrepareForUpdate` in
 * `pkg/registry`.
 */
export function withGeneration(
  next: KubeObject,
  previous: KubeObject | undefined,
  { isOfStatus }: { isOfStatus: boolean },
): KubeObject {
  const generation = previous?.metadata.generation;
  if (!previous || generation === undefined) return next;
  const isSame = isEqual(wanted(next), wanted(previous)) &&
    (isOfStatus || isEqual(annotationsThatCount(next), annotationsThatCount(previous)));
  if (isSame) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

function wanted(object: KubeObject): object {
  const { metadata: _, status: __, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

function annotationsThatCount({ kind, metadata: { annotations = {} } }: KubeObject): object {
  return COUNTED_WITH_ANNOTATIONS.includes(kind) ? annotations : {};
}
