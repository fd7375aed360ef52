import type { Journal, Loaded } from "./journal.ts";
import type { Key, Revision } from "./store.ts";

/** The server that owns an engine, as it describes itself. */
export interface Owner {
  /** Differs for each start of each server. */
  readonly id: string;
  /** Where its API is, e.g. `https://192.0.2.1:6443`. */
  readonly address: string;
}

/** One change that the owner has made durable: an object, which holds its revision, or a removal, which does not. */
export type SeenWrite =
  | { readonly key: Key; readonly value: Uint8Array }
  | { readonly key: Key; readonly value: undefined; readonly revision: Revision };

/** A whole batch, as it became durable. */
export interface SeenBatch {
  readonly revision: Revision;
  readonly writes: readonly SeenWrite[];
}

/** What a follower sees: everything once, then each batch in order, and who owns the engine. */
export type Observation =
  | { readonly loaded: Loaded }
  | { readonly batch: SeenBatch }
  | { readonly owner: Owner | undefined };

/** An engine that several servers share. One of them owns it, the others follow. */
export interface SharedEngine {
  /**
   * Begins with everything and with the owner. Ends only by throwing: with the signal's reason, or because
   * the engine cannot be reached or no longer knows what happened since; then follow anew.
   */
  follow(signal: AbortSignal): AsyncIterable<Observation>;
  /** Takes the engine over when nobody owns it; `undefined` when somebody does. */
  claim(self: Owner): Promise<Tenure | undefined>;
  close(): void;
}

/**
 * The time in which a server owns an engine. No write of it lands after that time: each one carries a check of the
 * owner, so that it does not matter how late it is.
 */
export interface Tenure {
  /** Closing it gives the engine up, for others to take over at once. */
  readonly journal: Journal;
  /** Of the last batch at the time of the claim: a follower that has seen it has seen everything. */
  readonly revision: Revision;
  /** Nobody else can own the engine at this moment; reads are not stale. May become true again. */
  isSure(): boolean;
  /** Resolves when another server has taken over. */
  readonly ended: Promise<Error>;
}
