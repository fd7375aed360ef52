import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type {
  Batch,
  BlobId,
  BlobOf,
  Journal,
  JournalLimits,
  JournalWrite,
  Loaded,
} from "../../journal.ts";
import type { RoomInFile } from "./file_room.ts";
import { type Change, type Revision, UnavailableError, type WriteGate } from "../../store.ts";

/** How often a full disk is checked when nobody writes. */
const LOOK_MS = 10_000;
/** How soon after a deletion. */
const LOOK_SOON_MS = 500;
/** With so much free room in the file, all writes are taken although the disk is full. */
const ROOM_IN_FILE_BYTES_MIN = 4 * 1024 * 1024;
const HELD_BACK_IN_FILE_BYTES = 2 * 1024 * 1024;
/** What a batch takes of a file: its rows are whole pages, and pages are split. */
const FILE_BYTES_PER_BYTE = 2;
const FILE_BYTES_PER_BATCH = 16 * 1024;
/** Error texts of SQLite, Linux and quotas. */
const FULL = /database or disk is full|No space left on device|quota exceeded/i;
/** What SQLite also reports on a full disk, when it cannot make the files beside the database. */
const PERHAPS_FULL = /disk I\/O error|unable to open database file/i;
/**
 * Always urgent: the status of a node, whose DiskPressure tells of the full disk
 * (https://kubernetes.io/docs/reference/node/node-status/), and a revocation: who fills the disk must not stay in by it.
 */
const NODES = "nodes";
const REGISTERS = "credentialregisters.access.coracle.dev";
/** A larger Node is not urgent: its agent could use up what is held back for its own revocation. */
const URGENT_NODE_BYTES_MAX = 64 * 1024;

/** Room on the disk that is reserved, to be released when the disk is full. */
export interface Ballast {
  /** Whether the disk has room for anything at all. */
  hasRoom(): Promise<boolean>;
  freeBytes(): Promise<number>;
  /** Reserves the room, if enough is left beside it. Returns whether it is held now. */
  hold(): Promise<boolean>;
  /** Reserves as much of it as there is, for the next start. */
  holdRest(): Promise<void>;
  /** Releases it at once. Does nothing when it is not held. */
  release(): void;
}

export interface DiskRoomOptions {
  ballast: Ballast;
  /** Absent: nothing is reserved. */
  file?: RoomInFile;
  clock: Clock;
  log: Log;
  /** For messages: where the disk is mounted, or a folder on it. */
  folder: string;
}

/**
 * `roomy`: the ballast is held, everything is written. `reusing`: the disk is full, but the store's file has enough free
 * pages of its own: everything is written. `full`: only urgent changes are written, using what the ballast gave.
 * `exhausted`: that is used up too, as far as the last write has shown.
 */
export type DiskState = "roomy" | "reusing" | "full" | "exhausted";

interface WriteFacts {
  bytes: number;
  isUrgent: boolean;
}

/**
 * What a store does when its disk is full: it becomes read-only, as etcd does on its NOSPACE alarm, but for what
 * frees room (deletions, and changes of what is being deleted), for the nodes, whose conditions tell of it, and for
 * what is kept in memory only. The table in core/store/README.md tells what is held back for these, and how each
 * state ends.
 *
 * It ends by itself: each refused write looks for room, and so does a timer, soon after each deletion and every 10 s,
 * only while the disk is full.
 */
export class DiskRoom implements WriteGate {
  readonly #options: DiskRoomOptions;
  readonly #listeners = new Set<(isFull: boolean) => void>();
  #state: DiskState = "roomy";
  #cause: unknown;
  /** Whether what is being written may use the ballast when the disk turns out to be full. */
  #isUrgent = true;
  /** Whether the server has started, and the ballast was to be reserved. */
  #isSettled = false;
  /** Whether the file may have more room than at the last check. */
  #isChanged = false;
  /** How many bytes may be written to the file before it is checked again. */
  #fileBytes = 0;
  #looking: Promise<void> | undefined;
  #cancel: () => void = () => {};
  #isLookingSoon = false;
  #canLook = true;
  #isClosed = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  get state(): DiskState {
    return this.#state;
  }

  get isFull(): boolean {
    return this.#state !== "roomy";
  }

  /**
   * Opens what is on the disk, releasing the ballast should the disk be full. Everything may be written until
   * {@linkcode settle}, so that a server can start on what the ballast gave. Rejects with an
   * {@linkcode UnavailableError} when that is not enough.
   */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    const { ballast } = this.#options;
    if (!await ballast.hasRoom()) ballast.release();
    try {
      return await open();
    } catch (error) {
      if (!await this.#isFullness(error)) throw error;
      ballast.release();
    }
    try {
      return await open();
    } catch (error) {
      throw await this.#isFullness(error) ? this.#cannotOpen(error) : error;
    }
  }

  /** Reserves the ballast once the server has started; without room for it the disk counts as full. */
  async settle(): Promise<void> {
    this.#isSettled = true;
    if (this.isFull || await this.#options.ballast.hold()) return;
    await this.#enter(new Error("there is no room for the ballast"));
  }

  /** Wraps the journal so that a full disk is noticed. */
  guard(journal: Journal): Journal {
    return new GuardedJournal(journal, this);
  }

  refusalOf(changes: readonly Change[]): UnavailableError | undefined {
    const takesAll = this.#state === "roomy" || this.#state === "reusing" && this.#fileBytes > 0;
    if (takesAll || changes.every(isUrgent)) return undefined;
    return new UnavailableError(`Cannot write: ${this.#words}`, { cause: this.#cause });
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

  /** To be called once the store is closed: room that closing freed on a full disk is reserved for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    if (this.isFull) await this.#options.ballast.holdRest();
  }

  /**
   * Takes the error of a failed write and releases the ballast. Returns whether to retry the write: not when it is the
   * first to find the disk full, and not urgent.
   */
  async relieve(error: unknown): Promise<boolean> {
    if (!await this.#isFullness(error)) return false;
    if (this.#isSettled && this.#state === "roomy") {
      await this.#enter(error);
      return this.#isUrgent;
    }
    await this.#giveUp({ claims: false });
    return true;
  }

  /** Runs a write of the store, and notes its size or that the disk is full. */
  async write<T>(act: () => Promise<T>, { bytes, isUrgent }: WriteFacts): Promise<T> {
    const before = this.#state;
    this.#isUrgent = isUrgent;
    try {
      const result = await act();
      this.#note(bytes);
      return result;
    } catch (error) {
      throw await this.#failureOf(error, before);
    } finally {
      this.#isUrgent = true; // what the journal does on its own frees room
    }
  }

  #note(bytes: number): void {
    if (this.#state === "exhausted") this.#become("full");
    if (!this.isFull) return;
    this.#isChanged = true;
    this.#fileBytes -= bytes * FILE_BYTES_PER_BYTE + FILE_BYTES_PER_BATCH;
    if (this.#state === "reusing" || this.#isLookingSoon) return;
    this.#lookIn(LOOK_SOON_MS);
    this.#isLookingSoon = true;
  }

  /** The error for a write that failed; `before`: the state in which it began. */
  async #failureOf(error: unknown, before: DiskState): Promise<unknown> {
    if (!await this.#isFullness(error)) return error;
    await this.#enter(error);
    if (before === "reusing") this.#become("full");
    if (before === "full") this.#become("exhausted"); // only what was urgent was tried
    return new Error(this.#words, { cause: error });
  }

  /** Why nothing is written, and what to do. */
  get #words(): string {
    const { folder } = this.#options;
    return this.#state === "exhausted"
      ? `the disk of "${folder}" is full, and so is what was held back for deletions; make room on it: until then objects can only be read`
      : `the disk of "${folder}" is full; make room on it: until then objects can only be read and deleted`;
  }

  #cannotOpen(error: unknown): UnavailableError {
    const { folder } = this.#options;
    return new UnavailableError(
      `Cannot open the data in "${folder}": its disk is full; make room on it, then start again: nothing is lost`,
      { cause: error },
    );
  }

  async #isFullness(error: unknown): Promise<boolean> {
    const text = String(error);
    return FULL.test(text) || PERHAPS_FULL.test(text) && !await this.#options.ballast.hasRoom();
  }

  /** Releases the ballast. The file takes its part of the room in the same turn, before others do. */
  async #giveUp({ claims }: { claims: boolean }): Promise<void> {
    const { ballast, file } = this.#options;
    await file?.prepare();
    ballast.release();
    file?.checkpoint();
    if (claims) file?.claim();
  }

  async #enter(error: unknown): Promise<void> {
    const { log, folder } = this.#options;
    if (this.#state !== "roomy" || this.#isClosed) return;
    this.#state = "full";
    this.#cause = error;
    await this.#giveUp({ claims: true });
    this.#isChanged = true;
    log.warn("The disk is full: the API is read-only, but for deletions, until there is room", {
      folder,
      error,
    });
    this.#tell();
  }

  async #look(): Promise<void> {
    try {
      await this.#findRoom();
      this.#canLook = true;
    } catch (error) {
      if (this.#canLook) this.#options.log.warn("Cannot look for room for the store", { error });
      this.#canLook = false;
      this.#isChanged = true;
    }
  }

  async #findRoom(): Promise<void> {
    const { ballast, file } = this.#options;
    this.#isLookingSoon = false;
    if (await ballast.hold()) return this.#become("roomy");
    if (!file || !this.#isChanged) return;
    this.#isChanged = false;
    await file.tidy(ROOM_IN_FILE_BYTES_MIN);
    if (await file.shrink(await ballast.freeBytes())) {
      if (await ballast.hold()) return this.#become("roomy");
      file.claim();
    }
    const freeBytes = await file.freeBytes();
    this.#fileBytes = freeBytes - HELD_BACK_IN_FILE_BYTES;
    if (freeBytes >= ROOM_IN_FILE_BYTES_MIN) this.#become("reusing");
    else if (this.#state === "reusing") this.#become("full");
  }

  #become(state: DiskState): void {
    const { log, folder } = this.#options;
    if (this.#isClosed || this.#state === state) return;
    this.#state = state;
    log.info(MESSAGES[state], { folder });
    this.#tell();
  }

  #tell(): void {
    this.#cancel();
    if (this.isFull) this.#lookIn(LOOK_MS);
    for (const listener of this.#listeners) listener(this.isFull);
  }

  #lookIn(ms: number): void {
    this.#cancel();
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(ms, async () => {
      await this.lookAgain();
      if (this.isFull) this.#lookIn(LOOK_MS);
    });
  }
}

const MESSAGES = {
  roomy: "The disk has room again: the API takes all writes",
  reusing: "The disk is full, but the store's own file has room: the API takes all writes",
  full: "The disk is full, and so is the store's own file: the API is read-only, but for deletions",
  exhausted: "The disk is full, and so is what was held back for deletions: the API is read-only",
} as const satisfies Record<DiskState, string>;

const encoder = new TextEncoder();

/** Whether a change frees room, or tells people that there is none. */
function isUrgent({ key: [resource], value }: Change): boolean {
  return value === undefined || value.metadata.deletionTimestamp !== undefined ||
    resource === REGISTERS ||
    (resource === NODES && encoder.encode(JSON.stringify(value)).length <= URGENT_NODE_BYTES_MAX);
}

/** Reports each failure to the room before the caller sees it. */
class GuardedJournal implements Journal {
  readonly limits: JournalLimits;
  readonly #journal: Journal;
  readonly #room: DiskRoom;

  constructor(journal: Journal, room: DiskRoom) {
    this.limits = journal.limits;
    this.#journal = journal;
    this.#room = room;
  }

  load(): Promise<Loaded> {
    return this.#journal.load();
  }

  async commit(batch: Batch): Promise<void> {
    const isUrgent = batch.writes.every(isUrgentWrite);
    await this.#room.write(() => this.#journal.commit(batch), { bytes: bytesOf(batch), isUrgent });
  }

  async blob(bytes: Uint8Array, of: BlobOf): Promise<BlobId> {
    const facts = { bytes: bytes.length, isUrgent: false };
    return await this.#room.write(() => this.#journal.blob(bytes, of), facts);
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
}

/** Whether a write of a batch is recognizably urgent. A deletion that waits for finalizers is not: it is an ordinary change here. */
function isUrgentWrite({ key: [resource], value }: JournalWrite): boolean {
  if (value === undefined || resource === REGISTERS) return true;
  // A value that is not bytes lies in a blob, because it is larger.
  return resource === NODES && value instanceof Uint8Array && value.length <= URGENT_NODE_BYTES_MAX;
}

function bytesOf({ writes }: Batch): number {
  return writes.reduce(
    (sum, { value }) => sum + (value instanceof Uint8Array ? value.length : 0),
    0,
  );
}
