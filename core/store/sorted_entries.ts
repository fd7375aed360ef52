import type { Entry, Key } from "./store.ts";

/** What has a place in the order. */
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

  /** Adds the entry, or puts it in the place of the one with its namespace and name. */
  put(entry: E): void {
    const at = this.#placeOf(entry);
    this.#own();
    this.#entries.splice(at, this.#isAt(at, entry) ? 1 : 0, entry);
  }

  /** Doing so twice is doing it once. */
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
    return there !== undefined && compare(there, entry) === 0;
  }

  /** Index of the first entry that does not come before `entry`. */
  #placeOf(entry: E): number {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare(this.#entries[middle]!, entry) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function compare({ key: a }: Keyed, { key: b }: Keyed): number {
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  if (a[2] !== b[2]) return a[2] < b[2] ? -1 : 1;
  return 0;
}
