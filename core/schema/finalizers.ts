/**
 * The finalizers by which an object asks the garbage collector to deal with its dependents: to delete them before it,
 * or to let them live without it.
 *
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion
 */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";
