import type { NumberedSegment } from "./segment.ts";

/**
 * Names of the rows in a store's database, in format 2:
 *
 *     ["m", "format"]      number of the format
 *     ["m", "owner"]       who owns the database; its versionstamp is the fence that every write checks
 *     ["m", "lease"]       shows that the owner is alive, where servers share the database; see remote_kv.ts
 *     ["m", "sequence"]    number of the last write, there
 *     ["s", N]             a segment of the log, see segment.ts; N grows and is never reused
 *     ["b", BLOB, N]       a part of a value that is too long for a record
 *
 * Format 1 had a row `["o", RESOURCE, NAMESPACE, NAME]` for each object; see kv_migration.ts.
 */
export const FORMAT = 2;
export const FORMAT_KEY = ["m", "format"];
export const OWNER_KEY = ["m", "owner"];
/** Of format 1. */
export const HEAD_KEY = ["m", "head"];
export const LEASE_KEY = ["m", "lease"];
export const SEQUENCE_KEY = ["m", "sequence"];
export const SEGMENTS = ["s"];
export const BLOBS = ["b"];

/** What Deno KV takes in one atomic operation, with room for its keys, checks and overhead. */
export const ATOMIC_BYTES_MAX = 800 * 1024 - 16 * 1024;
/** Segments that are read at once: a mebibyte. */
const SEGMENTS_PER_READ = 16;

/** Message for a format that this version does not know. */
export function newerFormatMessage(format: number): string {
  return `its format is ${format}, this version reads up to ${FORMAT}; start the newer version that wrote it`;
}

/** The segments of the log with their numbers. */
export async function* segmentsIn(
  kv: Deno.Kv,
  order: "oldest first" | "newest first",
): AsyncGenerator<NumberedSegment> {
  const options = { batchSize: SEGMENTS_PER_READ, reverse: order === "newest first" };
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: SEGMENTS }, options)) {
    yield { number: key[1] as number, bytes: value };
  }
}

/** The last segment of the log; `undefined` when it is empty. */
export async function newestSegment(kv: Deno.Kv): Promise<NumberedSegment | undefined> {
  const list = kv.list<Uint8Array>({ prefix: SEGMENTS }, { limit: 1, reverse: true });
  for await (const { key, value } of list) return { number: key[1] as number, bytes: value };
  return undefined;
}
