import type { ObjectName, View, ViewEvent } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import {
  type AnyResource,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../../core/resources/resource.ts";
import {
  type Entry,
  ExpiredError,
  type Revision,
  type Store,
  type StoreEvent,
} from "../../core/store/store.ts";
import type { LinkQuality } from "./link.ts";

export interface LaggingViewOptions {
  clock: Clock;
  random: Random;
  quality: LinkQuality;
  resources: readonly AnyResource[];
}

type Listener = (event: ViewEvent<never>) => void;

/**
 * The API's objects as a client on another machine sees them: a copy that is fed by a watch, in order, and late.
 * When the connection was lost it resumes where it stopped, or, when that is no longer possible, lists again and
 * works out what it has missed.
 */
export class LaggingView implements View {
  readonly #options: LaggingViewOptions;
  readonly #kinds: ReadonlySet<string>;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #queue: { event: StoreEvent; dueMs: number }[] = [];
  #revision: Revision | undefined;
  #disconnect: (() => void) | undefined;
  #isClosed = false;

  constructor(options: LaggingViewOptions) {
    this.#options = options;
    this.#kinds = new Set(options.resources.map(groupResourceOf));
  }

  get isConnected(): boolean {
    return this.#disconnect !== undefined;
  }

  /** Goes on with what the store tells. In one turn, so that nothing is missed between list and watch. */
  connect(store: Store): void {
    if (this.#isClosed || this.isConnected) return;
    this.#catchUp(store);
    this.#revision = store.revision;
    const stop = store.subscribe([], (event) => this.#enqueue(event));
    this.#disconnect = () => {
      stop();
      this.#queue = []; // what was under way is lost
    };
  }

  disconnect(): void {
    this.#disconnect?.();
    this.#disconnect = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.disconnect();
    this.#listeners.clear();
  }

  get<T extends KubeObject>(resource: Resource<T>, { namespace, name }: ObjectName): T | undefined {
    const path = `${groupResourceOf(resource)}/${resource.namespaced ? namespace : ""}/${name}`;
    return this.#entries.get(path)?.object as T | undefined;
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const kind = groupResourceOf(resource);
    return [...this.#entries.values()]
      .filter(({ key }) => key[0] === kind && (namespace === undefined || key[1] === namespace))
      .sort((a, b) => pathOf(a) < pathOf(b) ? -1 : 1)
      .map(({ object }) => object as T);
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    const valuesOf = resource.indexes[index]!;
    return this.list(resource).filter((object) => valuesOf(object).includes(value));
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    const kind = groupResourceOf(resource);
    const group = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, group);
    group.add(listener as Listener);
    return () => group.delete(listener as Listener);
  }

  #catchUp(store: Store): void {
    try {
      if (this.#revision === undefined) throw new ExpiredError();
      const since = this.#revision;
      const missed = [...this.#kinds].flatMap((kind) => store.eventsAfter([kind], since));
      for (const event of missed.sort((a, b) => a.revision - b.revision)) this.#apply(event);
    } catch (error) {
      if (!(error instanceof ExpiredError)) throw error;
      this.#relist(store);
    }
  }

  #relist(store: Store): void {
    const listed = [...this.#kinds].flatMap((kind) => store.list([kind]));
    const there = new Set(listed.map(pathOf));
    for (const [path, entry] of [...this.#entries]) {
      if (there.has(path)) continue;
      this.#entries.delete(path);
      this.#tell("DELETED", entry);
    }
    for (const entry of listed) this.#put(entry);
  }

  #put(entry: Entry): void {
    const before = this.#entries.get(pathOf(entry));
    if (before?.object.metadata.resourceVersion === entry.object.metadata.resourceVersion) return;
    if (before !== undefined && before.object.metadata.uid !== entry.object.metadata.uid) {
      this.#entries.delete(pathOf(entry));
      this.#tell("DELETED", before);
    }
    const isKnown = this.#entries.has(pathOf(entry));
    this.#entries.set(pathOf(entry), entry);
    this.#tell(isKnown ? "MODIFIED" : "ADDED", entry);
  }

  #enqueue(event: StoreEvent): void {
    if (!this.#kinds.has(event.entry.key[0])) return;
    const { clock, random, quality } = this.#options;
    const lastMs = this.#queue.at(-1)?.dueMs ?? 0;
    const dueMs = Math.max(lastMs, clock.now() + random.integer(quality.delayMaxMs + 1));
    const queue = this.#queue;
    queue.push({ event, dueMs });
    clock.after(dueMs - clock.now(), () => {
      if (queue === this.#queue) this.#deliver();
    });
  }

  /** The oldest that is still to come: as many timers as events, so each has its turn. */
  #deliver(): void {
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#revision = next.event.revision;
    this.#apply(next.event);
  }

  #apply({ type, entry }: StoreEvent): void {
    if (type !== "DELETED") return this.#put(entry);
    this.#entries.delete(pathOf(entry));
    this.#tell("DELETED", entry);
  }

  #tell(type: ViewEvent["type"], { key, object }: Entry): void {
    for (const listener of [...this.#listeners.get(key[0]) ?? []]) {
      listener({ type, object: object as never });
    }
  }
}

function pathOf({ key }: Entry): string {
  return key.join("/");
}
