import type { ObjectName, View, ViewEvent } from "../../core/client/client.ts";
import { MirroredKind } from "../../core/client/mirrored_kind.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import {
  type AnyResource,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../../core/resources/resource.ts";
import {
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

/**
 * The API's objects as a client on another machine sees them: a copy that is fed by a watch, in order, and late.
 * When the connection was lost it resumes where it stopped, or, when that is no longer possible, lists again and
 * works out what it has missed.
 */
export class LaggingView implements View {
  readonly #options: LaggingViewOptions;
  readonly #kinds: ReadonlyMap<string, MirroredKind>;
  #queue: { event: StoreEvent; dueMs: number }[] = [];
  #revision: Revision | undefined;
  #disconnect: (() => void) | undefined;
  #isClosed = false;

  constructor(options: LaggingViewOptions) {
    this.#options = options;
    this.#kinds = new Map(
      options.resources.map((resource) => [groupResourceOf(resource), new MirroredKind(resource)]),
    );
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
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    return this.#kindOf(resource).get(name);
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    return this.#kindOf(resource).list(namespace);
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.#kindOf(resource).by(index, value);
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    return this.#kindOf(resource).subscribe((event) => {
      if (!this.#isClosed) listener(event);
    });
  }

  #kindOf<T extends KubeObject>(resource: Resource<T>): MirroredKind<T> {
    return this.#kinds.get(groupResourceOf(resource))! as unknown as MirroredKind<T>; // made for it
  }

  #catchUp(store: Store): void {
    try {
      if (this.#revision === undefined) throw new ExpiredError();
      const since = this.#revision;
      const missed = [...this.#kinds.keys()].flatMap((kind) => store.eventsAfter([kind], since));
      for (const event of missed.sort((a, b) => a.revision - b.revision)) this.#apply(event);
    } catch (error) {
      if (!(error instanceof ExpiredError)) throw error;
      this.#relist(store);
    }
  }

  #relist(store: Store): void {
    for (const [name, kind] of this.#kinds) {
      kind.replace(store.list([name]).map(({ object }) => object));
    }
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

  #apply({ type, entry: { key, object } }: StoreEvent): void {
    const kind = this.#kinds.get(key[0])!;
    if (type === "DELETED") kind.remove(object);
    else kind.put(object);
  }
}
