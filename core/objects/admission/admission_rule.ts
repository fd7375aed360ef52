import type { Cause } from "../../schema/causes.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import type { Store } from "../../store/store.ts";
import type { WriteOptions } from "../../client/write_options.ts";

/** An object on its way into the store, with all its defaults. */
export interface AdmissionRequest {
  readonly resource: AnyResource;
  readonly next: KubeObject;
  /** What is stored now; `undefined` for a create. */
  readonly previous: KubeObject | undefined;
  readonly store: Store;
  /** Fields that are wrong are named here, so that the client hears of all of them at once. */
  readonly causes: Cause[];
  /** For the client to read, of a write that is not refused: one `Warning` header each. */
  readonly warnings: string[];
  readonly options: WriteOptions;
  /** What of the object is written; `""`: the object itself. */
  readonly subresource: string;
  /** Remembers to give back what the rule has claimed, once the object is visible or refused. */
  atEnd(release: () => void): void;
}

/**
 * A rule that needs to know of other objects. Returns the object as it shall be stored; throws an
 * {@linkcode ApiError} to refuse it as a whole. Synchronous: it decides in the turn of the commit.
 */
export type AdmissionRule = (request: AdmissionRequest) => KubeObject;

/**
 * The same for an object with which nothing is wrong: asked last, and changes nothing. Throws an {@linkcode ApiError}
 * to refuse it.
 */
export type AdmissionCheck = (request: AdmissionRequest) => void;
