import {
  type Batch,
  type BlobId,
  DENO_KV_LIMITS,
  type Journal,
  type JournalLimits,
  type Loaded,
} from "./journal.ts";
import type { Revision } from "./store.ts";

/** The storage of a {@linkcode MemoryJournal}: it outlives the journal as a disk outlives a process. */
export class MemoryDisk {
  revision: Revision = 0;
  readonly rows = new Map<string, Loaded["rows"][number]>();
}

/** Writes a batch. A test waits in it, throws in it, or inspects the batch. */
export type MemoryWrite = (batch: Batch, write: () => void) => Promise<void> | void;

/** A journal for tests and for the simulator. Durable as long as its disk is. */
export class MemoryJournal implements Journal {
  readonly limits: JournalLimits = DENO_KV_LIMITS;
  readonly #disk: MemoryDisk;
  readonly #write: MemoryWrite;
  readonly #blobs: Uint8Array[] = [];

  constructor(disk = new MemoryDisk(), write: MemoryWrite = (_batch, write) => write()) {
    this.#disk = disk;
    this.#write = write;
  }

  load(): Promise<Loaded> {
    return Promise.resolve({ revision: this.#disk.revision, rows: [...this.#disk.rows.values()] });
  }

  async commit(batch: Batch): Promise<void> {
    await this.#write(batch, () => this.#apply(batch));
  }

  blob(bytes: Uint8Array): Promise<BlobId> {
    return Promise.resolve(String(this.#blobs.push(bytes) - 1));
  }

  revision(): Promise<Revision> {
    return Promise.resolve(this.#disk.revision);
  }

  backup(): Promise<void> {
    return Promise.reject(new Error("Cannot back up: this journal is in memory"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #apply({ revision, writes }: Batch): void {
    for (const { key, value } of writes) {
      const path = key.join("/");
      if (value === undefined) this.#disk.rows.delete(path);
      else {
        const bytes = "blob" in value ? this.#blobs[Number(value.blob)]! : value;
        this.#disk.rows.set(path, { key, bytes });
      }
    }
    this.#disk.revision = revision;
  }
}
