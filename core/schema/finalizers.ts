/**
 * The finalizers that ask the garbage collector to deal with an object's dependents: to delete them first, or to orphan
 * them.
 *
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion
 */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";
