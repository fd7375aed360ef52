import type { DeleteOptions } from "../client/client.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { ApiError } from "../client/api_error.ts";
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../schema/finalizers.ts";
import { timestamp } from "../lib/timestamp.ts";

/** What a delete does to an object: it goes, it is marked to go, or it stays as it is because it is going already. */
export type Deletion = "remove" | "nothing" | { next: KubeObject };

/**
 * Decides what a delete does. Throws Conflict when a precondition does not hold.
 *
 * An object with a grace period, or with finalizers, is marked and stays; a second delete may only shorten
 * the grace. Source: apiserver `registry/rest/delete.go` (BeforeDelete) and `registry/generic/registry/store.go`.
 */
export function deletionOf(
  resource: AnyResource,
  object: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): Deletion {
  refuseOther(resource, object, options);
  const finalizers = withOwn(finalizersFor(resource, object, options), resource, object);
  const graceSeconds = graceSecondsOf(resource, object, options);
  if (graceSeconds === 0 && !isHeld(resource, object, finalizers)) return "remove";
  const marked = withFinalizers(markedFor(object, graceSeconds, nowMs), finalizers);
  if (marked === object) return "nothing";
  return { next: resource.markedDeleted?.(marked) ?? marked };
}

/** Whether an object that was marked has nothing left that holds it. */
export function isDone(resource: AnyResource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0 &&
    !isHeld(resource, object, finalizers);
}

function isHeld(
  resource: AnyResource,
  object: KubeObject,
  finalizers: readonly string[],
): boolean {
  return finalizers.length > 0 || (resource.holders?.(object) ?? []).length > 0;
}

function refuseOther(
  resource: AnyResource,
  { metadata: { name, uid, resourceVersion } }: KubeObject,
  { preconditions = {} }: DeleteOptions,
): void {
  const { group, kind } = resource;
  // Kubernetes names the kind here, where other conflicts name the resource.
  const mismatch = (what: string, wanted: string, actual: string, done: string) =>
    new ApiError(
      "Conflict",
      `Operation cannot be fulfilled on ${
        group ? `${kind}.${group}` : kind
      } "${name}": the ${what} in the precondition (${wanted}) does not match the ${what} in record (${actual}). The object might have been ${done}`,
      { name, ...(group && { group }), kind },
    );
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    throw mismatch("UID", preconditions.uid, uid, "deleted and then recreated");
  }
  const wanted = preconditions.resourceVersion;
  if (wanted !== undefined && wanted !== resourceVersion) {
    throw mismatch("ResourceVersion", wanted, resourceVersion, "modified");
  }
}

/** Seconds that the object still has from its (first) deletion on. */
function graceSecondsOf(
  resource: AnyResource,
  object: KubeObject,
  { gracePeriodSeconds }: DeleteOptions,
): number {
  if (!resource.graceSeconds) return 0;
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  if (deletionTimestamp !== undefined) {
    return Math.min(deletionGracePeriodSeconds, notNegative(gracePeriodSeconds ?? Infinity));
  }
  return notNegative(resource.graceSeconds(object, gracePeriodSeconds));
}

/** Kubernetes takes a negative period for one second. */
function notNegative(seconds: number): number {
  return seconds < 0 ? 1 : seconds;
}

function finalizersFor(
  { orphansByDefault }: AnyResource,
  { metadata: { finalizers = [] } }: KubeObject,
  { propagationPolicy }: DeleteOptions,
): readonly string[] {
  const others = finalizers.filter((finalizer) =>
    finalizer !== ORPHAN_FINALIZER && finalizer !== FOREGROUND_FINALIZER
  );
  if (propagationPolicy === undefined) {
    const isDecided = others.length < finalizers.length;
    return isDecided || !orphansByDefault ? finalizers : [...finalizers, ORPHAN_FINALIZER];
  }
  if (propagationPolicy === "Orphan") return [...others, ORPHAN_FINALIZER];
  if (propagationPolicy === "Foreground") return [...others, FOREGROUND_FINALIZER];
  return others;
}

/** With those that the kind has put on at the first deletion. */
function withOwn(
  finalizers: readonly string[],
  { deletionFinalizers = [] }: AnyResource,
  { metadata }: KubeObject,
): readonly string[] {
  if (metadata.deletionTimestamp !== undefined) return finalizers;
  const missing = deletionFinalizers.filter((finalizer) => !finalizers.includes(finalizer));
  return missing.length > 0 ? [...finalizers, ...missing] : finalizers;
}

function markedFor(object: KubeObject, graceSeconds: number, nowMs: number): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = object.metadata;
  if (deletionTimestamp === undefined) {
    return withMetadata(object, {
      deletionTimestamp: timestamp(nowMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
      ...(generation !== undefined && { generation: generation + 1 }),
    });
  }
  if (graceSeconds >= deletionGracePeriodSeconds) return object;
  const startMs = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return withMetadata(object, {
    deletionTimestamp: timestamp(startMs + graceSeconds * 1000),
    deletionGracePeriodSeconds: graceSeconds,
  });
}

function withFinalizers(object: KubeObject, finalizers: readonly string[]): KubeObject {
  const before = object.metadata.finalizers ?? [];
  if (before.length === finalizers.length && before.every((word, i) => word === finalizers[i])) {
    return object;
  }
  if (finalizers.length > 0) return withMetadata(object, { finalizers: [...finalizers] });
  const { finalizers: _, ...metadata } = object.metadata; // what is empty is absent
  return { ...object, metadata };
}

function withMetadata(object: KubeObject, changes: Partial<KubeObject["metadata"]>): KubeObject {
  return { ...object, metadata: { ...object.metadata, ...changes } };
}
