import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { FencedError } from "../journal.ts";
import {
  FORMAT,
  FORMAT_KEY,
  LEASE_KEY,
  newerFormatMessage,
  OWNER_KEY,
  SEQUENCE_KEY,
} from "./kv_layout.ts";
import type { OwnedKv } from "./owned_kv.ts";
import { Ownership } from "../ownership.ts";
import type { Owner } from "../shared_engine.ts";

/** Deno's client repeats a request for ever: this is how long we wait. */
const ANSWER_MS = 3_000;
const KEEPS_PER_LEASE = 3;
const RESIGN_MS = 1_000;
const SETTLE_TRIES_MAX = 3;

/** Shows that the owner is alive: rewritten all the time, and removed when the owner resigns. */
export interface LeaseRow {
  /** How long others wait for the next one. */
  leaseMs: number;
  count: number;
}

export interface RemoteKvOptions {
  kv: Deno.Kv;
  /** For messages. */
  url: string;
  clock: Clock;
  leaseMs: number;
  self: Owner;
}

/**
 * A database behind KV Connect that this server owns.
 *
 * Its client repeats requests without an answer, so a write may be done twice, or long after nobody waits for it. Each
 * write therefore also checks and sets a sequence number: late and repeated writes do nothing. A lease, renewed by the
 * owner and timed by the others with their own clocks, decides when another may take over.
 */
export class RemoteKv implements OwnedKv {
  readonly kv: Deno.Kv;
  readonly format: number;
  readonly term: string;
  readonly #options: RemoteKvOptions;
  readonly #ownership: Ownership;
  #sequence: { versionstamp: string | null; number: number };
  /** A write was not answered: it may be done, or still on its way. */
  #isDoubtful = false;

  /** `undefined` when somebody else owns it, or has renewed the lease since `lease` was seen. */
  static async claim(
    options: RemoteKvOptions,
    lease: string | null,
  ): Promise<RemoteKv | undefined> {
    const { kv, clock, leaseMs, self } = options;
    const sentMs = clock.elapsed();
    const keys = [FORMAT_KEY, OWNER_KEY, SEQUENCE_KEY] as const;
    const [format, owner, sequence] = await answerOf(
      clock,
      kv.getMany<[number, Owner, number]>(keys),
    );
    const found = format.value ?? FORMAT;
    if (found > FORMAT) throw new Error(newerFormatMessage(found));
    const number = (sequence.value ?? 0) + 1;
    const row: LeaseRow = { leaseMs, count: 0 };
    await answerOf(
      clock,
      kv.atomic().check(format, owner, sequence, { key: LEASE_KEY, versionstamp: lease })
        .set(FORMAT_KEY, found).set(OWNER_KEY, self).set(SEQUENCE_KEY, number).set(LEASE_KEY, row)
        .commit(),
    );
    // A failure may be that of a repetition of a write that was done: what is stored is the truth.
    const [now, last] = await answerOf(
      clock,
      kv.getMany<[Owner, number]>([OWNER_KEY, SEQUENCE_KEY]),
    );
    if (now.value?.id !== self.id || now.versionstamp === null) return undefined;
    const { versionstamp } = last;
    const taken = { format: found, term: now.versionstamp, sentMs };
    return new RemoteKv(options, { ...taken, sequence: { versionstamp, number: last.value ?? 0 } });
  }

  private constructor(
    options: RemoteKvOptions,
    { format, term, sequence, sentMs }: {
      format: number;
      term: string;
      sequence: { versionstamp: string | null; number: number };
      sentMs: number;
    },
  ) {
    this.kv = options.kv;
    this.#options = options;
    this.format = format;
    this.term = term;
    this.#sequence = sequence;
    this.#ownership = new Ownership(options, sentMs);
    void this.#keep();
  }

  /** Resolves when another server has taken over. */
  get ended(): Promise<Error> {
    return this.#ownership.ended;
  }

  isSure(): boolean {
    return this.#ownership.isSure();
  }

  async write(add: (atomic: Deno.AtomicOperation) => void): Promise<void> {
    if (this.#isDoubtful) await this.#settle();
    const { versionstamp, number } = this.#sequence;
    const atomic = this.kv.atomic().check(this.#owned, { key: SEQUENCE_KEY, versionstamp });
    atomic.set(SEQUENCE_KEY, number + 1);
    add(atomic);
    this.#isDoubtful = true;
    const result = await this.#answered(atomic.commit());
    if (result.ok) this.#sequence = { versionstamp: result.versionstamp, number: number + 1 };
    else await this.#acceptRepetition(number + 1);
    this.#isDoubtful = false;
  }

  async assertOwned(): Promise<void> {
    if (this.#isDoubtful) await this.#settle();
    else await this.#read();
  }

  /** Gives up the database, for others to take over at once. */
  async resign(): Promise<void> {
    if (this.#ownership.signal.aborted) return;
    this.#ownership.end("the database was given up");
    const given = this.kv.atomic().check(this.#owned).delete(LEASE_KEY).commit();
    await answerOf(this.#options.clock, given, RESIGN_MS).catch(() => {}); // the lease runs out by itself
  }

  get #owned(): Deno.AtomicCheck {
    return { key: OWNER_KEY, versionstamp: this.term };
  }

  /** A write was refused: an earlier copy of it was done, or another server is the owner. */
  async #acceptRepetition(number: number): Promise<void> {
    const sequence = await this.#read();
    if (sequence.number !== number) throw new Error("the database is not as this server left it");
    this.#sequence = sequence;
  }

  /** Advances the sequence, so that writes still on their way come too late. */
  async #settle(): Promise<void> {
    for (let tries = 0; tries < SETTLE_TRIES_MAX; tries++) {
      const { versionstamp, number } = await this.#read();
      const atomic = this.kv.atomic().check(this.#owned, { key: SEQUENCE_KEY, versionstamp });
      const result = await this.#answered(atomic.set(SEQUENCE_KEY, number + 1).commit());
      if (!result.ok) continue;
      this.#sequence = { versionstamp: result.versionstamp, number: number + 1 };
      this.#isDoubtful = false;
      return;
    }
    throw new Error("the database keeps changing");
  }

  /** The sequence as it is. Throws {@linkcode FencedError} when another server is the owner. */
  async #read(): Promise<{ versionstamp: string | null; number: number }> {
    const keys = [OWNER_KEY, SEQUENCE_KEY] as const;
    const [owner, { versionstamp, value }] = await this.#answered(
      this.kv.getMany<[Owner, number]>(keys),
    );
    if (owner.versionstamp === this.term) return { versionstamp, number: value ?? 0 };
    this.#ownership.end("the database was taken over");
    const error = new FencedError(
      `Cannot write: the server at "${owner.value?.address}" has taken over the store at ` +
        `"${this.#options.url}"; this one no longer owns it`,
    );
    this.#ownership.tell(error);
    throw error;
  }

  async #keep(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    const { signal } = this.#ownership;
    for (let count = 1; !signal.aborted; count++) {
      try {
        await clock.sleep(leaseMs / KEEPS_PER_LEASE, signal);
        const sentMs = clock.elapsed();
        const row: LeaseRow = { leaseMs, count };
        const kept = this.kv.atomic().check(this.#owned).set(LEASE_KEY, row).commit();
        if ((await answerOf(clock, kept, leaseMs / KEEPS_PER_LEASE)).ok) {
          this.#ownership.renewed(sentMs);
        } else await this.#read();
      } catch {
        // it cannot be reached: `isSure` says so in time; or another is the owner: `ended` has been told
      }
    }
  }

  #answered<T>(asked: Promise<T>): Promise<T> {
    return answerOf(this.#options.clock, asked);
  }
}

/** Rejects when the answer takes too long; the client goes on asking all the same. */
export function answerOf<T>(clock: Clock, asked: Promise<T>, ms = ANSWER_MS): Promise<T> {
  const late = () => new Error(`KV Connect has not answered in ${Math.round(ms)} ms`);
  return within(asked, { clock, ms, late });
}
