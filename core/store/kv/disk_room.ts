import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Batch, BlobId, Journal, JournalLimits, Loaded } from "../journal.ts";
import { type Change, type Revision, UnavailableError, type WriteGate } from "../store.ts";

/** How often a full disk is looked at when nobody writes. */
const LOOK_MS = 10_000;
/** What SQLite, Linux and quotas say. */
const FULL = /database or disk is full|No space left on device|quota exceeded/i;
/** What SQLite also says on a full disk, when it cannot make the files beside the database. */
const PERHAPS_FULL = /disk I\/O error|unable to open database file/i;
/** The words for a node on a full disk must get through: https://kubernetes.io/docs/reference/node/node-status/ */
const NODES = "nodes";

/** Room on the disk that is held back, to be given up when the disk is full. */
export interface Ballast {
  /** Whether the disk has room for anything at all. */
  hasRoom(): Promise<boolean>;
  /** Takes the room, if there is enough left beside it. Whether it is held now. */
  hold(): Promise<boolean>;
  /** Gives it up. Does nothing when it is not held. */
  release(): Promise<void>;
}

export interface DiskRoomOptions {
  ballast: Ballast;
  clock: Clock;
  log: Log;
  /** For messages: where the disk is mounted, or a folder on it. */
  folder: string;
}

/**
 * What a store does when its disk is full: it becomes read-only, as etcd does on its NOSPACE alarm, but for what
 * frees room (deletions, and changes of what is being deleted), for the nodes, whose conditions tell of it, and for
 * what is kept in memory only. The ballast is given up so that these can be written.
 *
 * It ends by itself: each refused write looks for room, and so does a timer, every 10 s while the disk is full and
 * never else. Then the ballast is taken again.
 */
export class DiskRoom implements WriteGate {
  readonly #options: DiskRoomOptions;
  readonly #listeners = new Set<(isFull: boolean) => void>();
  #full: Error | undefined;
  #looking: Promise<void> | undefined;
  #cancel: () => void = () => {};
  #isClosed = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#full !== undefined;
  }

  /**
   * Opens what is on the disk: with the ballast given up, should the disk be full. All may be written until
   * {@linkcode settle}, so that a server can start on what the ballast gives.
   */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    const { ballast } = this.#options;
    if (!await ballast.hasRoom()) await ballast.release();
    try {
      return await open();
    } catch (error) {
      if (!await this.#isFullness(error)) throw error;
      await ballast.release();
      return await open();
    }
  }

  /** Takes the ballast, once everything runs; without room for it the disk counts as full. */
  async settle(): Promise<void> {
    if (this.isFull || await this.#options.ballast.hold()) return;
    await this.#enter(new Error("there is no room to hold back"));
  }

  /** The same journal; a full disk is noticed. */
  guard(journal: Journal): Journal {
    return new GuardedJournal(journal, (error) => this.#notice(error));
  }

  refusalOf(changes: readonly Change[]): UnavailableError | undefined {
    if (!this.#full || changes.every(isUrgent)) return undefined;
    return new UnavailableError(`Cannot write: ${this.#words}`, { cause: this.#full });
  }

  /** Looks whether there is room again. */
  async lookAgain(): Promise<void> {
    if (!this.isFull) return;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    await this.#looking;
  }

  /** Calls `listener` whenever the disk has become full, or has room again. */
  onChange(listener: (isFull: boolean) => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #notice(error: unknown): Promise<unknown> {
    if (!await this.#isFullness(error)) return error;
    await this.#enter(error as Error);
    return new Error(this.#words, { cause: error });
  }

  async #isFullness(error: unknown): Promise<boolean> {
    const text = String(error);
    return FULL.test(text) || PERHAPS_FULL.test(text) && !await this.#options.ballast.hasRoom();
  }

  async #enter(error: Error): Promise<void> {
    const { ballast, log, folder } = this.#options;
    await ballast.release();
    if (this.#full || this.#isClosed) return;
    this.#full = error;
    log.warn("The disk is full: the API is read-only, but for deletions, until there is room", {
      folder,
      error,
    });
    this.#tell();
  }

  async #look(): Promise<void> {
    const { ballast, log, folder } = this.#options;
    if (!await ballast.hold() || this.#isClosed) return;
    this.#full = undefined;
    log.info("The disk has room again: the API takes all writes", { folder });
    this.#tell();
  }

  #tell(): void {
    this.#cancel();
    if (this.isFull) this.#lookLater();
    for (const listener of this.#listeners) listener(this.isFull);
  }

  #lookLater(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, async () => {
      await this.lookAgain();
      if (this.isFull && !this.#isClosed) this.#lookLater();
    });
  }

  get #words(): string {
    const { folder } = this.#options;
    return `the disk of "${folder}" is full; make room on it: until then objects can only be read and deleted`;
  }
}

/** What frees room, or tells people that there is none. */
function isUrgent({ key: [resource], value }: Change): boolean {
  return value === undefined || value.metadata.deletionTimestamp !== undefined ||
    resource === NODES;
}

/** Tells of each failure before its caller hears of it. */
class GuardedJournal implements Journal {
  readonly limits: JournalLimits;
  readonly #journal: Journal;
  readonly #notice: (error: unknown) => Promise<unknown>;

  constructor(journal: Journal, notice: (error: unknown) => Promise<unknown>) {
    this.limits = journal.limits;
    this.#journal = journal;
    this.#notice = notice;
  }

  load(): Promise<Loaded> {
    return this.#journal.load();
  }

  commit(batch: Batch): Promise<void> {
    return this.#watched(this.#journal.commit(batch));
  }

  blob(bytes: Uint8Array): Promise<BlobId> {
    return this.#watched(this.#journal.blob(bytes));
  }

  revision(): Promise<Revision> {
    return this.#journal.revision();
  }

  backup(path: string): Promise<void> {
    return this.#journal.backup(path);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  async #watched<T>(doing: Promise<T>): Promise<T> {
    try {
      return await doing;
    } catch (error) {
      throw await this.#notice(error);
    }
  }
}
