import {
  type Batch,
  FencedError,
  type Journal,
  type JournalLimits,
  type JournalWrite,
} from "./journal.ts";
import { type Revision, type StoreEvent, TooLargeError, UnavailableError } from "./store.ts";

/**
 * How many revisions volatile writes may use after the last batch. A start skips as many, so that no revision is ever
 * used twice.
 */
export const VOLATILE_REVISIONS_MAX = 1_000_000;
/**
 * When they have used so many, an empty batch records the revision. Should the disk refuse it, it is tried again after as
 * many more: the leases of nodes go on for days on a full disk.
 */
const VOLATILE_REVISIONS_PER_RECORD = 10_000;
const NOTHING_WAITS = Promise.resolve();
/** What a reference to a blob takes of a batch. */
const BLOB_REFERENCE_BYTES = 200;
/** What Deno KV adds to the parts of a key, with room to spare. */
const KEY_OVERHEAD_BYTES = 24;

export interface GroupCommitOptions {
  journal: Journal;
  /** Revision of the last batch that the journal holds. */
  durable: Revision;
  isVolatile(resource: string): boolean;
  /** Makes the events of one commit visible, all at once. Called in the order of their revisions. */
  publish(events: readonly StoreEvent[]): void;
  /** The events will never become visible. */
  drop(events: readonly StoreEvent[]): void;
  /** Called once, when another process owns the journal and nothing can be written any more. */
  onStopped(error: Error): void;
}

interface Commit {
  readonly events: readonly StoreEvent[];
  readonly size: Size;
  readonly done: PromiseWithResolvers<void>;
}

interface Size {
  writes: number;
  bytes: number;
  keyBytes: number;
}

/**
 * Makes commits durable in batches: while one batch is being written, the next one collects. A lone
 * writer waits for nobody.
 *
 * Guarantees: commits become visible in the order in which they were added, and only when durable;
 * when one fails, all added after it fail too, because they may depend on it.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Commit[] = [];
  #isRunning = false;
  #durable: Revision;
  /** The revision that was last recorded for volatile writes, successfully or not. */
  #recorded: Revision;
  /** The newest commit, until it is visible or dropped: all before it are then, too. */
  #last: Promise<void> | undefined;
  #stopped: Error | undefined;
  /** A batch of which it is not known whether it is durable. */
  #uncertain: { commits: readonly Commit[]; revision: Revision } | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#durable = options.durable;
    this.#recorded = options.durable;
  }

  /** Throws, at once, when nothing can be written any more, or for more than one batch can hold. */
  assertFits(events: readonly StoreEvent[]): void {
    if (this.#stopped) throw this.#stopped;
    const { limits } = this.#options.journal;
    if (!fits(sizeOf(events, limits), { writes: 0, bytes: 0, keyBytes: 0 }, limits)) {
      throw new TooLargeError(
        `Cannot write ${events.length} objects in one commit: at most ${limits.writesMax} objects and ${limits.bytesMax} bytes fit`,
      );
    }
  }

  /** Resolves when the events are visible; rejects with {@linkcode UnavailableError} when they never will be. */
  add(events: readonly StoreEvent[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ events, size: sizeOf(events, this.#options.journal.limits), done });
    this.#last = done.promise;
    const forget = () => {
      if (this.#last === done.promise) this.#last = undefined;
    };
    done.promise.then(forget, forget); // its caller gets the error
    if (!this.#isRunning) this.#run();
    return done.promise;
  }

  /** Resolves when all that was added so far is visible or dropped. */
  settled(): Promise<void> {
    return this.confirmed().catch(() => {}); // its caller gets the error
  }

  /**
   * Resolves when all that was added so far is visible; rejects with {@linkcode UnavailableError} when some of it never
   * will be: the last commit then fails too.
   */
  confirmed(): Promise<void> {
    return this.#last ?? NOTHING_WAITS;
  }

  /** Refuses all that comes from now on. */
  stop(error: Error): void {
    this.#stopped ??= error;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await undefined; // who commits in the same turn is in the same batch
    while (this.#waiting.length > 0) {
      if (this.#uncertain && !await this.#settleUncertain()) continue;
      const commits = this.#takeBatch();
      try {
        await this.#persist(commits);
      } catch (error) {
        await this.#recover(commits, error as Error);
        continue;
      }
      this.#publish(commits);
    }
    this.#isRunning = false;
  }

  #takeBatch(): Commit[] {
    const total: Size = { writes: 0, bytes: 0, keyBytes: 0 };
    let count = 0;
    for (const { size } of this.#waiting) {
      if (!fits(size, total, this.#options.journal.limits)) break;
      total.writes += size.writes;
      total.bytes += size.bytes;
      total.keyBytes += size.keyBytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #persist(commits: readonly Commit[]): Promise<void> {
    const { journal, isVolatile } = this.#options;
    const events = commits.flatMap((commit) => commit.events);
    const revision = events.at(-1)?.revision;
    if (revision === undefined) return;
    const kept = events.filter(({ entry }) => !isVolatile(entry.key[0]));
    if (kept.length === 0) return await this.#recordRevision(revision);
    const writes: JournalWrite[] = [];
    for (const event of newestOfEach(kept)) writes.push(await this.#writeOf(event));
    const batch: Batch = { revision, writes };
    await journal.commit(batch);
    this.#durable = this.#recorded = revision;
  }

  /** Records now and then how far volatile writes have used revisions. */
  async #recordRevision(revision: Revision): Promise<void> {
    const isEmpty = this.#durable === 0; // then a start skips nothing
    if (!isEmpty && revision - this.#recorded < VOLATILE_REVISIONS_PER_RECORD) return;
    const { journal } = this.#options;
    try {
      await journal.commit({ revision, writes: [] });
      this.#durable = revision;
    } catch (error) {
      const isTooFar = isEmpty || revision - this.#durable >= VOLATILE_REVISIONS_MAX;
      if (isTooFar || error instanceof FencedError) throw error;
      await journal.revision(); // whatever it is: the journal must not be left in doubt
    }
    this.#recorded = revision;
  }

  async #writeOf({ type, revision, entry: { key, bytes } }: StoreEvent): Promise<JournalWrite> {
    if (type === "DELETED") return { key, value: undefined, revision };
    const { journal } = this.#options;
    if (bytes.length <= journal.limits.rowBytesMax) return { key, value: bytes, revision };
    return { key, value: { blob: await journal.blob(bytes, { key, revision }) }, revision };
  }

  #publish(commits: readonly Commit[]): void {
    for (const { events, done } of commits) {
      this.#options.publish(events);
      done.resolve();
    }
  }

  /** A commit that threw may have become durable all the same: the journal knows. */
  async #recover(commits: readonly Commit[], error: Error): Promise<void> {
    if (error instanceof FencedError) return this.#end(commits, error);
    const revision = commits.at(-1)!.events.at(-1)!.revision;
    const durable = await this.#options.journal.revision().catch((why: Error) => why);
    if (durable instanceof FencedError) return this.#end(commits, durable);
    if (durable === revision) {
      this.#durable = revision;
      return this.#publish(commits);
    }
    if (durable instanceof Error) this.#uncertain = { commits, revision };
    this.#fail(commits, new UnavailableError(`Cannot write: ${error.message}`, { cause: error }));
  }

  /** Asks whether the uncertain batch is durable; returns whether the waiting commits may go on. */
  async #settleUncertain(): Promise<boolean> {
    const { commits, revision } = this.#uncertain!;
    let message = "an earlier write has turned out to be durable; try again";
    try {
      const durable = await this.#options.journal.revision();
      this.#uncertain = undefined;
      if (durable !== revision) return true;
      this.#durable = revision;
      for (const { events } of commits) this.#options.publish(events);
    } catch (error) {
      if (error instanceof FencedError) {
        this.#end([], error);
        return false;
      }
      message = (error as Error).message;
    }
    this.#fail([], new UnavailableError(`Cannot write: ${message}`));
    return false;
  }

  /** Another process owns the journal: nothing is written any more. */
  #end(commits: readonly Commit[], error: FencedError): void {
    this.#stopped = new UnavailableError(error.message);
    this.#fail(commits, this.#stopped);
    this.#options.onStopped(error);
  }

  /** Rejects the commits and all that wait behind them. */
  #fail(commits: readonly Commit[], error: Error): void {
    for (const { events, done } of [...commits, ...this.#waiting.splice(0)]) {
      this.#options.drop(events);
      done.reject(error);
    }
  }
}

/** Of several writes to one key, only the last needs to be kept. */
function newestOfEach(events: readonly StoreEvent[]): Iterable<StoreEvent> {
  return new Map(events.map((event) => [event.entry.key.join("/"), event])).values();
}

function sizeOf(events: readonly StoreEvent[], { rowBytesMax }: JournalLimits): Size {
  const size: Size = { writes: events.length, bytes: 0, keyBytes: 0 };
  for (const { entry: { key, bytes } } of events) {
    size.bytes += bytes.length > rowBytesMax ? BLOB_REFERENCE_BYTES : bytes.length;
    size.keyBytes += key[0].length + key[1].length + key[2].length + KEY_OVERHEAD_BYTES;
  }
  return size;
}

function fits(size: Size, total: Size, limits: JournalLimits): boolean {
  return total.writes + size.writes <= limits.writesMax &&
    total.bytes + size.bytes <= limits.bytesMax &&
    total.keyBytes + size.keyBytes <= limits.keyBytesMax;
}
