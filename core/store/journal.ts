import type { Key, Revision } from "./store.ts";

/** Writes in one batch. Deno KV takes 1,000 mutations in one atomic operation. */
export const BATCH_WRITES_MAX = 500;
/** Bytes of values in one batch. Deno KV takes 800 KiB, keys included. */
export const BATCH_BYTES_MAX = 700 * 1024;
/** Bytes of keys in one batch. Deno KV takes 81,920, counted as it encodes them. */
export const BATCH_KEY_BYTES_MAX = 72 * 1024;
/** A value longer than this is kept as a blob. Deno KV takes 65,536 bytes. */
export const ROW_BYTES_MAX = 60_000;

/** Names bytes that were stored ahead of the commit that refers to them. */
export type BlobId = string;

/** What is to be kept for a key: its bytes, a blob that holds them, or nothing (`undefined`: the key goes). */
export interface JournalWrite {
  readonly key: Key;
  readonly value: Uint8Array | { readonly blob: BlobId } | undefined;
}

/** All of it becomes durable, or none. No key occurs twice. */
export interface Batch {
  readonly revision: Revision;
  readonly writes: readonly JournalWrite[];
}

/** What is durable: every key with its bytes, and the revision of the last batch. */
export interface Loaded {
  readonly revision: Revision;
  readonly rows: readonly (readonly [Key, Uint8Array])[];
}

/**
 * Where a store keeps its objects for the next start: Deno KV, memory, or another engine.
 *
 * One owner at a time. `commit` is called again only after the call before has ended.
 */
export interface Journal {
  /** Everything that is durable. Also sweeps blobs that no commit refers to. Called once, before all else. */
  load(): Promise<Loaded>;
  /** Durable when it resolves. When it rejects, the batch may or may not be durable: ask `revision`. */
  commit(batch: Batch): Promise<void>;
  /** Stores bytes that are too long for a row; a later commit refers to them. */
  blob(bytes: Uint8Array): Promise<BlobId>;
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

/** Another owner has taken the journal over: this one may never write again. */
export class FencedError extends Error {
  override name = "FencedError";
}
