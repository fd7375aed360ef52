import type { Random } from "../../core/lib/random.ts";
import { type Prefix, type Revision, type Store, type StoreEvent } from "../../core/store/store.ts";
import { NAMESPACE } from "./users.ts";

/** What is watched: a kind, and a kind in one namespace. */
const PREFIXES: readonly Prefix[] = [["pods"], ["pods", NAMESPACE], ["replicasets.apps"]];
/** Chance, at each step, that a watcher comes or goes. */
const TURN = 0.02;

/**
 * Watchers that come and go: each sees every change once and in order, whether it was there when the change came or
 * asked for it later. Compared with a plain list of what a listener to everything was told.
 */
export class WatcherCheck {
  readonly #random: Random;
  readonly #fault: (text: string) => void;
  #all: StoreEvent[] = [];
  #watchers: ResumingWatcher[] = [];

  constructor(random: Random, fault: (text: string) => void) {
    this.#random = random;
    this.#fault = fault;
  }

  /** Begins anew with a store that has just been opened. */
  attach(store: Store): void {
    this.finish();
    this.#all = [];
    const all = this.#all;
    store.subscribe([], (event) => all.push(event));
    this.#watchers = PREFIXES.map((prefix) => new ResumingWatcher(store, prefix));
  }

  step(): void {
    if (!this.#random.chance(TURN)) return;
    this.#random.pick(this.#watchers)?.turn();
  }

  /** Compares what was seen with what happened. */
  finish(): void {
    for (const watcher of this.#watchers) {
      watcher.catchUp();
      const [resource, namespace] = watcher.prefix;
      const wanted = this.#all.filter(({ entry: { key } }) =>
        key[0] === resource && (namespace === undefined || key[1] === namespace)
      );
      const same = wanted.length === watcher.seen.length &&
        wanted.every((event, index) => event === watcher.seen[index]);
      if (!same) this.#fault(`a watcher of ${watcher.prefix.join("/")} has not seen what happened`);
    }
    this.#watchers = [];
  }
}

class ResumingWatcher {
  readonly prefix: Prefix;
  readonly seen: StoreEvent[] = [];
  readonly #store: Store;
  #revision: Revision;
  #leave: (() => void) | undefined;

  constructor(store: Store, prefix: Prefix) {
    this.#store = store;
    this.prefix = prefix;
    this.#revision = store.revision;
  }

  /** Comes when it was away, goes when it was there. */
  turn(): void {
    if (this.#leave !== undefined) {
      this.#leave();
      this.#leave = undefined;
      return;
    }
    this.catchUp();
    this.#leave = this.#store.subscribe(this.prefix, (event) => this.#see(event));
  }

  catchUp(): void {
    if (this.#leave !== undefined) return;
    for (const event of this.#store.eventsAfter(this.prefix, this.#revision)) this.#see(event);
  }

  #see(event: StoreEvent): void {
    this.seen.push(event);
    this.#revision = event.revision;
  }
}
