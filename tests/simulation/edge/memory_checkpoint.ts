import type { KeptValues } from "../../../agent/checkpoint/kept_objects.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { pathOf } from "../../../core/store/kv/segment.ts";
import type { Key } from "../../../core/store/store.ts";
import type { Lifetime } from "../lifetime.ts";

/** Changes of this time are written together. */
const SETTLE_MS = 1_000;

/** What is on the disk of a machine: it outlives its agents, and lags behind what they have seen. */
export interface KeptOnDisk {
  values: ReadonlyMap<string, unknown>;
  position: unknown;
}

/** A checkpoint without files and keys, in virtual time. */
export class MemoryCheckpoint implements KeptValues {
  readonly #found: KeptOnDisk | undefined;
  readonly #values: Map<string, unknown>;
  readonly #clock: Clock;
  readonly #lifetime: Lifetime;
  readonly #save: (kept: KeptOnDisk) => void;
  #position: () => unknown;
  #isDue = false;

  constructor(
    { found, clock, lifetime, save }: {
      found: KeptOnDisk | undefined;
      clock: Clock;
      lifetime: Lifetime;
      save: (kept: KeptOnDisk) => void;
    },
  ) {
    this.#found = found;
    this.#values = new Map(found?.values);
    this.#clock = clock;
    this.#lifetime = lifetime;
    this.#save = save;
    this.#position = () => found?.position;
  }

  get isKept(): boolean {
    return this.#found !== undefined;
  }

  get position(): unknown {
    return this.#position();
  }

  get(key: Key): unknown {
    return this.#values.get(pathOf(key));
  }

  values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  follow(position: () => unknown): void {
    this.#position = position;
  }

  put(key: Key, value: unknown): void {
    this.#values.set(pathOf(key), value);
    this.#saveSoon();
  }

  remove(key: Key): void {
    this.#values.delete(pathOf(key));
    this.#saveSoon();
  }

  #saveSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.after(SETTLE_MS, () => {
      this.#isDue = false;
      if (this.#lifetime.isOver) return;
      this.#save({ values: new Map(this.#values), position: this.#position() });
    });
  }
}
