import { assert } from "../lib/assert.ts";
import { jsonMember } from "../lib/json/json_member.ts";
import type { ObjectMeta } from "../schema/metadata.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { groupResourceOf } from "../resources/resource.ts";
import { EventRing, type RingLimits } from "./event_ring.ts";
import { GroupCommit, VOLATILE_REVISIONS_MAX } from "./group_commit.ts";
import type { Journal, Loaded } from "./journal.ts";
import type { SeenBatch, SeenWrite } from "./shared_engine.ts";
import {
  type Change,
  ConflictError,
  type Entry,
  type Key,
  type Prefix,
  type Revision,
  type Store,
  type StoreEvent,
  TooLargeError,
  UnavailableError,
  type WriteGate,
} from "./store.ts";
import { compareKeys } from "./sorted_entries.ts";
import { PARSED_BYTES_MAX, ParsedObjects, StoredEntry } from "./stored_entry.ts";
import { Subscribers } from "./subscribers.ts";
import { Table } from "./table.ts";

/** JSON bytes of one object. etcd takes 1.5 MiB as protobuf, kube-apiserver 3 MiB as a request. */
export const OBJECT_BYTES_MAX = 3 * 1024 * 1024;
/** How much history is kept for watches that resume. */
export const WATCH_LIMITS: RingLimits = { eventsMax: 8_192, bytesMax: 8 * 1024 * 1024 };

const NONE: readonly Entry[] = Object.freeze([]);

export interface MemoryStoreOptions {
  /** Kinds to declare before the objects are read. Others may be declared later. */
  resources?: readonly AnyResource[];
  /** `deep` (default): changing a stored object throws a TypeError. `none` saves 50 us per write of 3 KB. */
  freezing?: "deep" | "none";
  watchLimits?: RingLimits;
  /** Bytes of the entries whose objects are kept parsed. */
  parsedBytesMax?: number;
  /** Asked before each write of what is kept on disk. */
  gate?: WriteGate;
  /** Called once when another process has taken over the journal: this one should end. */
  onStopped?(error: Error): void;
}

/** The objects in memory, durable through a {@linkcode Journal}. */
export class MemoryStore implements Store {
  revision: Revision;
  readonly #options: MemoryStoreOptions;
  readonly #parsed: ParsedObjects;
  readonly #tables = new Map<string, Table>();
  readonly #volatile = new Set<string>();
  readonly #subscribers = new Subscribers();
  #ring: EventRing;
  /** Absent while another server owns the engine. */
  #writing: { journal: Journal; commits: GroupCommit } | undefined;
  /** Changes that were admitted and are not yet visible; of each key the newest. */
  readonly #pending = new Map<string, StoreEvent>();
  #admitted: Revision;

  /** Reads what the journal holds. The store owns the journal from now on. */
  static async open(journal: Journal, options: MemoryStoreOptions = {}): Promise<MemoryStore> {
    const store = new MemoryStore(options);
    store.replace(await journal.load());
    store.lead(journal);
    return store;
  }

  /** A store that shows what another server writes. It refuses writes until {@linkcode lead} is called. */
  static following(options: MemoryStoreOptions = {}): MemoryStore {
    return new MemoryStore(options);
  }

  private constructor(options: MemoryStoreOptions) {
    this.#options = options;
    const { freezing = "deep", parsedBytesMax: bytesMax = PARSED_BYTES_MAX } = options;
    this.#parsed = new ParsedObjects({ bytesMax, freezing });
    this.revision = 0;
    this.#admitted = 0;
    this.#ring = this.#newRing();
    for (const resource of options.resources ?? []) this.declare(resource);
  }

  declare(resource: AnyResource): void {
    const name = groupResourceOf(resource);
    if (resource.volatile) this.#volatile.add(name);
    else this.#volatile.delete(name);
    this.#table(name).declare(resource);
  }

  get([resource, namespace, name]: Key): Entry | undefined {
    return this.#tables.get(resource)?.get(namespace, name);
  }

  newest(key: Key): Entry | undefined {
    const pending = this.#pending.get(key.join("/"));
    if (!pending) return this.get(key);
    return pending.type === "DELETED" ? undefined : pending.entry;
  }

  settled(): Promise<void> {
    return this.#writing?.commits.settled() ?? Promise.resolve();
  }

  confirmed(): Promise<void> {
    return this.#writing?.commits.confirmed() ?? Promise.resolve();
  }

  list([resource, namespace]: Prefix): readonly Entry[] {
    const table = this.#tables.get(resource); // not made by asking: users name kinds that there are not
    if (!table) return NONE;
    return namespace === undefined ? table.all() : table.inNamespace(namespace);
  }

  by(resource: string, index: string, value: string): readonly Entry[] {
    return this.#table(resource).by(index, value);
  }

  async commit(changes: readonly Change[]): Promise<readonly (Entry | undefined)[]> {
    if (changes.length === 0) return [];
    if (this.#refusalOf(changes)) await this.#options.gate?.lookAgain();
    const refusal = this.#refusalOf(changes);
    if (refusal) throw refusal;
    const commits = this.#writing?.commits;
    if (!commits) throw new UnavailableError("Cannot write: this server does not own the store");
    const collision = this.#collisionOf(changes);
    if (collision) {
      await this.settled(); // so that the caller can read what it collided with
      throw collision;
    }
    const events = changes.map((change, i) => this.#eventOf(change, this.#admitted + i + 1));
    commits.assertFits(events);
    this.#admitted += events.length;
    for (const event of events) this.#pending.set(event.entry.key.join("/"), event);
    await commits.add(events);
    return events.map(({ type, entry }) => type === "DELETED" ? undefined : entry);
  }

  subscribe(prefix: Prefix | readonly [], listener: (event: StoreEvent) => void): () => void {
    return this.#subscribers.add(prefix, this.revision, listener);
  }

  eventsAfter(prefix: Prefix, revision: Revision): readonly StoreEvent[] {
    return this.#ring.after(prefix, revision, this.revision);
  }

  /** Writes a copy of all that is durable to a new file. */
  backup(path: string): Promise<void> {
    if (this.#writing) return this.#writing.journal.backup(path);
    return Promise.reject(
      new UnavailableError("Cannot back up: this server does not own the store"),
    );
  }

  /** Waits for what was admitted, then gives the journal up. Writes are refused from now on. */
  async close(): Promise<void> {
    if (!this.#writing) return;
    const { journal, commits } = this.#writing;
    commits.stop(new UnavailableError("Cannot write: the store is closed"));
    await this.settled();
    await journal.close();
  }

  /** Replaces what is shown by what the journal holds. Earlier watchers must list again. */
  replace({ revision, rows }: Loaded): void {
    if (this.revision === 0) this.#load(rows);
    else this.show({ revision, writes: this.#differences({ revision, rows }) });
    this.revision = revision;
    this.#ring = this.#newRing();
  }

  /** Shows a batch that the owner of the journal has made durable. One that is shown already changes nothing. */
  show({ revision, writes }: SeenBatch): void {
    if (revision <= this.revision) return;
    const events = writes.flatMap((write) => this.#eventsOf(write));
    this.#publish(events.toSorted((a, b) => a.revision - b.revision));
    this.revision = revision;
  }

  /** Accepts writes from now on. What is shown must be all that the journal holds. */
  lead(journal: Journal): void {
    const durable = this.revision;
    if (durable > 0) this.revision += VOLATILE_REVISIONS_MAX;
    this.#admitted = this.revision;
    this.#ring = this.#newRing();
    const commits = new GroupCommit({
      ...{ journal, durable },
      isVolatile: (resource) => this.#volatile.has(resource),
      publish: (events) => this.#publish(events),
      drop: (events) => this.#settle(events),
      onStopped: this.#options.onStopped ?? (() => {}),
    });
    this.#writing = { journal, commits };
  }

  #newRing(): EventRing {
    return new EventRing(this.#options.watchLimits ?? WATCH_LIMITS, this.revision);
  }

  /** The changes from what is shown to what was loaded. */
  #differences({ revision, rows }: Loaded): SeenWrite[] {
    const loaded = new Set(rows.map(({ key }) => key.join("/")));
    const gone = [...this.#tables.values()].flatMap((table) => table.all())
      .filter(({ key }) => !loaded.has(key.join("/")))
      .map(({ key }) => ({ key, value: undefined, revision }));
    return [...gone, ...rows.map(({ key, bytes }) => ({ key, value: bytes }))];
  }

  /** An object that was removed and created again in one batch is another one: watchers see both events. */
  #eventsOf(write: SeenWrite): StoreEvent[] {
    const { key } = write;
    const previous = this.get(key);
    if (write.value === undefined) return previous ? [this.#endOf(previous, write.revision)] : [];
    const entry = this.#entryFrom(key, write.value);
    const { revision } = entry;
    if (revision === previous?.revision) return [];
    if (!previous) return [{ type: "ADDED", entry, previous, revision }];
    if (previous.object.metadata.uid === entry.object.metadata.uid) {
      return [{ type: "MODIFIED", entry, previous, revision }];
    }
    const added: StoreEvent = { type: "ADDED", entry, previous: undefined, revision };
    return [this.#endOf(previous, revision - 1), added];
  }

  #endOf(previous: Entry, revision: Revision): StoreEvent {
    const entry = this.#entryOf(previous.key, previous.object, revision);
    return { type: "DELETED", entry, previous, revision };
  }

  /** Makes the entries and their indexes, and tells whoever waits for them already. It parses only the metadata, except for kinds with indexes of their own. */
  #load(rows: Loaded["rows"]): void {
    for (const { key, bytes } of rows.toSorted((a, b) => compareKeys(a.key, b.key))) {
      const metadata = jsonMember(bytes, "metadata") as ObjectMeta | undefined;
      if (!metadata) throw new SyntaxError(`${key.join("/")} has no metadata`);
      const revision = Number(metadata.resourceVersion);
      const entry = new StoredEntry({ key, revision, bytes }, this.#parsed);
      this.#table(key[0]).put(entry, metadata);
      this.#subscribers.dispatch({ type: "ADDED", entry, previous: undefined, revision });
    }
  }

  #table(resource: string): Table {
    let table = this.#tables.get(resource);
    if (!table) this.#tables.set(resource, table = new Table());
    return table;
  }

  #refusalOf(changes: readonly Change[]): Error | undefined {
    const { gate } = this.#options;
    return gate?.refusalOf(changes.filter(({ key: [resource] }) => !this.#volatile.has(resource)));
  }

  #collisionOf(changes: readonly Change[]): ConflictError | undefined {
    assert(
      new Set(changes.map(({ key }) => key.join("/"))).size === changes.length,
      "a commit changes a key once",
    );
    for (const { key, expected } of changes) {
      const actual = this.newest(key)?.revision ?? 0;
      if (actual !== expected) return new ConflictError(key, expected, actual);
    }
    return undefined;
  }

  #eventOf({ key, value }: Change, revision: Revision): StoreEvent {
    const previous = this.newest(key);
    const object = value ?? previous?.object;
    assert(object !== undefined, `${key.join("/")} cannot be removed: it does not exist`);
    const entry = this.#entryOf(key, object, revision);
    const type = value === undefined ? "DELETED" : previous ? "MODIFIED" : "ADDED";
    return { type, entry, previous, revision };
  }

  #entryOf(key: Key, unstamped: KubeObject, revision: Revision): Entry {
    const { apiVersion, kind, metadata: { resourceVersion: _, ...metadata }, ...rest } = unstamped;
    const stamped = { ...metadata, resourceVersion: String(revision) };
    const object = { apiVersion, kind, metadata: stamped, ...rest }; // a start reads up to the metadata
    const bytes = new TextEncoder().encode(JSON.stringify(object));
    if (bytes.length > OBJECT_BYTES_MAX) {
      throw new TooLargeError(
        `Cannot write ${
          key.join("/")
        }: it takes ${bytes.length} bytes, the limit is ${OBJECT_BYTES_MAX}`,
      );
    }
    return new StoredEntry({ key, revision, bytes }, this.#parsed, this.#parsed.frozen(object));
  }

  #entryFrom(key: Key, bytes: Uint8Array): Entry {
    const object = this.#parsed.parse(bytes);
    const revision = Number(object.metadata.resourceVersion);
    return new StoredEntry({ key, revision, bytes }, this.#parsed, object);
  }

  #publish(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const table = this.#table(event.entry.key[0]);
      if (event.type === "DELETED") table.remove(event.previous!);
      else table.put(event.entry);
      this.#ring.add(event);
      this.revision = event.revision;
    }
    this.#settle(events);
    for (const event of events) this.#subscribers.dispatch(event);
    for (const { type, entry, previous } of events) {
      if (previous) this.#parsed.release(previous);
      if (type === "DELETED") this.#parsed.release(entry);
    }
  }

  #settle(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const key = event.entry.key.join("/");
      if (this.#pending.get(key) === event) this.#pending.delete(key);
    }
  }
}
