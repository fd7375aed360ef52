import type { Random } from "../../core/lib/random.ts";
import {
  ExpiredError,
  type Prefix,
  type Revision,
  type Store,
  type StoreEvent,
} from "../../core/store/store.ts";
import { NAMESPACE } from "./users.ts";

/** What is watched: a kind, and a kind in one namespace. */
const PREFIXES: readonly Prefix[] = [["pods"], ["pods", NAMESPACE], ["replicasets.apps"]];
/** Chance, at each step, that a watcher comes or goes. */
const TURN = 0.02;

export interface WatcherCheckOptions {
  random: Random;
  /** Changes that a store remembers. */
  eventsMax: number;
  onFault(text: string): void;
}

/**
 * Watchers that come and go: each sees every change once and in order, whether it was there when the change came or
 * asked for it later; or it is told that it was away for too long, when it was. Compared with a plain list of what a
 * listener to everything was told.
 */
export class WatcherCheck {
  readonly #options: WatcherCheckOptions;
  #all: StoreEvent[] = [];
  #watchers: ResumingWatcher[] = [];

  constructor(options: WatcherCheckOptions) {
    this.#options = options;
  }

  /** Begins anew with a store that has just been opened. */
  attach(store: Store): void {
    this.finish();
    this.#all = [];
    const all = this.#all;
    store.subscribe([], (event) => all.push(event));
    this.#watchers = PREFIXES.map((prefix) => new ResumingWatcher(store, prefix, this));
  }

  /** The changes of the prefix since the store was opened. */
  changesOf([resource, namespace]: Prefix): StoreEvent[] {
    return this.#all.filter(({ entry: { key } }) =>
      key[0] === resource && (namespace === undefined || key[1] === namespace)
    );
  }

  /** A watcher was refused because it was away for too long. */
  expired([resource]: Prefix, revision: Revision): void {
    const { eventsMax, onFault } = this.#options;
    const forgotten = this.#all.slice(0, Math.max(0, this.#all.length - eventsMax));
    const isRight = forgotten.some(({ entry: { key }, revision: of }) =>
      key[0] === resource && of > revision
    );
    if (!isRight) {
      onFault(`a watcher of ${resource} from ${revision} on is told that it is too old`);
    }
  }

  step(): void {
    const { random } = this.#options;
    if (random.chance(TURN)) random.pick(this.#watchers)?.turn();
  }

  /** Compares what was seen with what happened. */
  finish(): void {
    for (const watcher of this.#watchers) {
      watcher.catchUp();
      const wanted = this.changesOf(watcher.prefix);
      const same = wanted.length === watcher.seen.length &&
        wanted.every((event, index) => event === watcher.seen[index]);
      if (same) continue;
      this.#options.onFault(`a watcher of ${watcher.prefix.join("/")} has not seen what happened`);
    }
    this.#watchers = [];
  }
}

class ResumingWatcher {
  readonly prefix: Prefix;
  seen: StoreEvent[] = [];
  readonly #store: Store;
  readonly #check: WatcherCheck;
  #revision: Revision;
  #leave: (() => void) | undefined;

  constructor(store: Store, prefix: Prefix, check: WatcherCheck) {
    this.#store = store;
    this.#check = check;
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
    for (const event of this.#missed()) this.#see(event);
  }

  /** Who was away for too long begins anew, as by a list. */
  #missed(): readonly StoreEvent[] {
    try {
      return this.#store.eventsAfter(this.prefix, this.#revision);
    } catch (error) {
      if (!(error instanceof ExpiredError)) throw error;
      this.#check.expired(this.prefix, this.#revision);
      this.seen = this.#check.changesOf(this.prefix);
      this.#revision = this.#store.revision;
      return [];
    }
  }

  #see(event: StoreEvent): void {
    this.seen.push(event);
    this.#revision = event.revision;
  }
}
