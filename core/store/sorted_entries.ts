import type { Entry, Key } from "./store.ts";

/** What can be ordered. */
interface Keyed {
  readonly key: Key;
}

/**
 * Entries in the order of namespace and name.
 *
 * A snapshot is handed out as it is, without copying, and never changes afterwards: the next change
 * copies first (an array of 10,000 pointers, a few microseconds), and only if a snapshot was taken.
 */
export class SortedEntries<E extends Keyed = Entry> {
  #entries: E[] = [];
  #isShared = false;

  get size(): number {
    return this.#entries.length;
  }

  snapshot(): readonly E[] {
    this.#isShared = true;
    return this.#entries;
  }

  /** Adds the entry, or replaces the one with its namespace and name. */
  put(entry: E): void {
    const at = this.#placeOf(entry);
    this.#own();
    if (this.#isAt(at, entry)) this.#entries[at] = entry;
    else if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
  }

  /** Idempotent. */
  remove(entry: E): void {
    const at = this.#placeOf(entry);
    if (!this.#isAt(at, entry)) return;
    this.#own();
    this.#entries.splice(at, 1);
  }

  #own(): void {
    if (!this.#isShared) return;
    this.#entries = this.#entries.slice();
    this.#isShared = false;
  }

  #isAt(at: number, entry: E): boolean {
    const there = this.#entries[at];
    return there !== undefined && compareKeys(there.key, entry.key) === 0;
  }

  /** Index of the first entry that does not come before `entry`. Fast for an entry that comes last. */
  #placeOf(entry: E): number {
    const last = this.#entries.at(-1);
    if (last === undefined || compareKeys(last.key, entry.key) < 0) return this.#entries.length;
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compareKeys(this.#entries[middle]!.key, entry.key) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** The order of namespace and name. */
export function compareKeys(a: Key, b: Key): number {
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  if (a[2] !== b[2]) return a[2] < b[2] ? -1 : 1;
  return 0;
}
