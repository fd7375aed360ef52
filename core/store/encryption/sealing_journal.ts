import type {
  Batch,
  BlobId,
  BlobOf,
  Journal,
  JournalLimits,
  JournalWrite,
  Loaded,
} from "../journal.ts";
import type { Observation, Owner, SharedEngine, Tenure } from "../shared_engine.ts";
import type { Revision } from "../store.ts";
import { isSealed, keyIdIn, SEAL_BYTES } from "./sealed_bytes.ts";
import type { Sealer } from "./sealer.ts";

/** Keeps the objects of secret kinds encrypted in another journal. What is plain there is read as it is. */
export class SealingJournal implements Journal {
  readonly limits: JournalLimits;
  readonly #journal: Journal;
  readonly #sealer: Sealer;
  /** The keys of blobs that no commit has referred to yet. */
  readonly #blobs = new Map<BlobId, string>();

  constructor(journal: Journal, sealer: Sealer) {
    const { limits } = journal;
    this.limits = {
      ...limits,
      bytesMax: limits.bytesMax - limits.writesMax * SEAL_BYTES,
      rowBytesMax: limits.rowBytesMax - SEAL_BYTES,
    };
    this.#journal = journal;
    this.#sealer = sealer;
  }

  async load(): Promise<Loaded> {
    const { revision, rows } = await this.#journal.load();
    return { revision, rows: await this.#sealer.opened(rows) };
  }

  async commit(batch: Batch): Promise<void> {
    if (!batch.writes.some(({ key }) => this.#sealer.isSecret(key))) {
      return await this.#journal.commit(batch);
    }
    const writes = await Promise.all(batch.writes.map((write) => this.#sealed(write, batch)));
    try {
      await this.#journal.commit({ ...batch, writes });
    } catch (error) {
      this.#sealer.noteDoubt();
      throw error;
    }
    this.#sealer.noteWrites(writes, ({ value }) => this.#keyOfBlob(value));
  }

  async blob(bytes: Uint8Array, of: BlobOf): Promise<BlobId> {
    if (!this.#sealer.isSecret(of.key)) return await this.#journal.blob(bytes, of);
    const sealed = await this.#sealer.seal(of.key, of.revision, bytes);
    const blob = await this.#journal.blob(sealed, of);
    this.#blobs.set(blob, isSealed(sealed) ? keyIdIn(sealed) : "");
    return blob;
  }

  async revision(): Promise<Revision> {
    const revision = await this.#journal.revision();
    this.#blobs.clear(); // they were stored for a batch that failed
    return revision;
  }

  backup(path: string): Promise<void> {
    return this.#journal.backup(path);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #sealed(write: JournalWrite, batch: Batch): Promise<JournalWrite> {
    const { key, value, revision = batch.revision } = write;
    if (!(value instanceof Uint8Array) || !this.#sealer.isSecret(key)) return write;
    return { ...write, value: await this.#sealer.seal(key, revision, value) };
  }

  #keyOfBlob(value: JournalWrite["value"]): string {
    if (!value || !("blob" in value)) return "";
    const keyId = this.#blobs.get(value.blob) ?? "";
    this.#blobs.delete(value.blob);
    return keyId;
  }
}

/** The same for an engine that several servers share: all of them need the keys. */
export class SealingEngine implements SharedEngine {
  readonly #engine: SharedEngine;
  readonly #sealer: Sealer;

  constructor(engine: SharedEngine, sealer: Sealer) {
    this.#engine = engine;
    this.#sealer = sealer;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Observation> {
    for await (const observation of this.#engine.follow(signal)) {
      if ("loaded" in observation) {
        const { revision, rows } = observation.loaded;
        yield { loaded: { revision, rows: await this.#sealer.opened(rows) } };
      } else if ("batch" in observation) {
        const { revision, writes } = observation.batch;
        yield { batch: { revision, writes: await this.#sealer.openedWrites(writes) } };
      } else yield observation;
    }
  }

  async claim(self: Owner): Promise<Tenure | undefined> {
    const tenure = await this.#engine.claim(self);
    if (!tenure) return undefined;
    const journal = new SealingJournal(tenure.journal, this.#sealer);
    return {
      journal,
      revision: tenure.revision,
      isSure: () => tenure.isSure(),
      ended: tenure.ended,
    };
  }

  close(): void {
    this.#engine.close();
  }
}
