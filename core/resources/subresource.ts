import type { JsonObject } from "../lib/json/json_value.ts";
import type { Cause } from "../schema/causes.ts";
import type { Schema } from "../schema/schema.ts";

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-verbs */
export type SubresourceVerb = "create" | "get" | "patch" | "update";

/**
 * What can be read or written of an object under `OBJECT/NAME`: its status, its scale, the binding of a pod. Discovery,
 * OpenAPI, the API and its clients take all that they know of it from here. Everything is pure.
 */
export interface Subresource<T> {
  /** The last segment of the path, e.g. `binding`. */
  name: string;
  verbs: readonly SubresourceVerb[];
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
