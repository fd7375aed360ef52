import { SystemClock } from "../../lib/clock.ts";
import { FencedKv, type FencedKvOptions } from "./fenced_kv.ts";
import {
  type Batch,
  type BlobId,
  DENO_KV_LIMITS,
  type Journal,
  type JournalLimits,
  type JournalWrite,
  type Loaded,
} from "../journal.ts";
import { type BlobReference, KvBlobs, referenceBytes, referenceFrom } from "./kv_blobs.ts";
import { KvFile, type KvFileOptions, openError } from "./kv_file.ts";
import { ATOMIC_BYTES_MAX, newestSegment, SEGMENTS, segmentsIn } from "./kv_layout.ts";
import { migrate } from "./kv_migration.ts";
import { readSegment, removalOf, type SegmentRecord } from "./segment.ts";
import { type LogStep, SegmentLog } from "./segment_log.ts";
import type { OwnedKv } from "./owned_kv.ts";
import type { Key, Revision } from "../store.ts";

/** The database of a journal: a file, or on another machine. */
export interface KvPlace {
  readonly kv: Deno.Kv;
  /** Rejects when it cannot be copied. */
  backup(path: string): Promise<void>;
  /** Closes the database too. */
  close(): Promise<void>;
}

/**
 * Keeps a store in Deno KV, as a circular log: a batch is written as a few large rows at its end, and what lives in
 * the oldest rows moves there too; see `SegmentLog` and kv_layout.ts.
 *
 * Only `check`, `set` and `delete` are used: a failing `sum`, `min` or `max` leaves the rest of its atomic
 * operation committed; `kv.watch` loses events; `expireIn` is a minute late.
 */
export class KvJournal implements Journal {
  readonly limits: JournalLimits = DENO_KV_LIMITS;
  readonly #place: KvPlace;
  readonly #kv: OwnedKv;
  readonly #blobs: KvBlobs;
  #log = new SegmentLog();
  /** The step whose write threw. */
  #doubtful: LogStep | undefined;
  #isClosed = false;

  /**
   * Opens or makes a file and takes it over. Throws {@linkcode DataLockedError} when another process has it, and
   * {@linkcode UnavailableError} when it was written by a newer version, when the environment redirects Deno KV, when
   * the disk is full or fails, or when a process that was shut out keeps SQLite's lock.
   */
  static async open(path: string, options: KvFileOptions = {}): Promise<KvJournal> {
    const { clock = new SystemClock(), relieve } = options;
    const file = await KvFile.open(path, clock, options);
    try {
      const owner = { pid: Deno.pid };
      return await KvJournal.take(file, { name: path, owner, clock, ...(relieve && { relieve }) });
    } catch (error) {
      await file.close();
      throw openError(path, error as Error);
    }
  }

  /** Takes over the database. Closing the journal closes the database. */
  static async take(place: KvPlace, options: FencedKvOptions): Promise<KvJournal> {
    return await KvJournal.over(await FencedKv.take(place.kv, options), place);
  }

  /** Migrates a database that was taken over to the newest format. */
  static async over(kv: OwnedKv, place: KvPlace): Promise<KvJournal> {
    await migrate(kv);
    return new KvJournal(kv, place);
  }

  private constructor(kv: OwnedKv, place: KvPlace) {
    this.#kv = kv;
    this.#place = place;
    this.#blobs = new KvBlobs(kv);
  }

  async load(): Promise<Loaded> {
    await this.#kv.assertOwned();
    const { log, revision } = await SegmentLog.read(segmentsIn(this.#kv.kv, "newest first"));
    this.#log = log;
    const references = [...log.records()].filter(({ kind }) => kind === "blob")
      .map(({ bytes }) => referenceFrom(bytes));
    const blobs = await this.#blobs.load(references);
    const rows = Array.from(log.records(), (record) => {
      const { key, kind, bytes } = record;
      return kind === "blob" ? { key, bytes: blobs.get(referenceFrom(bytes).blob)! } : record;
    });
    return { revision, rows };
  }

  async commit({ revision, writes }: Batch): Promise<void> {
    await this.#write(revision, writes.map((write) => this.#recordOf(write, revision)));
    await this.#cleanUp(revision);
  }

  blob(bytes: Uint8Array): Promise<BlobId> {
    return this.#blobs.write(bytes);
  }

  async revision(): Promise<Revision> {
    const revision = await this.#settleDoubt();
    this.#blobs.discardUnreferenced();
    await this.#blobs.removeDiscarded();
    return revision;
  }

  /**
   * One step of trimming the log: after many deletions, which write little, cleaning would otherwise come only with later
   * writes. Returns whether more is left to do. Writes must wait meanwhile.
   */
  async trim(slackBytes?: number): Promise<boolean> {
    const revision = await this.#settleDoubt(); // not `revision`: a blob may wait for the commit that refers to it
    await this.#blobs.removeDiscarded();
    const step = this.#log.planTrim(revision, ATOMIC_BYTES_MAX, slackBytes);
    if (step) await this.#carryOut(step);
    return step !== undefined;
  }

  backup(path: string): Promise<void> {
    return this.#place.backup(path);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#place.close();
  }

  async #write(revision: Revision, records: readonly SegmentRecord[]): Promise<void> {
    if (this.#doubtful) {
      await this.#kv.assertOwned();
      await this.#settleDoubt();
    }
    await this.#carryOut(this.#log.plan(revision, records, ATOMIC_BYTES_MAX));
  }

  async #carryOut(step: LogStep): Promise<void> {
    this.#doubtful = step;
    await this.#kv.write((atomic) => {
      for (const { number, bytes } of step.added) atomic.set([...SEGMENTS, number], bytes);
      for (const number of step.dropped) atomic.delete([...SEGMENTS, number]);
    });
    this.#doubtful = undefined;
    this.#take(step);
  }

  /** Cleaning after a batch, which is durable already: on a full disk it is done after the next one. */
  async #cleanUp(revision: Revision): Promise<void> {
    try {
      while (this.#log.isBehind(ATOMIC_BYTES_MAX)) await this.#write(revision, []);
    } catch {
      return; // the disk is full, or no longer ours: the next write will say so
    }
    await this.#blobs.removeDiscarded();
  }

  /** The last durable revision. A step whose write threw counts if its segments turn out to be there. */
  async #settleDoubt(): Promise<Revision> {
    await this.#kv.assertOwned();
    const last = await newestSegment(this.#kv.kv);
    if (last && this.#doubtful?.added.at(-1)?.number === last.number) this.#take(this.#doubtful);
    this.#doubtful = undefined;
    return last ? readSegment(last.bytes).revision : 0;
  }

  /** Notes what the log holds now that the step is durable. */
  #take(step: LogStep): void {
    for (const [{ key, kind, bytes }] of step.placed) {
      const replaced = this.#referenceAt(key);
      const reference = kind === "blob" ? referenceFrom(bytes) : undefined;
      if (replaced && replaced.blob !== reference?.blob) this.#blobs.discard(replaced);
      if (reference) this.#blobs.use(reference);
    }
    this.#log.take(step);
  }

  #referenceAt(key: Key): BlobReference | undefined {
    const record = this.#log.get(key);
    return record?.kind === "blob" ? referenceFrom(record.bytes) : undefined;
  }

  #recordOf({ key, value, revision }: JournalWrite, batch: Revision): SegmentRecord {
    if (value === undefined) return removalOf(key, revision ?? batch);
    if (!("blob" in value)) return { key, kind: "json", bytes: value };
    return { key, kind: "blob", bytes: referenceBytes(this.#blobs.reference(value.blob)) };
  }
}
