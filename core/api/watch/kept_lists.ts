import type { Clock } from "../../lib/clock.ts";
import { concat } from "../../lib/bytes.ts";
import type { Entry } from "../../store/store.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";

/** Bytes of lists that are kept. */
export const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** How long a list is kept after it was last asked for. */
export const KEPT_MS = 10_000;
/** Lists that were asked for once: whoever asks again makes one of them kept. */
const SEEN_MAX = 16;

interface Items {
  kind: ServedKind;
  entries: readonly Entry[];
}

interface Kept extends Items {
  bytes: Uint8Array<ArrayBuffer>;
  usedMs: number;
}

/**
 * The items of large lists, joined, for those who ask for the same again while nothing has changed: agents and informers
 * after a restart, dashboards. A list is kept when it is asked for twice, so that others cost nothing. Lists of kinds that
 * are encrypted at rest are never kept.
 */
export class KeptLists {
  readonly #clock: Clock;
  /** The longest unused comes first. */
  #kept: Kept[] = [];
  /** Weak, so that nothing is kept for those who never ask again. */
  #seen: { kind: ServedKind; entries: WeakRef<readonly Entry[]> }[] = [];
  #bytes = 0;
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The items as they were kept; `undefined`: they are not. They must not be changed. */
  find(kind: ServedKind, entries: readonly Entry[]): Uint8Array | undefined {
    const index = this.#kept.findIndex((kept) => isSame(kept, { kind, entries }));
    if (index < 0) return undefined;
    const [kept] = this.#kept.splice(index, 1);
    this.#kept.push({ ...kept!, usedMs: this.#clock.elapsed() });
    return kept!.bytes;
  }

  /** Keeps what was not found, if it was asked for before. `parts`: the items in JSON, and what is between them. */
  keep(
    kind: ServedKind,
    entries: readonly Entry[],
    parts: readonly Uint8Array[],
  ): Uint8Array | undefined {
    if (kind.resource.encrypted) return undefined;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > KEPT_BYTES_MAX || !this.#wasSeen({ kind, entries })) return undefined;
    while (this.#bytes + length > KEPT_BYTES_MAX) this.#drop();
    const bytes = concat(parts);
    this.#kept.push({ kind, entries, bytes, usedMs: this.#clock.elapsed() });
    this.#bytes += length;
    this.#arm();
    return bytes;
  }

  #wasSeen({ kind, entries }: Items): boolean {
    const index = this.#seen.findIndex((seen) => {
      const before = seen.kind === kind ? seen.entries.deref() : undefined;
      return before !== undefined && isSame({ kind, entries: before }, { kind, entries });
    });
    if (index >= 0) this.#seen.splice(index, 1);
    else this.#seen = [...this.#seen.slice(1 - SEEN_MAX), { kind, entries: new WeakRef(entries) }];
    return index >= 0;
  }

  #drop(): void {
    this.#bytes -= this.#kept.shift()!.bytes.length;
  }

  #arm(): void {
    if (this.#isArmed || this.#kept.length === 0) return;
    this.#isArmed = true;
    const nowMs = this.#clock.elapsed();
    this.#clock.after(Math.max(0, this.#kept[0]!.usedMs + KEPT_MS - nowMs), () => {
      this.#isArmed = false;
      const lateMs = this.#clock.elapsed() - KEPT_MS;
      while (this.#kept.length > 0 && this.#kept[0]!.usedMs <= lateMs) this.#drop();
      this.#arm();
    });
  }
}

/** Entries never change: a change makes a new one. */
function isSame(one: Items, other: Items): boolean {
  if (one.kind !== other.kind || one.entries.length !== other.entries.length) return false;
  if (one.entries === other.entries) return true;
  return one.entries.every((entry, index) => entry === other.entries[index]);
}
