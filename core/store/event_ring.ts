import { ExpiredError, type Prefix, type Revision, type StoreEvent } from "./store.ts";

export interface RingLimits {
  /** Events kept, of all resources together. */
  eventsMax: number;
  /** Bytes of the objects in them. */
  bytesMax: number;
}

/** A bounded buffer of the newest events, so that a watcher can resume where it stopped. */
export class EventRing {
  readonly #limits: RingLimits;
  readonly #all = new Queue<StoreEvent>();
  readonly #byResource = new Map<string, Queue<StoreEvent>>();
  /** Events of the resource up to this revision are gone. */
  readonly #forgotten = new Map<string, Revision>();
  readonly #start: Revision;
  #bytes = 0;

  /** `start`: events up to this revision are not known. */
  constructor(limits: RingLimits, start: Revision) {
    this.#limits = limits;
    this.#start = start;
  }

  /** Takes the event in and forgets the oldest ones that no longer fit. */
  add(event: StoreEvent): void {
    const resource = event.entry.key[0];
    let queue = this.#byResource.get(resource);
    if (!queue) this.#byResource.set(resource, queue = new Queue());
    queue.push(event);
    this.#all.push(event);
    this.#bytes += event.entry.bytes.length;
    const { eventsMax, bytesMax } = this.#limits;
    while (this.#all.length > eventsMax || this.#bytes > bytesMax) this.#forgetOldest();
  }

  /** Events of `prefix` after `revision`, oldest first. Throws {@linkcode ExpiredError} when some are gone. */
  after([resource, namespace]: Prefix, revision: Revision, current: Revision): StoreEvent[] {
    const oldest = this.#forgotten.get(resource) ?? this.#start;
    if (revision < oldest || revision > current) {
      // The words of kube-apiserver's watch cache.
      throw new ExpiredError(`too old resource version: ${revision} (${oldest})`);
    }
    const events = this.#byResource.get(resource)?.since((event) => event.revision > revision) ??
      [];
    return namespace === undefined
      ? events
      : events.filter(({ entry }) => entry.key[1] === namespace);
  }

  #forgetOldest(): void {
    const event = this.#all.shift();
    if (!event) return;
    const resource = event.entry.key[0];
    this.#byResource.get(resource)!.shift();
    this.#forgotten.set(resource, event.revision);
    this.#bytes -= event.entry.bytes.length;
  }
}

/** First in, first out. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The items from the first one that `isLate`. Items must be in order. */
  since(isLate: (item: T) => boolean): T[] {
    let from = this.#head;
    let to = this.#items.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isLate(this.#items[middle]!)) to = middle;
      else from = middle + 1;
    }
    return this.#items.slice(from) as T[];
  }
}
