import { DataLock } from "./data_lock.ts";
import {
  type Batch,
  type BlobId,
  FencedError,
  type Journal,
  type JournalWrite,
  type Loaded,
} from "./journal.ts";
import type { Key, Revision } from "./store.ts";

/** Layout of the rows. A newer one is refused. */
const FORMAT = 1;
const FORMAT_KEY = ["m", "format"];
/** Whoever wrote it last owns the database; its versionstamp is the fence that every write checks. */
const OWNER_KEY = ["m", "owner"];
const HEAD_KEY = ["m", "head"];
const ROWS = ["o"];
const BLOBS = ["b"];
/** First byte of a row. */
const IS_JSON = 1;
const IS_BLOB = 2;
const CHUNK_BYTES = 64_000;
const CHUNKS_PER_WRITE_MAX = 12;
const LIST_BATCH = 500;
/** Each turns the file into something else without a word: `DENO_KV_DB_MODE=memory` would lose everything. */
const FORBIDDEN_VARIABLES = ["DENO_KV_DB_MODE", "DENO_KV_PATH_PREFIX"];

/** Where a row's bytes are when they are too long for the row. */
interface BlobReference {
  blob: BlobId;
  chunks: number;
}

/**
 * Keeps a store in a Deno KV file.
 *
 * Rows: `["o", resource, namespace, name]` with a byte for the format and the JSON; longer values lie in
 * `["b", blob, n]`, written before the row that refers to them. `["m", "head"]` is the revision, in every write.
 *
 * Only `check`, `set` and `delete` are used: a failing `sum`, `min` or `max` leaves the rest of its atomic
 * operation committed; `kv.watch` loses events; `expireIn` is a minute late.
 */
export class KvJournal implements Journal {
  readonly #kv: Deno.Kv;
  readonly #path: string;
  readonly #lock: DataLock;
  readonly #fence: Deno.AtomicCheck;
  readonly #blobOf = new Map<string, BlobReference>();
  readonly #unreferenced = new Map<BlobId, BlobReference>();
  #blobsMade = 0;

  /**
   * Opens or makes the file and takes it over. Throws when another process has it, when it was written by a
   * newer version, or when the environment redirects Deno KV.
   */
  static async open(path: string): Promise<KvJournal> {
    for (const name of FORBIDDEN_VARIABLES) {
      if (Deno.env.get(name) !== undefined) {
        throw new Error(`Cannot open the store: ${name} is set and would redirect it; unset it`);
      }
    }
    const lock = await DataLock.take(`${path}.lock`);
    let kv: Deno.Kv | undefined;
    try {
      kv = await Deno.openKv(path);
      return new KvJournal(kv, path, lock, await takeOver(kv, path));
    } catch (error) {
      kv?.close();
      lock.release();
      throw error;
    }
  }

  private constructor(kv: Deno.Kv, path: string, lock: DataLock, fence: Deno.AtomicCheck) {
    this.#kv = kv;
    this.#path = path;
    this.#lock = lock;
    this.#fence = fence;
  }

  async load(): Promise<Loaded> {
    const revision = await this.revision();
    const blobs = await this.#chunksByBlob();
    const rows: [Key, Uint8Array][] = [];
    const list = this.#kv.list<Uint8Array>({ prefix: ROWS }, { batchSize: LIST_BATCH });
    for await (const { key, value } of list) {
      const [, resource, namespace, name] = key as [string, string, string, string];
      const objectKey: Key = [resource, namespace, name];
      if (value[0] === IS_JSON) {
        rows.push([objectKey, value.subarray(1)]);
        continue;
      }
      const reference = referenceFrom(value);
      rows.push([objectKey, joined(blobs.get(reference.blob) ?? [], reference, objectKey)]);
      this.#blobOf.set(objectKey.join("/"), reference);
      blobs.delete(reference.blob);
    }
    for (const [blob, chunks] of blobs) await this.#removeBlob({ blob, chunks: chunks.length });
    return { revision, rows };
  }

  async commit({ revision, writes }: Batch): Promise<void> {
    const atomic = this.#kv.atomic().check(this.#fence).set(HEAD_KEY, revision);
    for (const write of writes) {
      const row = [...ROWS, ...write.key];
      if (write.value === undefined) atomic.delete(row);
      else atomic.set(row, this.#rowOf(write.value));
    }
    const result = await atomic.commit();
    if (!result.ok) throw this.#fenced();
    for (const blob of this.#replacedBlobs(writes)) await this.#removeBlob(blob).catch(() => {}); // swept at the next start
  }

  async blob(bytes: Uint8Array): Promise<BlobId> {
    const blob = `${this.#fence.versionstamp}-${this.#blobsMade++}`;
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    for (let from = 0; from < chunks; from += CHUNKS_PER_WRITE_MAX) {
      const atomic = this.#kv.atomic().check(this.#fence);
      for (let i = from; i < Math.min(chunks, from + CHUNKS_PER_WRITE_MAX); i++) {
        atomic.set([...BLOBS, blob, i], bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
      }
      if (!(await atomic.commit()).ok) throw this.#fenced();
    }
    this.#unreferenced.set(blob, { blob, chunks });
    return blob;
  }

  async revision(): Promise<Revision> {
    return (await this.#kv.get<Revision>(HEAD_KEY)).value ?? 0;
  }

  /** Holds the thread while it copies: 100,000 objects take about a second. */
  async backup(path: string): Promise<void> {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(this.#path, { readOnly: true });
    try {
      database.prepare("VACUUM INTO ?").run(path);
    } finally {
      database.close();
    }
  }

  close(): Promise<void> {
    this.#kv.close();
    this.#lock.release();
    return Promise.resolve();
  }

  #rowOf(value: Uint8Array | { blob: BlobId }): Uint8Array {
    if (!("blob" in value)) return marked(IS_JSON, value);
    const reference = this.#unreferenced.get(value.blob);
    return marked(IS_BLOB, new TextEncoder().encode(JSON.stringify(reference)));
  }

  /** Notes what the rows refer to now; returns the blobs that nothing refers to any more. */
  #replacedBlobs(writes: readonly JournalWrite[]): BlobReference[] {
    return writes.flatMap(({ key, value }) => {
      const path = key.join("/");
      const replaced = this.#blobOf.get(path);
      this.#blobOf.delete(path);
      if (value !== undefined && "blob" in value) {
        this.#blobOf.set(path, this.#unreferenced.get(value.blob)!);
        this.#unreferenced.delete(value.blob);
      }
      return replaced ? [replaced] : [];
    });
  }

  async #chunksByBlob(): Promise<Map<BlobId, Uint8Array[]>> {
    const blobs = new Map<BlobId, Uint8Array[]>();
    const list = this.#kv.list<Uint8Array>({ prefix: BLOBS }, { batchSize: LIST_BATCH });
    for await (const { key: [, blob], value } of list) {
      const chunks = blobs.get(blob as BlobId);
      if (chunks) chunks.push(value);
      else blobs.set(blob as BlobId, [value]);
    }
    return blobs;
  }

  async #removeBlob({ blob, chunks }: BlobReference): Promise<void> {
    const atomic = this.#kv.atomic().check(this.#fence);
    for (let i = 0; i < chunks; i++) atomic.delete([...BLOBS, blob, i]);
    if (!(await atomic.commit()).ok) throw this.#fenced();
  }

  #fenced(): FencedError {
    return new FencedError(
      `Cannot write: another process has taken over the store at "${this.#path}"; stop one of the two`,
    );
  }
}

/** Makes this process the owner. The check it returns holds until another does the same. */
async function takeOver(kv: Deno.Kv, path: string): Promise<Deno.AtomicCheck> {
  const format = await kv.get<number>(FORMAT_KEY);
  if (format.value !== null && format.value > FORMAT) {
    throw new Error(
      `Cannot open the store at "${path}": its format is ${format.value}, this version reads up to ${FORMAT}; ` +
        "start the newer version that wrote it",
    );
  }
  const owner = await kv.get(OWNER_KEY);
  const result = await kv.atomic().check(owner, format)
    .set(OWNER_KEY, { pid: Deno.pid }).set(FORMAT_KEY, FORMAT).commit();
  if (!result.ok) {
    throw new FencedError(`Cannot open the store at "${path}": another process took it`);
  }
  return { key: OWNER_KEY, versionstamp: result.versionstamp };
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const row = new Uint8Array(bytes.length + 1);
  row[0] = mark;
  row.set(bytes, 1);
  return row;
}

function referenceFrom(row: Uint8Array): BlobReference {
  return JSON.parse(new TextDecoder().decode(row.subarray(1))) as BlobReference;
}

function joined(
  chunks: readonly Uint8Array[],
  { chunks: count }: BlobReference,
  key: Key,
): Uint8Array {
  if (chunks.length !== count) {
    throw new Error(
      `Cannot read ${key.join("/")}: ${count - chunks.length} parts of it are missing`,
    );
  }
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
