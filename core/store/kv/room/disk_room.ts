import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Batch, BlobId, Journal, JournalLimits, JournalWrite, Loaded } from "../../journal.ts";
import type { RoomInFile } from "./file_room.ts";
import { type Change, type Revision, UnavailableError, type WriteGate } from "../../store.ts";

/** How often a full disk is looked at when nobody writes. */
const LOOK_MS = 10_000;
/** How soon after a deletion. */
const LOOK_SOON_MS = 500;
/** A file that has so much room takes all writes, though its disk is full, until it has no more than is held back. */
const ROOM_IN_FILE_BYTES_MIN = 4 * 1024 * 1024;
const HELD_BACK_IN_FILE_BYTES = 2 * 1024 * 1024;
/** What a batch takes of a file: its rows are whole pages, and pages are split. */
const FILE_BYTES_PER_BYTE = 2;
const FILE_BYTES_PER_BATCH = 16 * 1024;
/** What SQLite, Linux and quotas say. */
const FULL = /database or disk is full|No space left on device|quota exceeded/i;
/** What SQLite also says on a full disk, when it cannot make the files beside the database. */
const PERHAPS_FULL = /disk I\/O error|unable to open database file/i;
/**
 * The words for a node on a full disk must get through: https://kubernetes.io/docs/reference/node/node-status/. So must a
 * revocation: who fills the disk must not keep himself in.
 */
const NODES = "nodes";
const REGISTERS = "credentialregisters.access.coracle.dev";
/** Of a Node: a larger one is not urgent, for its agent could use up what is held back for its revocation. */
const URGENT_NODE_BYTES_MAX = 64 * 1024;

/** Room on the disk that is held back, to be given up when the disk is full. */
export interface Ballast {
  /** Whether the disk has room for anything at all. */
  hasRoom(): Promise<boolean>;
  freeBytes(): Promise<number>;
  /** Takes the room, if there is enough left beside it. Whether it is held now. */
  hold(): Promise<boolean>;
  /** Takes what there is of it, for the next start. */
  holdRest(): Promise<void>;
  /** Gives it up, at once. Does nothing when it is not held. */
  release(): void;
}

export interface DiskRoomOptions {
  ballast: Ballast;
  /** None when absent. */
  file?: RoomInFile;
  clock: Clock;
  log: Log;
  /** For messages: where the disk is mounted, or a folder on it. */
  folder: string;
}

/**
 * How a store's disk is. `roomy`: the ballast is held, all is written. `inside`: the disk is full, but the store's
 * file has enough room of its own: all is written. `full`: only what is urgent is written, on what was held back.
 * `spent`: that is used up too, as far as the last write has shown.
 */
export type DiskState = "roomy" | "inside" | "full" | "spent";

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
 * It ends by itself: each refused write looks for room, and so does a timer, soon after each deletion and every 10 s
 * while the disk is full, and never else.
 */
export class DiskRoom implements WriteGate {
  readonly #options: DiskRoomOptions;
  readonly #listeners = new Set<(isFull: boolean) => void>();
  #state: DiskState = "roomy";
  #cause: unknown;
  /** Whether what is being written may use what is held back when the disk turns out to be full. */
  #isUrgent = true;
  /** Whether all runs, and the ballast was to be taken. */
  #isSettled = false;
  /** Whether the file may have more room than at the last look. */
  #isChanged = false;
  /** What may still be written to the file before it is looked at again. */
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
   * Opens what is on the disk: with the ballast given up, should the disk be full. All may be written until
   * {@linkcode settle}, so that a server can start on what the ballast gives. Rejects with an
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

  /** Takes the ballast, once everything runs; without room for it the disk counts as full. */
  async settle(): Promise<void> {
    this.#isSettled = true;
    if (this.isFull || await this.#options.ballast.hold()) return;
    await this.#enter(new Error("there is no room to hold back"));
  }

  /** The same journal; a full disk is noticed. */
  guard(journal: Journal): Journal {
    return new GuardedJournal(journal, this);
  }

  refusalOf(changes: readonly Change[]): UnavailableError | undefined {
    const takesAll = this.#state === "roomy" || this.#state === "inside" && this.#fileBytes > 0;
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

  /** Call it once the store is closed: what that gave back to a full disk is held for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    if (this.isFull) await this.#options.ballast.holdRest();
  }

  /**
   * Told why a write failed. What was held back is given up; true when the write is to be tried once more: not when it
   * is the first that finds the disk full, and not urgent.
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

  /** Does a write of the store; a full disk is noticed, and what was written. */
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
      this.#isUrgent = true; // what the journal does by itself frees room
    }
  }

  #note(bytes: number): void {
    if (this.#state === "spent") this.#become("full");
    if (!this.isFull) return;
    this.#isChanged = true;
    this.#fileBytes -= bytes * FILE_BYTES_PER_BYTE + FILE_BYTES_PER_BATCH;
    if (this.#state === "inside" || this.#isLookingSoon) return;
    this.#lookIn(LOOK_SOON_MS);
    this.#isLookingSoon = true;
  }

  /** What is told of a write that failed; `before`: the state in which it began. */
  async #failureOf(error: unknown, before: DiskState): Promise<unknown> {
    if (!await this.#isFullness(error)) return error;
    await this.#enter(error);
    if (before === "inside") this.#become("full");
    if (before === "full") this.#become("spent"); // only what was urgent was tried
    return new Error(this.#words, { cause: error });
  }

  /** Why nothing is written, and what to do. */
  get #words(): string {
    const { folder } = this.#options;
    return this.#state === "spent"
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

  /** Gives up what was held back. The file takes its part of it in the same turn, before others do. */
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
    if (freeBytes >= ROOM_IN_FILE_BYTES_MIN) this.#become("inside");
    else if (this.#state === "inside") this.#become("full");
  }

  #become(state: DiskState): void {
    const { log, folder } = this.#options;
    if (this.#isClosed || this.#state === state) return;
    this.#state = state;
    log.info(NEWS[state], { folder });
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

const NEWS = {
  roomy: "The disk has room again: the API takes all writes",
  inside: "The disk is full, but the store's own file has room: the API takes all writes",
  full: "The disk is full, and so is the store's own file: the API is read-only, but for deletions",
  spent: "The disk is full, and so is what was held back for deletions: the API is read-only",
} as const satisfies Record<DiskState, string>;

const encoder = new TextEncoder();

/** What frees room, or tells people that there is none. */
function isUrgent({ key: [resource], value }: Change): boolean {
  return value === undefined || value.metadata.deletionTimestamp !== undefined ||
    resource === REGISTERS ||
    (resource === NODES && encoder.encode(JSON.stringify(value)).length <= URGENT_NODE_BYTES_MAX);
}

/** Tells of each failure before its caller hears of it. */
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

  async blob(bytes: Uint8Array): Promise<BlobId> {
    const facts = { bytes: bytes.length, isUrgent: false };
    return await this.#room.write(() => this.#journal.blob(bytes), facts);
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

/** What of a batch can be told to be urgent: a deletion that waits for finalizers is one only to who asks for it. */
function isUrgentWrite({ key: [resource], value }: JournalWrite): boolean {
  if (value === undefined || resource === REGISTERS) return true;
  // What is no bytes lies in a blob, since it is larger.
  return resource === NODES && value instanceof Uint8Array && value.length <= URGENT_NODE_BYTES_MAX;
}

function bytesOf({ writes }: Batch): number {
  return writes.reduce(
    (sum, { value }) => sum + (value instanceof Uint8Array ? value.length : 0),
    0,
  );
}
