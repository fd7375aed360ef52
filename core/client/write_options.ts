import type { UserInfo } from "./user_info.ts";
import type { Subresource, SubresourceBody } from "../resources/subresource.ts";
import type { KubeObject, ServedVersion } from "../resources/resource.ts";

/**
 * Adds an annotation to the event of a request in the audit log; the first value of a key counts. `level`: of events that
 * tell less, it is left out.
 */
export type Annotate = (key: string, value: string, level?: "Request") => void;

/** An object as one of another kind. */
export interface ShownAs {
  body: SubresourceBody;
  show(object: KubeObject): KubeObject;
  /** What becomes of the object when what is shown is changed. */
  changed(object: KubeObject, shown: KubeObject): KubeObject;
}

/** How to do a write. */
export interface WriteOptions {
  /** Who asks. */
  user?: string;
  /** The same with all that is known of him. Absent: the server itself. */
  userInfo?: UserInfo;
  /** Written by a controller in this very program. Never taken from a request: no client can say it. */
  isOwn?: true;
  /** What of the object is written, e.g. `scale`; absent: the object itself, or its status. */
  subresource?: string;
  /** The manager of the fields that it changes; absent: the write is not tracked. */
  fieldManager?: string;
  /** Of what changes, it is not noted when: such is a write through an object of another kind, its scale. */
  keepsTime?: boolean;
  /** Everything but storing it: `dryRun=All`. */
  dryRun?: boolean;
  /** What to do about fields that the kind does not have. Default: `Warn`, as in kube-apiserver. */
  fieldValidation?: "Ignore" | "Warn" | "Strict";
  /** What is wrong with the text that was sent, told together with the fields that the kind does not have. */
  bodyFaults?: (unknown: readonly string[], mode: "Warn" | "Strict") => readonly string[];
  /** Throws what a strict write is refused with, for the given reasons; absent: a BadRequest. */
  refuseStrictly?: (why: string) => never;
  /** Namespaces that will exist before this is written, for a dry run of several objects. */
  namespacesToCome?: ReadonlySet<string>;
  /** The same of other objects: their keys, whose parts `/` separates. */
  objectsToCome?: ReadonlySet<string>;
  /** The version in which the object comes, where it is not the stored one. Answers are in the stored one. */
  served?: ServedVersion<KubeObject>;
  /** Rules and warnings of a subresource, that count instead of those of the kind. */
  rules?: Pick<Subresource<KubeObject>, "validate" | "warnings">;
  /** Policies and webhooks were asked about the request as a whole: an eviction. */
  isAdmitted?: true;
  /** What policies and webhooks see, where the object is written through one of another kind: its scale. */
  shown?: ShownAs;
  /** Tells the audit log what admission says of the write; absent: nobody listens. */
  annotate?: Annotate;
  /** Throws an ApiError for what this writer may not change. Asked of the object as it would be stored. */
  refuse?: (next: KubeObject, previous: KubeObject | undefined) => void;
}

/** The outcome of a write. */
export interface Written<T extends KubeObject = KubeObject> {
  /** As stored, or as it would be stored by a dry run. Frozen. */
  object: T;
  /** Its JSON. */
  bytes: Uint8Array;
  /** For the client: one `Warning` header each. */
  warnings: readonly string[];
  /** `unchanged`: nothing changed, and the resourceVersion stays. `removed`: it is gone; `object` is its last state. */
  outcome: "created" | "changed" | "unchanged" | "removed";
}
