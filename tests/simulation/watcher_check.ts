import type { Random } from "../../core/lib/random.ts";
import {
  ExpiredError,
  type Prefix,
  type Revision,
  type Store,
  type StoreEvent,
} from "../../core/store/store.ts";
import { NAMESPACE } from "./users.ts";

/** What the watchers watch: kinds, and a kind in one namespace. */
const PREFIXES: readonly Prefix[] = [["pods"], ["pods", NAMESPACE], ["replicasets.apps"]];
/** Chance, at each step, that a watcher connects or disconnects. */
const TOGGLE_CHANCE = 0.02;

export interface WatcherCheckOptions {
  random: Random;
  /** Changes that a store keeps for watches to resume. */
  eventsMax: number;
  onFault(text: string): void;
}

/**
 * Watchers that connect and disconnect: each receives every change once and in order, whether it was connected at the
 * time or resumed later; or it is refused because it was away for too long, if it was. They are compared with a plain
 * list of all changes.
 */
export class WatcherCheck {
  readonly #options: WatcherCheckOptions;
  #all: StoreEvent[] = [];
  #watchers: ResumingWatcher[] = [];

  constructor(options: WatcherCheckOptions) {
    this.#options = options;
  }

  /** Starts over with a store that has just been opened. */
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
      onFault(`a watcher of ${resource} at ${revision} is wrongly refused as too old`);
    }
  }

  step(): void {
    const { random } = this.#options;
    if (random.chance(TOGGLE_CHANCE)) random.pick(this.#watchers)?.toggle();
  }

  /** Compares what the watchers received with what happened. */
  finish(): void {
    for (const watcher of this.#watchers) {
      watcher.catchUp();
      const wanted = this.changesOf(watcher.prefix);
      const same = wanted.length === watcher.seen.length &&
        wanted.every((event, index) => event === watcher.seen[index]);
      if (same) continue;
      this.#options.onFault(
        `a watcher of ${watcher.prefix.join("/")} has not received what happened`,
      );
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
  #unsubscribe: (() => void) | undefined;

  constructor(store: Store, prefix: Prefix, check: WatcherCheck) {
    this.#store = store;
    this.#check = check;
    this.prefix = prefix;
    this.#revision = store.revision;
  }

  /** Connects if it is disconnected, and the reverse. */
  toggle(): void {
    if (this.#unsubscribe !== undefined) {
      this.#unsubscribe();
      this.#unsubscribe = undefined;
      return;
    }
    this.catchUp();
    this.#unsubscribe = this.#store.subscribe(this.prefix, (event) => this.#see(event));
  }

  catchUp(): void {
    if (this.#unsubscribe !== undefined) return;
    for (const event of this.#missed()) this.#see(event);
  }

  /** A watcher that was away for too long starts over, as if it had listed. */
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
