/**
 * The finalizers that ask the garbage collector to deal with an object's dependents: to delete them first, or to orphan
 * them.
 *
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion
 */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

/** The metadata of a new object with a finalizer that holds it as long as it is used. */
export function heldBy<M extends { finalizers?: string[] }>(metadata: M, finalizer: string): M {
  const { finalizers = [] } = metadata;
  return finalizers.includes(finalizer)
    ? metadata
    : { ...metadata, finalizers: [...finalizers, finalizer] };
}
