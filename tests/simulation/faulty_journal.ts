import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import {
  type Batch,
  type BlobId,
  DENO_KV_LIMITS,
  type Journal,
  type JournalLimits,
  type Loaded,
} from "../../core/store/journal.ts";
import { MemoryDisk, MemoryJournal } from "../../core/store/memory_journal.ts";
import type { Revision } from "../../core/store/store.ts";
import { type Lifetime, NEVER, pause } from "./lifetime.ts";

/** A disk that knows its last write, which nobody else does when the server dies at the wrong moment. */
export class WatchedDisk extends MemoryDisk {
  #last: Batch | undefined;

  written(batch: Batch): void {
    this.#last = batch;
  }

  /** The paths that the last batch wrote, if it is newer than `revision`. */
  writtenAfter(revision: Revision): ReadonlySet<string> {
    const writes = this.#last !== undefined && this.#last.revision > revision
      ? this.#last.writes
      : [];
    return new Set(writes.map(({ key }) => key.join("/")));
  }
}

/** The quality of a disk. `doubt`: chance that a write succeeds and is reported as failed. */
export interface DiskQuality {
  isFull: boolean;
  failure: number;
  doubt: number;
  lateMaxMs: number;
}
export const GOOD_DISK: DiskQuality = { isFull: false, failure: 0, doubt: 0, lateMaxMs: 2 };

export interface FaultyJournalOptions {
  clock: Clock;
  random: Random;
  quality: DiskQuality;
  lifetime: Lifetime;
}

/** A journal on a slow and failing disk, which outlives the server. */
export class FaultyJournal implements Journal {
  readonly limits: JournalLimits = DENO_KV_LIMITS;
  readonly #inner: MemoryJournal;
  readonly #options: FaultyJournalOptions;

  constructor(disk: WatchedDisk, options: FaultyJournalOptions) {
    this.#options = options;
    this.#inner = new MemoryJournal(disk, (batch, write) =>
      this.#write(() => {
        write();
        disk.written(batch);
      }));
  }

  load(): Promise<Loaded> {
    return this.#inner.load();
  }

  commit(batch: Batch): Promise<void> {
    return this.#inner.commit(batch);
  }

  blob(bytes: Uint8Array): Promise<BlobId> {
    return this.#inner.blob(bytes);
  }

  async revision(): Promise<Revision> {
    const { random, quality, lifetime } = this.#options;
    if (lifetime.isOver) return await NEVER;
    if (random.chance(quality.doubt)) throw new Error("Cannot read: simulated failure");
    return await this.#inner.revision();
  }

  backup(): Promise<void> {
    return this.#inner.backup();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #write(write: () => void): Promise<void> {
    const { clock, random, quality, lifetime } = this.#options;
    if (lifetime.isOver) return await NEVER;
    await pause(clock, random.integer(quality.lateMaxMs + 1));
    if (lifetime.isOver) return await NEVER; // it never reached the disk
    if (quality.isFull) throw new Error("Cannot write: no space left on device");
    if (random.chance(quality.failure)) throw new Error("Cannot write: simulated failure");
    write();
    await pause(clock, random.integer(quality.lateMaxMs + 1));
    if (lifetime.isOver) return await NEVER; // it did, and nobody was notified
    if (random.chance(quality.doubt)) throw new Error("Cannot write: simulated doubt");
  }
}
