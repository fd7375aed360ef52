import type { DatabaseSync } from "node:sqlite";
import { type CompactableJournal, compactAside } from "../compactable_journal.ts";
import { densityOf, fileUse } from "../store_compaction.ts";

/**
 * What the file is made longer by, once, when the disk is full: room in it for deletions, and for one batch in its
 * write-ahead log. Less when there is less.
 */
const CLAIMS_BYTES = [1536 * 1024, 512 * 1024, 128 * 1024];
/** A table that is there only while room is claimed, and what drops one that a killed process has left. */
const CLAIM_TABLE = "claimed_room";
const DROP_CLAIM = `DROP TABLE IF EXISTS ${CLAIM_TABLE}`;
/** How long to wait for a writer of the file. */
const BUSY_MS_MAX = 1_000;
/** Dead bytes in the log of a store whose disk is full. */
const SLACK_BYTES = 512 * 1024;
/** A compaction writes what the file holds to a file of its own, and then to the write-ahead log. */
const COPIES = 2;
const COMPACTION_BYTES_MIN = 1024 * 1024;

/** The free room inside a store's own file, for when its disk has none. */
export interface RoomInFile {
  /** Must have resolved before {@linkcode checkpoint} or {@linkcode claim} is called. */
  prepare(): Promise<void>;
  /**
   * Brings the write-ahead log back into the file, at once: later writes begin it anew, and need no more room for it.
   * Without room for that it does nothing: the next write tells.
   */
  checkpoint(): void;
  /** Makes the file longer at once, so that nobody else takes the room. */
  claim(): void;
  /** Bytes of free pages in the file, which are used before the file grows. */
  freeBytes(): Promise<number>;
  /** Trims the log, step by step, until so much of the file is free or nothing is left to trim. */
  tidy(wantedBytes: number): Promise<void>;
  /** Gives free pages back to the disk, when the disk has the room that this takes. Returns whether it did. */
  shrink(diskBytes: number): Promise<boolean>;
}

/**
 * The same of a file of Deno KV, by a connection of our own beside it. It works on the thread that calls: at most 5 MiB,
 * and whoever waits for another thread may find that others have taken the room.
 */
export class FileRoom implements RoomInFile {
  readonly #path: string;
  #sqlite: typeof import("node:sqlite") | undefined;
  #journal: CompactableJournal | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** From now on the file is written by this journal. */
  use(journal: CompactableJournal): void {
    this.#journal = journal;
  }

  async prepare(): Promise<void> {
    this.#sqlite ??= await import("node:sqlite");
  }

  checkpoint(): void {
    this.#beside((database) => database.exec("PRAGMA wal_checkpoint(PASSIVE)"));
  }

  claim(): void {
    CLAIMS_BYTES.some((bytes) =>
      this.#beside((database) => {
        database.exec(`
          ${DROP_CLAIM};
          BEGIN IMMEDIATE;
          CREATE TABLE ${CLAIM_TABLE} (bytes BLOB);
          INSERT INTO ${CLAIM_TABLE} VALUES (zeroblob(${bytes}));
          COMMIT;
          PRAGMA wal_checkpoint(PASSIVE);
          ${DROP_CLAIM}`);
      })
    );
  }

  async freeBytes(): Promise<number> {
    return (await fileUse(this.#path)).freeBytes;
  }

  async tidy(wantedBytes: number): Promise<void> {
    await this.prepare();
    do this.checkpoint(); while (
      await this.freeBytes() < wantedBytes && await this.#journal?.trim(SLACK_BYTES)
    );
  }

  async shrink(diskBytes: number): Promise<boolean> {
    const use = await fileUse(this.#path);
    const heldBytes = Math.max(COMPACTION_BYTES_MIN, use.bytes - use.freeBytes);
    if (!this.#journal || densityOf(use) === "large" || use.freeBytes < heldBytes) return false;
    if (diskBytes < heldBytes * COPIES) return false;
    await this.#journal.compact(() => compactAside(this.#path));
    return true;
  }

  /** Returns whether it could be done: on a full disk it may fail, and then changes nothing. */
  #beside(act: (database: DatabaseSync) => void): boolean {
    try {
      const database = new this.#sqlite!.DatabaseSync(this.#path, { timeout: BUSY_MS_MAX });
      try {
        act(database);
        return true;
      } finally {
        database.close();
      }
    } catch {
      return false;
    }
  }
}
