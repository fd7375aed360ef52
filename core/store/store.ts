import type { AnyResource, KubeObject } from "../resources/resource.ts";

/** Where an object lives: `["replicasets.apps", "default", "web"]`; namespace `""` when it has none. */
export type Key = readonly [resource: string, namespace: string, name: string];
export type Prefix = readonly [resource: string, namespace?: string];

/** Number of a logical write: grows by one per change. Clients see it as `resourceVersion`. */
export type Revision = number;

/** One object to write (or, with `value` undefined, to remove) if it is still at `expected`. */
export interface Change {
  key: Key;
  value: KubeObject | undefined;
  /** 0: the key must not exist. */
  expected: Revision;
}

/**
 * An object as stored. Frozen. `bytes` are its JSON, made once and reused for get, list, watch and disk; `object` is
 * made from them when it is read, and kept while it is read often or somebody holds it.
 * `object.metadata.resourceVersion` is `String(revision)`.
 */
export interface Entry {
  readonly key: Key;
  readonly object: KubeObject;
  readonly revision: Revision;
  readonly bytes: Uint8Array;
}

/** A change that has become durable and visible. For DELETED, `entry` is the last state at the revision of the deletion. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly entry: Entry;
  /** What was there before; `undefined` for ADDED. Selectors need it to tell when an object leaves a selection. */
  readonly previous: Entry | undefined;
  readonly revision: Revision;
}

/**
 * Objects, in revisions.
 *
 * Reads are synchronous and come from memory, so whatever a caller reads between two awaits is one
 * consistent snapshot. Writes are durable when `commit` resolves, and only then visible.
 */
export interface Store {
  /** Revision of the newest visible write. */
  readonly revision: Revision;
  get(key: Key): Entry | undefined;
  /**
   * What `key` will hold once every write admitted so far is durable. A writer that must not run into a
   * conflict decides on this and commits in the same turn; should an earlier write fail, its own fails too. A writer that
   * decides to write nothing waits until it is {@linkcode confirmed}.
   */
  newest(key: Key): Entry | undefined;
  /** Resolves when every write admitted so far has become visible or has failed. Never rejects. */
  settled(): Promise<void>;
  /** Resolves when every write admitted so far is visible; rejects with {@linkcode UnavailableError} when one never will be. */
  confirmed(): Promise<void>;
  /** In the order of namespace and name. */
  list(prefix: Prefix): readonly Entry[];
  /**
   * Entries of `resource` whose index `index` has `value`: `owner` (a uid), `label` (`key=value`), `lifecycle` (`owned`:
   * it has owners; `terminating`: it is being deleted), or one that the resource declares.
   */
  by(resource: string, index: string, value: string): readonly Entry[];
  /**
   * All changes or none; each change gets a revision of its own, in order. Resolves with the entries
   * written (`undefined` for a removal) once durable. Rejects with {@linkcode ConflictError} when a key is
   * not at `expected` (only once what it collided with can be read), with {@linkcode TooLargeError},
   * or with {@linkcode UnavailableError} when it could not be made durable.
   */
  commit(changes: readonly Change[]): Promise<readonly (Entry | undefined)[]>;
  /**
   * Calls `listener` for every change of `prefix` after now, in order, synchronously, right after the
   * change became visible. Listeners must not throw and must not write synchronously. Returns the stop.
   */
  subscribe(prefix: Prefix | readonly [], listener: (event: StoreEvent) => void): () => void;
  /**
   * The kept events of `prefix` after `revision`, oldest first, for a watcher that resumes; combine with
   * `subscribe` in the same turn to miss nothing. Throws {@linkcode ExpiredError} when they are no longer kept.
   */
  eventsAfter(prefix: Prefix, revision: Revision): readonly StoreEvent[];
  /**
   * Declares a kind and its indexes, before its first use; again when another definition takes its place. Doing so
   * twice is doing it once.
   */
  declare(resource: AnyResource): void;
}

/** Decides which changes a store accepts at the moment. */
export interface WriteGate {
  /** Why the changes, none of a volatile kind, are refused; `undefined` when they are accepted. */
  refusalOf(changes: readonly Change[]): Error | undefined;
  /** Checks whether a refusal still holds. Called before changes are refused. */
  lookAgain(): Promise<void>;
}

export class ConflictError extends Error {
  override name = "ConflictError";
  constructor(readonly key: Key, readonly expected: Revision, readonly actual: Revision) {
    super(
      `Cannot write ${key.join("/")}: expected revision ${expected}, current revision is ${actual}`,
    );
  }
}

/** The history before a revision is gone; the watcher must list again (HTTP 410). */
export class ExpiredError extends Error {
  override name = "ExpiredError";
}

/** An object or a commit is larger than the store accepts. */
export class TooLargeError extends Error {
  override name = "TooLargeError";
}

/**
 * The write could not be made durable: nothing has changed, unless the disk could not be asked either; then the
 * change may be shown later. Reads go on.
 */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}
