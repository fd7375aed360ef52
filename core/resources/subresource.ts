import type { JsonObject } from "../lib/json/json_value.ts";
import type { Cause } from "../schema/causes.ts";
import type { Schema } from "../schema/schema.ts";

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-verbs */
export type SubresourceVerb = "create" | "delete" | "get" | "patch" | "update";

/**
 * What can be read or written of an object under `OBJECT/NAME`: its status, its scale, the binding of a pod. Discovery,
 * OpenAPI, the API and its clients take all that they know of it from here. Everything is pure.
 */
export interface Subresource<T> {
  /** The last segment of the path, e.g. `binding`. */
  name: string;
  verbs: readonly SubresourceVerb[];
  /** Whether it connects to what runs. `body` are the options of the connection then, which stand in the query. */
  isConnection?: true;
  /** What is sent and shown; absent: the object itself. */
  body?: SubresourceBody;
  /** What is shown of the object; absent: the object itself. After a creation that shows nothing, a `Status` says so. */
  show?(object: T): unknown;
  /**
   * How what is decided is admitted: as an update of all but the status, or of the status alone. Absent: it is stored
   * as it is.
   */
  admittedAs?: "update" | "status";
  /**
   * What a server-side apply of the body sets in the object, without its apiVersion, kind and name. Absent: the body is the
   * object itself, or it cannot be applied.
   */
  applied?(sent: JsonObject): JsonObject;
  /**
   * What becomes of the object by what was sent, or by what a patch has made of what is shown. Its shape has been
   * checked, where the body has a schema, as have its name and resourceVersion. Absent: its answer is a stream.
   */
  decide?(current: T, sent: JsonObject, nowMs: number): SubresourceDecision<T>;
  /** With `admittedAs: "update"`: the rules that count instead of those of the kind. */
  validate?(next: T, previous: T): Cause[];
  /** With `admittedAs: "update"`: the warnings that are said instead of those of the kind. */
  warnings?(next: T, previous: T): string[];
  /**
   * In place of `decide`, where other objects have a say, or the object goes: does what was sent. Not pure, but all of
   * its reads and writes are those of `world`. Throws {@linkcode SubresourceRefusal}.
   */
  act?(sent: JsonObject, world: SubresourceWorld<T>): Promise<void>;
  /** Whether what was sent says itself that nothing is to be stored. */
  isDryRun?(sent: JsonObject): boolean;
}

/** A kind, as far as an act knows it. */
interface Kind<O> {
  group: string;
  plural: string;
  validate(next: O, previous: O | undefined): Cause[];
}

/** What an act may see and do. */
export interface SubresourceWorld<T> {
  readonly nowMs: number;
  /** The newest version of the object. */
  readonly object: T;
  /** All objects of another kind in its namespace. */
  list<O>(resource: Kind<O>): readonly O[];
  /** Writes what `next` makes of the newest version of an object in its namespace. Resolves with the new version. */
  amend<O>(
    resource: Kind<O>,
    name: string,
    next: (current: O) => O,
  ): Promise<string>;
  /** The same for the object itself. */
  amendSelf(next: (current: T) => T): Promise<string>;
  /** Deletes the object itself. */
  remove(options: {
    gracePeriodSeconds?: number;
    propagationPolicy?: "Orphan" | "Background" | "Foreground";
    preconditions?: { uid?: string; resourceVersion?: string };
  }): Promise<void>;
  /** Whether nothing is to be stored; writes see to it. */
  readonly isDryRun: boolean;
}

/** Why an act was not done, in the words of the API. */
export class SubresourceRefusal extends Error {
  override name = "SubresourceRefusal";
  constructor(
    readonly reason: "BadRequest" | "Conflict" | "Forbidden" | "InternalError" | "TooManyRequests",
    message: string,
    readonly details: {
      retryAfterSeconds?: number;
      causes?: readonly { reason: string; message: string }[];
    } = {},
  ) {
    super(message);
  }
}

export interface SubresourceBody {
  group: string;
  version: string;
  kind: string;
  /** Of the whole body. Absent: whoever decides looks. */
  schema?: Schema;
}

/** `conflict`: why the state of the object does not allow it. `causes`: what is wrong with what was sent. */
export type SubresourceDecision<T> =
  | { next: T | JsonObject }
  | { conflict: string }
  | { causes: readonly Cause[] };
