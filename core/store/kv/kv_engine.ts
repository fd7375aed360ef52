import { concat } from "../../lib/bytes.ts";
import type { Clock } from "../../lib/clock.ts";
import { Wake } from "../../lib/wake.ts";
import { referenceFrom } from "./kv_blobs.ts";
import { KvJournal } from "./kv_journal.ts";
import { BLOBS, LEASE_KEY, OWNER_KEY, SEGMENTS, segmentsIn, SEQUENCE_KEY } from "./kv_layout.ts";
import { answerOf, type LeaseRow, RemoteKv } from "./remote_kv.ts";
import {
  pathOf,
  readSegment,
  removalRevision,
  type Segment,
  type SegmentRecord,
} from "./segment.ts";
import { SegmentLog } from "./segment_log.ts";
import type { Loaded } from "../journal.ts";
import type { Observation, Owner, SeenWrite, SharedEngine, Tenure } from "../shared_engine.ts";
import { type Revision, UnavailableError } from "../store.ts";

/** One snapshot of the log: more segments than any batch has. */
const SEGMENTS_PER_READ = 32;
/** How long the loading of a log may take. */
const LOAD_MS = 60_000;

export interface KvEngineOptions {
  /** Of the server, e.g. `https://kv.example.com/`. Its token comes from `DENO_KV_ACCESS_TOKEN`. */
  url: string;
  clock: Clock;
  leaseMs: number;
}

/** How far a follower has read the log. */
interface Position {
  /** Of the next segment. */
  next: number;
  revision: Revision;
}

/** Deno KV behind KV Connect as an engine that several servers share. */
export class KvEngine implements SharedEngine {
  readonly #options: KvEngineOptions;
  readonly #kv: Deno.Kv;
  /** The lease as last seen, and since when it has looked like that. */
  #lease: { versionstamp: string | null; sinceMs: number; leaseMs: number } | undefined;

  static async open(options: KvEngineOptions): Promise<KvEngine> {
    try {
      return new KvEngine(options, await Deno.openKv(options.url));
    } catch (error) {
      const { message } = error as Error;
      throw new UnavailableError(`Cannot open the store at "${options.url}": ${message}`);
    }
  }

  private constructor(options: KvEngineOptions, kv: Deno.Kv) {
    this.#options = options;
    this.#kv = kv;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Observation> {
    const watching = this.#kv.watch([SEQUENCE_KEY, OWNER_KEY, LEASE_KEY]).getReader();
    const stop = () => void watching.cancel().catch(() => {});
    signal.addEventListener("abort", stop, { once: true });
    const changes = new Changes(watching);
    try {
      const { loaded, position } = await this.#load(signal);
      yield { loaded };
      let told: string | undefined;
      while (true) {
        yield* await this.#newBatches(position);
        const owner = await this.#ownerNow();
        const telling = owner?.id ?? "none";
        if (telling !== told || owner === undefined) yield { owner };
        told = telling;
        await changes.next(this.#options.clock, this.#leaseRestMs(), signal);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  async claim(self: Owner): Promise<Tenure | undefined> {
    const { clock, leaseMs, url } = this.#options;
    if (!this.#lease) await this.#ownerNow();
    const { versionstamp } = this.#lease!;
    const owned = await RemoteKv.claim({ kv: this.#kv, clock, leaseMs, self, url }, versionstamp);
    if (!owned) return undefined;
    try {
      const journal = await KvJournal.over(owned, {
        kv: this.#kv,
        backup: () => Promise.reject(new Error("Cannot back up: the store is behind KV Connect")),
        close: () => owned.resign(),
      });
      const { revision } = await answerOf(clock, journal.load(), LOAD_MS);
      return { journal, revision, isSure: () => owned.isSure(), ended: owned.ended };
    } catch (error) {
      await owned.resign(); // else it would be kept alive, and nobody would lead
      throw error;
    }
  }

  close(): void {
    this.#kv.close();
  }

  /** Everything, with what was written while it was read. */
  async #load(signal: AbortSignal) {
    const { clock } = this.#options;
    const reading = SegmentLog.read(segmentsIn(this.#kv, "newest first"));
    const { log, revision: read } = await answerOf(clock, reading, LOAD_MS);
    signal.throwIfAborted();
    const records = new Map([...log.records()].map((record) => [pathOf(record.key), record]));
    const position: Position = { next: log.next, revision: read };
    for (let segments; (segments = await this.#segmentsFrom(position)).length > 0;) {
      for (const record of segments.flatMap((segment) => segment.records)) {
        if (record.kind === "gone") records.delete(pathOf(record.key));
        else records.set(pathOf(record.key), record);
      }
    }
    const rows: Loaded["rows"][number][] = [];
    for (const record of records.values()) {
      const bytes = await this.#bytesOf(record);
      if (bytes) rows.push({ key: record.key, bytes });
    }
    return { loaded: { revision: position.revision, rows }, position };
  }

  async #newBatches(position: Position): Promise<Observation[]> {
    const observations: Observation[] = [];
    for (let segments; (segments = await this.#segmentsFrom(position)).length > 0;) {
      const batches = Map.groupBy(segments, ({ revision }) => revision);
      for (const [revision, parts] of batches) {
        const writes: SeenWrite[] = [];
        for (const record of parts.flatMap((part) => part.records)) {
          writes.push(...await this.#writeOf(record));
        }
        observations.push({ batch: { revision, writes } });
      }
    }
    return observations;
  }

  /** Reads the next whole batches of the log, and advances the position. Throws when they are no longer kept. */
  async #segmentsFrom(position: Position): Promise<Segment[]> {
    const start = [...SEGMENTS, position.next];
    const options = { limit: SEGMENTS_PER_READ, batchSize: SEGMENTS_PER_READ };
    const list = this.#kv.list<Uint8Array>({ prefix: SEGMENTS, start }, options);
    const rows = await answerOf(this.#options.clock, Array.fromAsync(list));
    if (rows.some(({ key }, i) => key[1] !== position.next + i)) {
      throw new Error("the log has moved on: reading it anew");
    }
    const segments = rows.map(({ value }) => readSegment(value));
    const last = segments.at(-1)?.revision;
    const isCut = rows.length === SEGMENTS_PER_READ;
    const before = isCut ? segments.filter(({ revision }) => revision !== last) : segments;
    const whole = before.length > 0 ? before : segments; // so many segments of one revision are copies: the batch itself came first
    position.next += whole.length;
    position.revision = whole.at(-1)?.revision ?? position.revision;
    return whole;
  }

  async #writeOf(record: SegmentRecord): Promise<SeenWrite[]> {
    const { key } = record;
    if (record.kind === "gone") {
      return [{ key, value: undefined, revision: removalRevision(record.bytes) }];
    }
    const value = await this.#bytesOf(record);
    return value ? [{ key, value }] : [];
  }

  /** `undefined` when a later record, still to be read, has replaced it meanwhile. */
  async #bytesOf({ kind, bytes }: SegmentRecord): Promise<Uint8Array | undefined> {
    if (kind !== "blob") return bytes;
    const { blob, chunks } = referenceFrom(bytes);
    const list = this.#kv.list<Uint8Array>({ prefix: [...BLOBS, blob] });
    const parts = await answerOf(this.#options.clock, Array.fromAsync(list), LOAD_MS);
    return parts.length === chunks ? concat(parts.map(({ value }) => value)) : undefined;
  }

  /** Who owns the database; nobody when the lease was not renewed in time, by this machine's clock. */
  async #ownerNow(): Promise<Owner | undefined> {
    const asked = this.#kv.getMany<[Owner, LeaseRow]>([OWNER_KEY, LEASE_KEY]);
    const [owner, { versionstamp, value }] = await answerOf(this.#options.clock, asked);
    if (!this.#lease || this.#lease.versionstamp !== versionstamp) {
      const leaseMs = value?.leaseMs ?? 0;
      this.#lease = { versionstamp, sinceMs: this.#options.clock.elapsed(), leaseMs };
    }
    return this.#leaseRestMs() > 0 ? owner.value ?? undefined : undefined;
  }

  #leaseRestMs(): number {
    if (!this.#lease) return 0;
    return this.#lease.sinceMs + this.#lease.leaseMs - this.#options.clock.elapsed();
  }
}

/** Waits for changes of the database that a watch reports: many of them count as one. */
class Changes {
  readonly #wake = new Wake();
  #end: Error | undefined;

  constructor(watching: ReadableStreamDefaultReader<unknown>) {
    void this.#follow(watching);
  }

  /** Resolves at the next change, or after `ms`; rejects when the signal aborts, and when there will be no more. */
  async next(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    await this.#wake.wait(signal, { clock, ms: Math.max(ms, IDLE_MS_MIN) });
    signal.throwIfAborted();
    if (this.#end) throw this.#end;
  }

  async #follow(watching: ReadableStreamDefaultReader<unknown>): Promise<void> {
    try {
      while (!(await watching.read()).done) this.#wake.set();
      this.#end = new Error("KV Connect ended the watch");
    } catch (error) {
      this.#end = error as Error;
    }
    this.#wake.set();
  }
}
/** Somebody else may just be taking over: not asked more often than this. */
const IDLE_MS_MIN = 500;
