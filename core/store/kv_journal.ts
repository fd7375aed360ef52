import { concat } from "../lib/bytes.ts";
import { DataLock } from "./data_lock.ts";
import {
  type Batch,
  type BlobId,
  DENO_KV_LIMITS,
  FencedError,
  type Journal,
  type JournalLimits,
  type JournalWrite,
  type Loaded,
} from "./journal.ts";
import { type Key, type Revision, UnavailableError } from "./store.ts";

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

/** The environment of the process. */
interface Variables {
  get(name: string): string | undefined;
}

export interface KvJournalOptions {
  variables?: Variables;
  /** How the lock beside the file is had; `DataLock.take` when absent. */
  takeLock?(path: string): Promise<DataLock>;
}

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
  readonly limits: JournalLimits = DENO_KV_LIMITS;
  readonly #kv: Deno.Kv;
  readonly #path: string;
  readonly #lock: DataLock;
  readonly #fence: Deno.AtomicCheck;
  readonly #blobOf = new Map<string, BlobReference>();
  /** Stored for the batch that is to come. */
  readonly #unreferenced = new Map<BlobId, BlobReference>();
  /** No row refers to them any more: they go as soon as the disk lets them. */
  readonly #garbage = new Map<BlobId, BlobReference>();
  /** The batch whose commit threw. */
  #doubtful: Batch | undefined;
  #blobsMade = 0;
  #isClosed = false;

  /**
   * Opens or makes the file and takes it over. Throws {@linkcode DataLockedError} when another process has it, and
   * {@linkcode UnavailableError} when it was written by a newer version, when the environment redirects Deno KV, or
   * when the disk is full or fails.
   */
  static async open(path: string, options: KvJournalOptions = {}): Promise<KvJournal> {
    const { variables = Deno.env, takeLock = DataLock.take } = options;
    for (const name of FORBIDDEN_VARIABLES) {
      if (variables.get(name) !== undefined) {
        throw new UnavailableError(
          `Cannot open the store: ${name} is set and would redirect it; unset it`,
        );
      }
    }
    const lock = await takeLock(`${path}.lock`);
    let kv: Deno.Kv | undefined;
    try {
      kv = await Deno.openKv(path);
      return new KvJournal(kv, path, lock, await takeOver(kv));
    } catch (error) {
      kv?.close();
      lock.release();
      const { message } = error as Error;
      throw new UnavailableError(`Cannot open the store at "${path}": ${message}`, {
        cause: error,
      });
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

  async commit(batch: Batch): Promise<void> {
    const { revision, writes } = batch;
    const atomic = this.#kv.atomic().check(this.#fence).set(HEAD_KEY, revision);
    for (const write of writes) {
      const row = [...ROWS, ...write.key];
      if (write.value === undefined) atomic.delete(row);
      else atomic.set(row, this.#rowOf(write.value));
    }
    this.#doubtful = batch;
    const result = await atomic.commit();
    this.#doubtful = undefined;
    if (!result.ok) throw this.#fenced();
    this.#refer(writes);
    await this.#removeGarbage();
  }

  async blob(bytes: Uint8Array): Promise<BlobId> {
    const blob = `${this.#fence.versionstamp}-${this.#blobsMade++}`;
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    this.#unreferenced.set(blob, { blob, chunks });
    for (let from = 0; from < chunks; from += CHUNKS_PER_WRITE_MAX) {
      const atomic = this.#kv.atomic().check(this.#fence);
      for (let i = from; i < Math.min(chunks, from + CHUNKS_PER_WRITE_MAX); i++) {
        atomic.set([...BLOBS, blob, i], bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
      }
      if (!(await atomic.commit()).ok) throw this.#fenced();
    }
    return blob;
  }

  async revision(): Promise<Revision> {
    const [head, owner] = await this.#kv.getMany<[Revision, unknown]>([HEAD_KEY, OWNER_KEY]);
    if (owner.versionstamp !== this.#fence.versionstamp) throw this.#fenced();
    const revision = head.value ?? 0;
    if (this.#doubtful?.revision === revision) this.#refer(this.#doubtful.writes);
    this.#doubtful = undefined;
    for (const [blob, reference] of this.#unreferenced) this.#garbage.set(blob, reference);
    this.#unreferenced.clear();
    await this.#removeGarbage();
    return revision;
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
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#kv.close();
    this.#lock.release();
    return Promise.resolve();
  }

  #rowOf(value: Uint8Array | { blob: BlobId }): Uint8Array {
    if (!("blob" in value)) return marked(IS_JSON, value);
    const reference = this.#unreferenced.get(value.blob);
    return marked(IS_BLOB, new TextEncoder().encode(JSON.stringify(reference)));
  }

  /** Notes what the rows refer to now that the writes are durable. */
  #refer(writes: readonly JournalWrite[]): void {
    for (const { key, value } of writes) {
      const path = key.join("/");
      const replaced = this.#blobOf.get(path);
      if (replaced) this.#garbage.set(replaced.blob, replaced);
      this.#blobOf.delete(path);
      if (value === undefined || !("blob" in value)) continue;
      this.#blobOf.set(path, this.#unreferenced.get(value.blob)!);
      this.#unreferenced.delete(value.blob);
    }
  }

  /** What a full disk keeps us from removing goes after the next write, or at the next start. */
  async #removeGarbage(): Promise<void> {
    for (const reference of this.#garbage.values()) {
      try {
        await this.#removeBlob(reference);
      } catch {
        return; // the disk is full, or no longer ours: the next write will say so
      }
      this.#garbage.delete(reference.blob);
    }
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
async function takeOver(kv: Deno.Kv): Promise<Deno.AtomicCheck> {
  const format = await kv.get<number>(FORMAT_KEY);
  if (format.value !== null && format.value > FORMAT) {
    throw new Error(
      `its format is ${format.value}, this version reads up to ${FORMAT}; start the newer version that wrote it`,
    );
  }
  const owner = await kv.get(OWNER_KEY);
  const result = await kv.atomic().check(owner, format)
    .set(OWNER_KEY, { pid: Deno.pid }).set(FORMAT_KEY, FORMAT).commit();
  if (!result.ok) throw new FencedError("another process took it");
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
  return concat(chunks);
}
