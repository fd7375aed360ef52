import type { Clock } from "../../lib/clock.ts";
import { concat } from "../../lib/bytes.ts";
import { type EtcdAccess, EtcdClient, EtcdError } from "./etcd_client.ts";
import { EtcdJournal } from "./etcd_journal.ts";
import {
  type BlobReference,
  EtcdLayout,
  headIn,
  jsonBase64,
  jsonFrom,
  rowValue,
} from "./etcd_layout.ts";
import type { KeyValue, RangeAnswer, WatchAnswer } from "./etcd_messages.ts";
import { EtcdTenure } from "./etcd_tenure.ts";
import type { Loaded } from "../journal.ts";
import type {
  Observation,
  Owner,
  SeenBatch,
  SeenWrite,
  SharedEngine,
  Tenure,
} from "../shared_engine.ts";
import { type Key, UnavailableError } from "../store.ts";

/** Format of the keys. A newer one is refused. */
const FORMAT = 1;
const ROWS_PER_PAGE = 200;
/** A watch may die silently: how often to check whether it has missed something. */
const PROBE_EVERY_MS = 10_000;

export interface EtcdEngineOptions {
  access: EtcdAccess;
  clock: Clock;
  /** Where in etcd the store is, e.g. `/coracle`. */
  prefix: string;
  /** Whole seconds, at least 2: etcd makes shorter ones longer. */
  leaseMs: number;
}

/** etcd as the engine of several servers. */
export class EtcdEngine implements SharedEngine {
  readonly #options: EtcdEngineOptions;
  readonly #client: EtcdClient;
  readonly #layout: EtcdLayout;
  /** Which rows are blobs, by path. */
  readonly #references = new Map<string, BlobReference>();

  constructor(options: EtcdEngineOptions) {
    this.#options = options;
    this.#client = new EtcdClient(options.access, options.clock);
    this.#layout = new EtcdLayout(options.prefix);
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Observation> {
    const { loaded, owner, etcdRevision } = await this.#snapshot(signal);
    yield { loaded };
    yield { owner };
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const seen = { modified: etcdRevision };
    void this.#probe(seen, both).catch((error) => stop.abort(error));
    try {
      const request = { ...this.#layout.followed, startRevision: String(etcdRevision + 1) };
      const answers = this.#client.stream<WatchAnswer>(
        "/v3/watch",
        { createRequest: request },
        both,
      );
      for await (const answer of answers) {
        if (answer.canceled) throw new Error(reasonOf(answer));
        for (const [modified, events] of byRevision(answer)) {
          yield* await this.#observations(events, modified, both);
          seen.modified = Number(modified);
        }
      }
    } finally {
      stop.abort(new Error("the follower has stopped"));
    }
  }

  async claim(self: Owner): Promise<Tenure | undefined> {
    const client = this.#client;
    const layout = this.#layout;
    const { clock, leaseMs } = this.#options;
    await this.#checkFormat();
    const claimed = await EtcdTenure.claim({ client, layout, clock, leaseMs, self });
    if (!claimed) return undefined;
    const { tenure } = claimed;
    const head = claimed.head.kvs?.[0];
    const journal = new EtcdJournal({
      ...{ client, layout, tenure, references: this.#references },
      headModified: head?.mod_revision ?? "0",
      load: async () => (await this.#snapshot()).loaded,
    });
    return {
      journal,
      revision: headIn(head?.value).revision,
      isSure: () => tenure.isSure(),
      ended: tenure.ended,
    };
  }

  close(): void {
    this.#client[Symbol.dispose]();
  }

  async #checkFormat(): Promise<void> {
    const { format } = this.#layout;
    const { kvs } = await this.#client.ask<RangeAnswer>("/v3/kv/range", { key: format });
    const found = kvs?.[0]?.value === undefined ? undefined : jsonFrom<number>(kvs[0].value);
    if (found !== undefined && found > FORMAT) {
      throw new UnavailableError(
        `Cannot open the store in etcd: its format is ${found}, this version reads up to ${FORMAT}; ` +
          "start the newer version that wrote it",
      );
    }
    if (found === undefined) {
      await this.#client.ask("/v3/kv/put", { key: format, value: jsonBase64(FORMAT) });
    }
  }

  /** Everything at one revision of etcd. */
  async #snapshot(
    signal?: AbortSignal,
  ): Promise<{ loaded: Loaded; owner: Owner | undefined; etcdRevision: number }> {
    const { head, owner, objects } = this.#layout;
    const first = await this.#range({ key: head }, signal);
    const { revision } = first.header;
    const owners = await this.#range({ key: owner, revision }, signal);
    const rows: Loaded["rows"][number][] = [];
    this.#references.clear();
    let { key } = objects;
    for (let more = true; more;) {
      const range = { key, rangeEnd: objects.rangeEnd, limit: ROWS_PER_PAGE, revision };
      const page = await this.#range(range, signal);
      for (const kv of page.kvs ?? []) {
        const objectKey = this.#layout.objectKey(kv.key)!;
        const bytes = await this.#bytesOf(objectKey, kv, revision, signal);
        rows.push({ key: objectKey, bytes });
      }
      more = page.more ?? false;
      if (more) key = this.#layout.after(page.kvs!.at(-1)!.key);
    }
    const loaded = { revision: headIn(first.kvs?.[0]?.value).revision, rows };
    return { loaded, owner: ownerIn(owners.kvs?.[0]), etcdRevision: Number(revision) };
  }

  #range(range: object, signal?: AbortSignal): Promise<RangeAnswer> {
    return this.#client.ask<RangeAnswer>("/v3/kv/range", range, signal ? { signal } : {});
  }

  /** The bytes of an object, as of etcd's `revision`. Notes what its row refers to. */
  async #bytesOf(
    key: Key,
    { value }: KeyValue,
    revision: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const path = key.join("/");
    const held = rowValue(value!);
    if (held instanceof Uint8Array) {
      this.#references.delete(path);
      return held;
    }
    this.#references.set(path, held);
    const chunks: Uint8Array[] = [];
    for (let i = 0; i < held.chunks; i++) {
      const { kvs } = await this.#range(
        { key: this.#layout.chunk(held.blob, i), revision },
        signal,
      );
      if (kvs?.[0]?.value === undefined) throw new Error(`Cannot read ${path}: parts are missing`);
      chunks.push(Uint8Array.fromBase64(kvs[0].value));
    }
    return concat(chunks);
  }

  /** What one transaction of etcd has changed. */
  async #observations(
    events: readonly WatchEvent[],
    etcdRevision: string,
    signal: AbortSignal,
  ): Promise<Observation[]> {
    const { owner, head } = this.#layout;
    const observations: Observation[] = [];
    for (const { type, kv } of events) {
      if (kv.key === owner) {
        observations.push({ owner: type === "DELETE" ? undefined : ownerIn(kv) });
      } else if (kv.key === head && kv.value !== undefined) {
        observations.push({ batch: await this.#batchOf(events, kv.value, etcdRevision, signal) });
      }
    }
    return observations;
  }

  async #batchOf(
    events: readonly WatchEvent[],
    headValue: string,
    etcdRevision: string,
    signal: AbortSignal,
  ): Promise<SeenBatch> {
    const { revision, removed = {} } = headIn(headValue);
    const writes: SeenWrite[] = [];
    for (const { type, kv } of events) {
      const key = this.#layout.objectKey(kv.key);
      if (!key) continue;
      const path = key.join("/");
      if (type === "DELETE") {
        this.#references.delete(path);
        writes.push({ key, value: undefined, revision: removed[path] ?? revision });
      } else writes.push({ key, value: await this.#bytesOf(key, kv, etcdRevision, signal) });
    }
    return { revision, writes };
  }

  /** Throws when the watch has not delivered a change for a whole interval. */
  async #probe(seen: { modified: number }, signal: AbortSignal): Promise<never> {
    const { clock } = this.#options;
    let awaited = 0;
    while (true) {
      await clock.sleep(PROBE_EVERY_MS, signal);
      if (seen.modified < awaited) throw new Error("etcd's watch is silent");
      const { head, owner } = this.#layout;
      const newest = await Promise.all([head, owner].map((key) => this.#range({ key }, signal)))
        .catch(() => []); // etcd cannot be reached: the watch begins anew when it is back
      awaited = Math.max(
        0,
        ...newest.map(({ kvs }) => Number(kvs?.[0]?.mod_revision ?? 0)),
      );
    }
  }
}

type WatchEvent = NonNullable<WatchAnswer["events"]>[number];

/** The gateway omits the default type, PUT. */
function byRevision({ events = [] }: WatchAnswer): Map<string, WatchEvent[]> {
  return Map.groupBy(events, ({ kv }) => kv.mod_revision);
}

function ownerIn(kv: KeyValue | undefined): Owner | undefined {
  return kv?.value === undefined ? undefined : jsonFrom<Owner>(kv.value);
}

function reasonOf({ compact_revision: compacted, cancel_reason: reason }: WatchAnswer): string {
  if (compacted !== undefined) return `etcd has compacted its history up to ${compacted}`;
  return new EtcdError(reason ?? "etcd ended the watch", 0).message;
}
