import type { Key, Revision } from "./store.ts";

/** What one batch of an engine may hold. */
export interface JournalLimits {
  readonly writesMax: number;
  /** Bytes of values. */
  readonly bytesMax: number;
  /** Bytes of keys. */
  readonly keyBytesMax: number;
  /** A value longer than this is kept as a blob. */
  readonly rowBytesMax: number;
}

/**
 * Of Deno KV: 1,000 mutations and 800 KiB in one atomic operation, 81,920 bytes of keys, counted as it encodes
 * them, and 65,536 bytes in a value.
 */
export const DENO_KV_LIMITS: JournalLimits = {
  writesMax: 500,
  bytesMax: 700 * 1024,
  keyBytesMax: 72 * 1024,
  rowBytesMax: 60_000,
};

/** The object whose bytes a blob holds. */
export interface BlobOf {
  readonly key: Key;
  readonly revision: Revision;
}

/** Names bytes that were stored before the commit that refers to them. */
export type BlobId = string;

/** What to keep for a key: its bytes, a blob that holds them, or nothing (`undefined`: the key is removed). */
export interface JournalWrite {
  readonly key: Key;
  readonly value: Uint8Array | { readonly blob: BlobId } | undefined;
  /** Of the change. Engines that others follow keep it for removed keys. Absent: that of the batch. */
  readonly revision?: Revision;
}

/** Becomes durable as a whole or not at all. No key occurs twice. */
export interface Batch {
  readonly revision: Revision;
  readonly writes: readonly JournalWrite[];
}

/** What is durable: every key with its bytes, and the revision of the last batch. */
export interface Loaded {
  readonly revision: Revision;
  readonly rows: readonly { readonly key: Key; readonly bytes: Uint8Array }[];
}

/**
 * Where a store keeps its objects for the next start: Deno KV, memory, or another engine.
 *
 * One owner at a time. `commit` is called again only after the call before has ended.
 */
export interface Journal {
  readonly limits: JournalLimits;
  /** Everything that is durable. Also removes blobs that no commit refers to. Called once, before anything else. */
  load(): Promise<Loaded>;
  /** Durable when it resolves. When it rejects, the batch may or may not be durable: ask `revision`. */
  commit(batch: Batch): Promise<void>;
  /** Stores bytes that are too long for a row; a later commit refers to them. */
  blob(bytes: Uint8Array, of: BlobOf): Promise<BlobId>;
  /**
   * Revision of the last durable batch, read anew. Blobs that were stored for a batch that failed are dropped.
   * Rejects with {@linkcode FencedError} when another owner has the journal.
   */
  revision(): Promise<Revision>;
  /** Writes a copy of all that is durable to a new file, while the journal is in use. */
  backup(path: string): Promise<void>;
  /** Gives the journal up for another owner. */
  close(): Promise<void>;
}

/** Another owner has taken over the journal: this one may never write again. */
export class FencedError extends Error {
  override name = "FencedError";
}
