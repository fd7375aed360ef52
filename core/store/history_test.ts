import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryDisk, MemoryJournal } from "./memory_journal.ts";
import { MemoryStore } from "./memory_store.ts";
import { notes } from "./store_contract.ts";
import {
  type Change,
  ConflictError,
  ExpiredError,
  type Key,
  type Revision,
  type StoreEvent,
  UnavailableError,
} from "./store.ts";

/**
 * Any interleaving of commits, watches and restarts, on a disk that fails, gives a history that a store could have
 * given that does one thing after the other: see `History`.
 */
Deno.test("what clients see could have come from a store that does one thing at a time", () =>
  fc.assert(
    fc.asyncProperty(fc.array(arbitraryStep, { minLength: 5, maxLength: 60 }), async (steps) => {
      const history = new History();
      await history.start();
      for (const step of steps) await history.take(step);
      await history.end();
    }),
    { numRuns: 400 },
  ));

const NAMES = ["a", "b", "c", "d"];
const WATCHERS = 3;
/** Small, so that a watcher that was away often comes too late. */
const WATCH_LIMITS = { eventsMax: 2, bytesMax: 1_000_000 };

type Step =
  | { do: "commit"; names: readonly string[]; removes: boolean; isStale: boolean; waits: boolean }
  | { do: "disk"; next: readonly DiskWord[] }
  | { do: "wait" }
  | { do: "connect" | "disconnect"; watcher: number }
  | { do: "restart" };
/** What the disk does with a batch: writes it, refuses it, or writes it and reports a failure. */
type DiskWord = "write" | "refuse" | "doubt" | "unknown";

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
      removes: fc.boolean(),
      isStale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("disk" as const),
      next: fc.array(
        fc.constantFrom<DiskWord>("write", "write", "refuse", "doubt", "unknown"),
        { maxLength: 4 },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "wait" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("connect" as const, "disconnect" as const),
      watcher: fc.integer({ min: 0, max: WATCHERS - 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

/** Objects by name: the revision at which each is. */
type State = Map<string, Revision>;

/** One commit, from its call on. */
interface Commit {
  changes: readonly Change[];
  /** Of its changes, in order. */
  revisions: readonly Revision[];
  isDurable: boolean;
  isSeen: boolean;
  isSettled: boolean;
}

/**
 * A store, its clients, and what they have seen.
 *
 * Holds at every step: each event is newer than all before, follows from the state before it and is durable; the
 * store shows the events so far, and nothing else; a watcher shows what the store shows, wherever it went on.
 * A commit is seen whole; what was acknowledged was seen before. A restart shows what was seen and what had become
 * durable untold, in its order; and no revision is told twice.
 */
class History {
  readonly #disk = new MemoryDisk();
  #words: DiskWord[] = [];
  #isAway = false;
  #life = new AbortController();
  #store!: MemoryStore;
  /** What a client that saw every event believes. */
  #state: State = new Map();
  #told: Revision = 0;
  #commits: Commit[] = [];
  readonly #watchers = Array.from({ length: WATCHERS }, () => new Watcher());

  async start(): Promise<void> {
    this.#life = new AbortController();
    this.#isAway = false;
    this.#store = await MemoryStore.open(this.#journal(this.#life.signal), {
      resources: [notes],
      watchLimits: WATCH_LIMITS,
    });
    assert.ok(this.#store.revision >= this.#told, "revisions never go back");
    this.#told = this.#store.revision;
    this.#store.subscribe(["notes"], (event) => this.#see(event));
    this.#compare();
  }

  async take(step: Step): Promise<void> {
    if (step.do === "commit") await this.#commit(step);
    else if (step.do === "disk") this.#words.push(...step.next);
    else if (step.do === "wait") await this.#store.settled();
    else if (step.do === "restart") await this.#restart();
    else this.#watchers[step.watcher]![step.do](this.#store);
    this.#compare();
  }

  async end(): Promise<void> {
    this.#words = [];
    await this.#store.settled();
    await this.#restart();
    for (const watcher of this.#watchers) watcher.connect(this.#store);
    this.#compare();
  }

  /** Ends the process, whatever is in flight, and starts it again. */
  async #restart(): Promise<void> {
    this.#life.abort();
    for (const commit of this.#commits) {
      if (commit.isDurable && !commit.isSeen) this.#apply(commit);
    }
    this.#commits = [];
    for (const watcher of this.#watchers) watcher.disconnect();
    await this.start();
  }

  #journal(life: AbortSignal): MemoryJournal {
    const journal = new MemoryJournal(this.#disk, ({ revision }, write) =>
      this.#write(life, () => {
        write();
        for (const commit of this.#commits) {
          if (!commit.isSettled && commit.revisions.at(-1)! <= revision) commit.isDurable = true;
        }
      }));
    const revision = journal.revision.bind(journal);
    return Object.assign(journal, {
      revision: () => {
        const isAway = this.#isAway;
        this.#isAway = false;
        return isAway ? Promise.reject(new Error("the disk is away")) : revision();
      },
    });
  }

  async #write(life: AbortSignal, write: () => void): Promise<void> {
    const word = this.#words.shift() ?? "write";
    await turns();
    if (life.aborted) return await NEVER; // it never reached the disk
    if (word !== "refuse") write();
    await turns();
    if (life.aborted) return await NEVER; // nobody was told
    this.#isAway = word === "unknown";
    if (word !== "write") throw new Error(`the disk says "${word}"`);
  }

  async #commit({ names, removes, isStale, waits }: Step & { do: "commit" }): Promise<void> {
    const store = this.#store;
    const changes = names.flatMap((name): Change[] => {
      const current = store.newest(keyOf(name))?.revision ?? 0;
      if (removes && current === 0) return [];
      const value = removes ? undefined : noteOf(name);
      return [{ key: keyOf(name), value, expected: isStale ? current + 1 : current }];
    });
    if (changes.length === 0) return;
    const outcome = store.commit(changes);
    if (isStale) {
      const refused = assert.rejects(outcome, ConflictError);
      return waits ? await refused : undefined;
    }
    const commit = this.#admitted(changes);
    const settled = outcome.then(
      () => assert.ok(commit.isSeen, "what was acknowledged has been seen"),
      (error) => assert.ok(error instanceof UnavailableError, String(error)),
    ).finally(() => commit.isSettled = true);
    if (waits) await settled;
  }

  /** Revisions are given out one after the other, when a commit is called. */
  #admitted(changes: readonly Change[]): Commit {
    const last = Math.max(this.#admittedLast, this.#store.revision);
    const revisions = changes.map((_, i) => last + i + 1);
    for (const [i, { key, value }] of changes.entries()) {
      if (value) assert.equal(this.#store.newest(key)?.revision, revisions[i]);
    }
    const commit = { changes, revisions, isDurable: false, isSeen: false, isSettled: false };
    this.#commits.push(commit);
    return commit;
  }

  get #admittedLast(): Revision {
    return this.#commits.at(-1)?.revisions.at(-1) ?? 0;
  }

  #see({ type, entry, previous, revision }: StoreEvent): void {
    const name = entry.key[2];
    assert.ok(revision > this.#told, "each event is newer than all before");
    assert.equal(
      previous?.revision,
      this.#state.get(name),
      "an event follows from the state before",
    );
    assert.equal(type === "ADDED", previous === undefined);
    const commit = this.#commits.find(({ revisions }) => revisions.includes(revision))!;
    assert.ok(commit.isDurable, "what is seen is durable");
    const i = commit.revisions.indexOf(revision);
    assert.deepEqual(commit.changes[i]!.key, entry.key);
    assert.equal(type === "DELETED", commit.changes[i]!.value === undefined);
    if (i > 0) assert.equal(this.#told, commit.revisions[i - 1], "a commit is seen whole");
    commit.isSeen = i === commit.revisions.length - 1;
    set(this.#state, name, type === "DELETED" ? undefined : revision);
    this.#told = revision;
  }

  /** What became durable although nobody was told. */
  #apply({ changes, revisions }: Commit): void {
    for (const [i, { key: [, , name], value, expected }] of changes.entries()) {
      assert.equal(this.#state.get(name) ?? 0, expected);
      set(this.#state, name, value && revisions[i]);
    }
  }

  #compare(): void {
    const state = stateOf(this.#store);
    assert.deepEqual(state, sorted(this.#state), "the store shows what was seen");
    for (const watcher of this.#watchers) watcher.compare(state);
    assert.ok(this.#store.revision === this.#told);
  }
}

/** A client that lists, watches, goes away and goes on where it was. */
class Watcher {
  #state: State = new Map();
  #position: Revision | undefined;
  #stop: (() => void) | undefined;

  connect(store: MemoryStore): void {
    if (this.#stop) return;
    try {
      if (this.#position === undefined) this.#list(store);
      else for (const event of store.eventsAfter(["notes"], this.#position)) this.#see(event);
    } catch (error) {
      assert.ok(error instanceof ExpiredError, String(error));
      this.#list(store);
    }
    this.#stop = store.subscribe(["notes"], (event) => this.#see(event));
  }

  disconnect(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  compare(state: State): void {
    if (this.#stop) assert.deepEqual(sorted(this.#state), state, "a watcher shows what is there");
  }

  #list(store: MemoryStore): void {
    this.#state = stateOf(store);
    this.#position = store.revision;
  }

  #see({ type, entry, previous, revision }: StoreEvent): void {
    const name = entry.key[2];
    assert.ok(revision > this.#position!, "a watch never goes back");
    assert.equal(previous?.revision, this.#state.get(name), "a watch misses nothing");
    set(this.#state, name, type === "DELETED" ? undefined : revision);
    this.#position = revision;
  }
}

/** So long that others come in between. */
async function turns(): Promise<void> {
  for (let i = 0; i < 12; i++) await undefined;
}

const NEVER = new Promise<never>(() => {});

function keyOf(name: string): Key {
  return ["notes", "a", name];
}

function noteOf(name: string): NonNullable<Change["value"]> {
  const metadata = { namespace: "a", name, uid: name, creationTimestamp: "", resourceVersion: "" };
  return { apiVersion: "v1", kind: "Note", metadata };
}

function set(state: State, name: string, revision: Revision | undefined): void {
  if (revision === undefined) state.delete(name);
  else state.set(name, revision);
}

function stateOf(store: MemoryStore): State {
  return new Map(store.list(["notes"]).map(({ key, revision }) => [key[2], revision]));
}

function sorted(state: State): State {
  return new Map([...state].sort(([a], [b]) => a < b ? -1 : 1));
}
