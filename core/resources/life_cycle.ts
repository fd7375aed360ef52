/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-verbs */
export type Verb =
  | "create"
  | "delete"
  | "deletecollection"
  | "get"
  | "list"
  | "patch"
  | "update"
  | "watch";

/** In the order in which discovery lists them. */
export const ALL_VERBS: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** How the objects of a kind come, change and go. All of it is pure. */
export interface LifeCycle<T> {
  /** What can be done to them. Default: everything. */
  verbs: readonly Verb[];
  /**
   * What `metadata.generation` counts the changes of: the content, which is all but metadata and status, perhaps with
   * the annotations, or (`all content`) with the status. `first`: it is 1 and stays so. `changes`: of the content, from
   * the first change on. Default: the content of kinds that have spec and status, nothing of others.
   * Kubernetes: `PrepareForUpdate` in `pkg/registry`.
   */
  generation: "none" | "first" | "changes" | "content" | "content and annotations" | "all content";
  /** Whether a new object keeps the status that it comes with. */
  isCreatedWithStatus: boolean;
  /** Whether an update is refused that does not say which version it is of. */
  needsVersion: boolean;
  /** Kept in memory only, never written to disk. */
  volatile: boolean;
  /** Encrypted where it is kept on disk. */
  encrypted: boolean;
  /** Why an object may not be deleted; `undefined`: it may. */
  deletionFault?(object: T): string | undefined;
  /**
   * Seconds that an object which is deleted gets to end, of which `asked` were asked for; less than 0 means 1. Absent:
   * it goes at once.
   */
  graceSeconds?(object: T, asked?: number): number;
  /** Who holds an object that is being deleted, beside its finalizers. */
  holders?(object: T): readonly string[];
  /** Finalizers that its first deletion puts on an object. */
  deletionFinalizers?: readonly string[];
  /** What an object owns stays when it is deleted and nobody says otherwise: the warning that is then given. */
  orphansByDefault?: string;
  /** What changes when an object is marked as being deleted, beside its metadata. */
  markedDeleted?(object: T): T;
}
