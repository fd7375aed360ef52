import type { KubeObject, Resource } from "../resources/resource.ts";

/** Names one object of a kind. `namespace` is absent (or `""`) for kinds that have none. Any metadata is one. */
export interface ObjectName {
  namespace?: string;
  name: string;
}

/** What a client writes; the server fills in the rest. */
export type Draft<T extends KubeObject> = DeepPartial<Omit<T, "metadata">> & {
  metadata: Partial<T["metadata"]>;
};
type DeepPartial<T> = T extends readonly (infer I)[] ? DeepPartial<I>[]
  : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> }
  : T;

/** A change that the view now shows. For DELETED, `object` is the last state. */
export interface ViewEvent<T extends KubeObject = KubeObject> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: T;
}

/**
 * Objects as they are now, without waiting. The store itself in the server's process, a mirror over HTTP
 * elsewhere. Objects are frozen: make new ones by spread. What is read between two awaits is one snapshot.
 */
export interface View {
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined;
  /** All of a kind, or of one namespace, ordered by namespace and name. */
  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[];
  /**
   * Through an index: `owner` (a uid), `label` (`key=value`), `lifecycle` (`owned` or `terminating`), or one that the
   * resource declares, e.g. `node` of pods.
   */
  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[];
  /**
   * Calls `listener` after each change, in order, once the view shows it; not for existing objects.
   * Listeners are synchronous, must not throw, and should only mark what is dirty. Returns the stop.
   */
  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/ */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Orphan" | "Background" | "Foreground";
  preconditions?: { uid?: string; resourceVersion?: string };
}

/**
 * The verbs of the API: by a call in the server, by HTTP on another machine. Every verb throws
 * {@linkcode ApiError} for a refusal. Writes carry the resourceVersion of the object given, if it has one.
 */
export interface Client {
  create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): Promise<T>;
  /** Replaces all but the status. */
  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  /** Replaces the status alone. */
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  /** Graceful where the kind is: a pod stays until its agent confirms with `gracePeriodSeconds: 0`. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options?: DeleteOptions,
  ): Promise<void>;
  /**
   * Writes a subresource of the object, e.g. the `binding` of a pod: creates it or, where it can only be replaced,
   * replaces it.
   */
  act<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    subresource: string,
    body: object,
  ): Promise<void>;
}
