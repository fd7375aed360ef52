import type { Prefix, Revision, StoreEvent } from "./store.ts";

type Listener = (event: StoreEvent) => void;
/** `after`: events up to this revision were visible when the listener came. */
interface Subscriber {
  readonly after: Revision;
  readonly listener: Listener;
}

/** The subscribers by prefix: an event is dispatched only to those of its own prefix. */
export class Subscribers {
  readonly #byPrefix = new Map<string, Set<Subscriber>>();

  add(prefix: Prefix | readonly [], after: Revision, listener: Listener): () => void {
    const path = prefix.filter((part) => part !== undefined).join("/");
    const subscriber = { after, listener };
    let group = this.#byPrefix.get(path);
    if (!group) this.#byPrefix.set(path, group = new Set());
    group.add(subscriber);
    return () => {
      group.delete(subscriber);
      if (group.size === 0 && this.#byPrefix.get(path) === group) this.#byPrefix.delete(path);
    };
  }

  dispatch(event: StoreEvent): void {
    const [resource, namespace] = event.entry.key;
    this.#tell("", event);
    this.#tell(resource, event);
    this.#tell(`${resource}/${namespace}`, event);
  }

  #tell(path: string, event: StoreEvent): void {
    for (const { after, listener } of this.#byPrefix.get(path) ?? []) {
      if (event.revision <= after) continue;
      try {
        listener(event);
      } catch (error) {
        // A listener that throws is a fault of ours: the process must stop, but the others get the event first.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
