import type { EtcdClient } from "./etcd_client.ts";
import { type BlobReference, type EtcdLayout, headFrom, headIn, rowFrom } from "./etcd_layout.ts";
import type {
  Compare,
  KeyValue,
  Operation,
  RangeAnswer,
  TransactionAnswer,
} from "./etcd_messages.ts";
import type { EtcdTenure } from "./etcd_tenure.ts";
import {
  type Batch,
  type BlobId,
  FencedError,
  type Journal,
  type JournalLimits,
  type JournalWrite,
  type Loaded,
} from "../journal.ts";
import type { Revision } from "../store.ts";

/** etcd takes 128 operations and 1.5 MiB in one transaction, with its own defaults. */
const ETCD_LIMITS: JournalLimits = {
  writesMax: 120,
  bytesMax: 1024 * 1024,
  keyBytesMax: 64 * 1024,
  rowBytesMax: 512 * 1024,
};
const CHUNK_BYTES = 1024 * 1024;
const NAMES_PER_PAGE = 1_000;
/** A write that the fence refused is retried when the ownership could be renewed. */
const FENCED_TRIES_MAX = 3;

export interface EtcdJournalOptions {
  client: EtcdClient;
  layout: EtcdLayout;
  tenure: EtcdTenure;
  /** Etcd's revision of the head; "0" when there is none. */
  headModified: string;
  /** By path. Kept up to date by whoever reads the rows. */
  references: Map<string, BlobReference>;
  load(): Promise<Loaded>;
}

/**
 * Keeps a store in etcd, a key for each object (see {@linkcode EtcdLayout}).
 *
 * Each write checks that the owner's key is still that of this server, with its lease, and that the head is as this
 * server left it. So a write that arrives late, or twice, does nothing.
 */
export class EtcdJournal implements Journal {
  readonly limits: JournalLimits = ETCD_LIMITS;
  readonly #options: EtcdJournalOptions;
  /** Stored for the next batch. */
  readonly #unreferenced = new Map<BlobId, BlobReference>();
  #headModified: string;
  /** The batch whose commit threw. */
  #doubtful: Batch | undefined;
  #blobsMade = 0;
  #isSwept = false;

  constructor(options: EtcdJournalOptions) {
    this.#options = options;
    this.#headModified = options.headModified;
  }

  async load(): Promise<Loaded> {
    const loaded = await this.#options.load();
    await this.#sweep();
    return loaded;
  }

  async commit(batch: Batch): Promise<void> {
    this.#doubtful = batch;
    const garbage = await this.#write(batch);
    this.#doubtful = undefined;
    await this.#remove(garbage);
    if (!this.#isSwept) await this.#sweep().catch(() => {}); // the next commit tries again
  }

  async blob(bytes: Uint8Array): Promise<BlobId> {
    const { layout } = this.#options;
    const blob = `${crypto.getRandomValues(new Uint8Array(8)).toHex()}-${this.#blobsMade++}`;
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    this.#unreferenced.set(blob, { blob, chunks });
    for (let i = 0; i < chunks; i++) {
      const value = bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES).toBase64();
      await this.#fenced([{ requestPut: { key: layout.chunk(blob, i), value } }]);
    }
    return blob;
  }

  async revision(): Promise<Revision> {
    const head = await this.#settledHead();
    const { revision } = headIn(head?.value);
    const garbage = this.#doubtful?.revision === revision ? this.#refer(this.#doubtful.writes) : [];
    this.#doubtful = undefined;
    garbage.push(...this.#unreferenced.values());
    this.#unreferenced.clear();
    await this.#remove(garbage);
    return revision;
  }

  backup(): Promise<void> {
    return Promise.reject(
      new Error('Cannot back up: the store is in etcd; use "etcdctl snapshot save"'),
    );
  }

  close(): Promise<void> {
    return this.#options.tenure.resign();
  }

  /** The blobs that nothing refers to any more. */
  async #write(batch: Batch): Promise<BlobReference[]> {
    const { layout } = this.#options;
    const value = headFrom(batch.revision, batch.writes);
    const operations: Operation[] = batch.writes.map(({ key, value }) => {
      const name = layout.object(key);
      if (value === undefined) return { requestDeleteRange: { key: name } };
      const row = "blob" in value ? this.#unreferenced.get(value.blob)! : value;
      return { requestPut: { key: name, value: rowFrom(row) } };
    });
    operations.push({ requestPut: { key: layout.head, value } });
    const answer = await this.#fenced(operations, () => [{
      ...{ key: layout.head, result: "EQUAL", target: "MOD" },
      modRevision: this.#headModified,
    }]);
    if (answer.succeeded) this.#headModified = answer.header.revision;
    else this.#acceptHead(answer, batch);
    return this.#refer(batch.writes);
  }

  /** The fence held, but the head has moved: then an earlier attempt of this very write must have done it. */
  #acceptHead(answer: TransactionAnswer, batch: Batch): void {
    const head = answer.responses?.[1]?.response_range?.kvs?.[0];
    if (headIn(head?.value).revision !== batch.revision) {
      throw new Error("the head in etcd is not as this server left it");
    }
    this.#headModified = head!.mod_revision;
  }

  /** Reads the head. After a doubtful write it is rewritten as it is, so that writes still on their way come too late. */
  async #settledHead(): Promise<KeyValue | undefined> {
    const { client, layout } = this.#options;
    for (let tries = 0; tries < FENCED_TRIES_MAX; tries++) {
      const { kvs } = await client.ask<RangeAnswer>("/v3/kv/range", { key: layout.head });
      const [head] = kvs ?? [];
      const value = head?.value ?? headFrom(0, []);
      const modified = head?.mod_revision ?? "0";
      const answer = await this.#fenced(
        [{ requestPut: { key: layout.head, value } }],
        () => [{ key: layout.head, result: "EQUAL", target: "MOD", modRevision: modified }],
      );
      if (!answer.succeeded) continue;
      this.#headModified = answer.header.revision;
      return head;
    }
    throw new Error("the head in etcd keeps changing");
  }

  /** Runs a transaction as the owner. Throws {@linkcode FencedError} when another server is. `succeeded` is false when `conditions` did not hold. */
  async #fenced(
    operations: readonly Operation[],
    conditions: () => readonly Compare[] = () => [],
  ): Promise<TransactionAnswer> {
    const { client, layout, tenure } = this.#options;
    for (let tries = 0; tries < FENCED_TRIES_MAX; tries++) {
      const { fence } = tenure;
      const answer = await client.ask<TransactionAnswer>("/v3/kv/txn", {
        compare: [...fence, ...conditions()],
        success: operations,
        failure: [layout.owner, layout.head].map((key) => ({ requestRange: { key } })),
      });
      if (answer.succeeded) return answer;
      const owner = answer.responses?.[0]?.response_range?.kvs?.[0];
      const isOurs = fence.some((one) =>
        one.target === "CREATE" && one.createRevision === owner?.create_revision
      );
      if (isOurs) return answer;
      await tenure.renew();
    }
    throw new FencedError("Cannot write: the ownership of the store in etcd keeps changing");
  }

  /** Notes what the rows refer to, now that the writes are durable. Returns the blobs they referred to before. */
  #refer(writes: readonly JournalWrite[]): BlobReference[] {
    const { references } = this.#options;
    return writes.flatMap(({ key, value }) => {
      const path = key.join("/");
      const replaced = references.get(path);
      references.delete(path);
      if (value !== undefined && "blob" in value) {
        references.set(path, this.#unreferenced.get(value.blob)!);
        this.#unreferenced.delete(value.blob);
      }
      return replaced ? [replaced] : [];
    });
  }

  /** Blobs that cannot be removed now are removed at the next start. */
  async #remove(blobs: readonly { blob: BlobId }[]): Promise<void> {
    const { layout } = this.#options;
    try {
      for (const { blob } of blobs) {
        await this.#fenced([{ requestDeleteRange: layout.chunksOf(blob) }]);
      }
    } catch {
      // etcd cannot be reached, or is no longer ours: the next write will fail
    }
  }

  /** Removes blobs left by a killed server. `references` must be complete. */
  async #sweep(): Promise<void> {
    const { client, layout, references } = this.#options;
    const used = new Set(
      [...references.values(), ...this.#unreferenced.values()].map(({ blob }) => blob),
    );
    const found = new Set<BlobId>();
    let { key } = layout.blobs;
    for (let more = true; more;) {
      const page = await client.ask<RangeAnswer>("/v3/kv/range", {
        ...{ key, rangeEnd: layout.blobs.rangeEnd, limit: NAMES_PER_PAGE, keysOnly: true },
      });
      for (const { key: name } of page.kvs ?? []) found.add(layout.blobOf(name));
      more = page.more ?? false;
      if (more) key = layout.after(page.kvs!.at(-1)!.key);
    }
    await this.#remove([...found].filter((blob) => !used.has(blob)).map((blob) => ({ blob })));
    this.#isSwept = true;
  }
}
