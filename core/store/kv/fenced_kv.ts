import type { Clock } from "../../lib/clock.ts";
import { FencedError } from "../journal.ts";
import { FORMAT, FORMAT_KEY, newerFormatMessage, OWNER_KEY } from "./kv_layout.ts";
import type { OwnedKv } from "./owned_kv.ts";
import { onceUnlocked } from "./sqlite_lock.ts";

export interface FencedKvOptions {
  /** For messages: a path or a URL. */
  name: string;
  /** Who this process is, for people who inspect the database. */
  owner: Readonly<Record<string, unknown>>;
  clock: Clock;
  /** Takes the error of a failed write; resolves with whether to repeat it once. Absent: never. */
  relieve?(error: unknown): Promise<boolean>;
}

/**
 * A database on this machine that this process owns. The previous owner may still be in its last write, which is waited
 * for; a process that keeps the database locked makes writes fail with `SqliteLockError`.
 */
export class FencedKv implements OwnedKv {
  readonly kv: Deno.Kv;
  readonly format: number;
  readonly term: string;
  readonly #check: Deno.AtomicCheck;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #relieve: NonNullable<FencedKvOptions["relieve"]>;

  /** Makes this process the owner, and gives a new database the newest format. Throws for newer formats. */
  static async take(kv: Deno.Kv, options: FencedKvOptions): Promise<FencedKv> {
    return await onceUnlocked(options.clock, async () => {
      const [format, owner] = await kv.getMany<[number, unknown]>([FORMAT_KEY, OWNER_KEY]);
      const found = format.value ?? FORMAT;
      if (found > FORMAT) throw new Error(newerFormatMessage(found));
      const result = await kv.atomic().check(owner, format)
        .set(OWNER_KEY, options.owner).set(FORMAT_KEY, found).commit();
      if (!result.ok) throw new FencedError("another process took it");
      return new FencedKv(kv, options, { format: found, term: result.versionstamp });
    });
  }

  private constructor(
    kv: Deno.Kv,
    { name, clock, relieve = () => Promise.resolve(false) }: FencedKvOptions,
    taken: { format: number; term: string },
  ) {
    this.kv = kv;
    this.#name = name;
    this.#clock = clock;
    this.#relieve = relieve;
    this.format = taken.format;
    this.term = taken.term;
    this.#check = { key: OWNER_KEY, versionstamp: taken.term };
  }

  async write(add: (atomic: Deno.AtomicOperation) => void): Promise<void> {
    const atomic = this.kv.atomic().check(this.#check);
    add(atomic);
    const commit = () => onceUnlocked(this.#clock, () => atomic.commit()); // repeats the same rows under the same fence
    const { ok } = await commit().catch(async (error) => {
      if (!await this.#relieve(error)) throw error;
      return await commit();
    });
    if (!ok) throw this.#fenced();
  }

  async assertOwned(): Promise<void> {
    const owner = await this.kv.get(OWNER_KEY);
    if (owner.versionstamp !== this.term) throw this.#fenced();
  }

  #fenced(): FencedError {
    return new FencedError(
      `Cannot write: another process has taken over the store at "${this.#name}"; stop one of the two`,
    );
  }
}
