import assert from "node:assert/strict";
import fc from "fast-check";
import { SystemClock } from "../../lib/clock.ts";
import { FencedKv } from "./fenced_kv.ts";
import { FencedError, type JournalWrite } from "../journal.ts";
import { KvJournal, type KvPlace } from "./kv_journal.ts";
import { SEGMENTS } from "./kv_layout.ts";
import { SLACK_BYTES } from "./segment_log.ts";

/** What becomes of a write: it lands, it is refused, or it lands and is reported as failed. */
type Fate = "lands" | "refused" | "reported as failed";

/** A database that fails when it is told to. */
class FailingKv implements KvPlace {
  readonly kv: Deno.Kv;
  fates: Fate[] = [];
  readonly #real: Deno.Kv;

  constructor(real: Deno.Kv) {
    this.#real = real;
    this.kv = new Proxy(real, { get: (target, name) => this.#member(target, name) });
  }

  async take(): Promise<KvJournal> {
    this.fates = [];
    const clock = new SystemClock();
    const kv = await FencedKv.take(this.kv, { name: "test", owner: {}, clock });
    return await KvJournal.over(kv, this);
  }

  backup(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async bytesOf(prefix: string[]): Promise<number> {
    let bytes = 0;
    for await (const { value } of this.#real.list<Uint8Array>({ prefix })) bytes += value.length;
    return bytes;
  }

  #member(target: Deno.Kv, name: string | symbol): unknown {
    if (name === "atomic") return () => this.#failing(target.atomic());
    const member: unknown = Reflect.get(target, name, target);
    return typeof member === "function" ? member.bind(target) : member;
  }

  #failing(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const commit = atomic.commit.bind(atomic);
    atomic.commit = async () => {
      const fate = this.fates.shift() ?? "lands";
      if (fate === "refused") throw new Error("database or disk is full");
      const result = await commit();
      if (fate === "reported as failed") throw new Error("disk I/O error");
      return result;
    };
    return atomic;
  }
}

const KEYS = 12;
const LARGE_BYTES = 59_000;
const arbitraryFates = fc.array(
  fc.constantFrom<Fate>("lands", "lands", "lands", "refused", "reported as failed"),
  { maxLength: 40 },
);
const arbitraryStep = fc.oneof(
  fc.record({ fates: arbitraryFates, writes: fc.integer({ min: 1, max: 60 }), seed: fc.nat() }),
  fc.constant("restart" as const),
);

Deno.test("whichever writes fail, or seem to, what is loaded is what was acknowledged", () =>
  fc.assert(
    fc.asyncProperty(fc.array(arbitraryStep, { minLength: 3, maxLength: 10 }), async (steps) => {
      const real = await Deno.openKv(":memory:");
      try {
        await agreesWithMap(new FailingKv(real), steps);
      } finally {
        real.close();
      }
    }),
    { numRuns: 25 },
  ));

type Step = { fates: Fate[]; writes: number; seed: number } | "restart";

async function agreesWithMap(place: FailingKv, steps: readonly Step[]): Promise<void> {
  const model = new Map<string, string>();
  let journal = await place.take();
  await journal.load();
  let revision = 0;
  let turn = 0;
  for (const step of steps) {
    if (step === "restart") {
      journal = await place.take();
      assert.deepEqual(await textsIn(journal), Object.fromEntries([...model].sort()));
      continue;
    }
    place.fates = [...step.fates];
    for (let i = 0; i < step.writes; i++) {
      const write = await someWrite(journal, (step.seed + 7 * turn++) % 1_000);
      if (write && await isDurable(journal, ++revision, write)) note(model, write);
    }
  }
  place.fates = [];
  const again = await place.take();
  assert.deepEqual(await textsIn(again), Object.fromEntries([...model].sort()));
  const liveBytes = [...model.values()].reduce((sum, text) => sum + text.length, 0);
  assert.ok(await place.bytesOf(SEGMENTS) < 2.5 * liveBytes + SLACK_BYTES + 1_000_000);
}

interface SomeWrite {
  write: JournalWrite;
  text: string | undefined;
}

/** A value, a large one, or a removal; `undefined` when its blob could not be stored. */
async function someWrite(journal: KvJournal, chance: number): Promise<SomeWrite | undefined> {
  const key = ["notes", "a", `n${chance % KEYS}`] as const;
  if (chance % 5 === 0) return { write: { key, value: undefined }, text: undefined };
  const text = `${chance}`.padEnd(chance % 17 === 1 ? 2 * LARGE_BYTES : LARGE_BYTES, "-");
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= journal.limits.rowBytesMax) return { write: { key, value: bytes }, text };
  try {
    return { write: { key, value: { blob: await journal.blob(bytes) } }, text };
  } catch {
    await untilTold(journal); // as the store does after any failure
    return undefined;
  }
}

async function isDurable(journal: KvJournal, revision: number, { write }: SomeWrite) {
  try {
    await journal.commit({ revision, writes: [write] });
    return true;
  } catch (error) {
    assert.ok(!(error instanceof FencedError));
    return await untilTold(journal) === revision;
  }
}

/** Asks until the database answers. */
async function untilTold(journal: KvJournal): Promise<number> {
  for (;;) {
    const told = await journal.revision().catch(() => undefined);
    if (told !== undefined) return told;
  }
}

function note(model: Map<string, string>, { write: { key }, text }: SomeWrite): void {
  if (text === undefined) model.delete(key[2]);
  else model.set(key[2], text);
}

async function textsIn(journal: KvJournal): Promise<Record<string, string>> {
  const { rows } = await journal.load();
  const texts = rows.map(({ key: [, , name], bytes }) =>
    [name, new TextDecoder().decode(bytes)] as const
  );
  return Object.fromEntries(texts.toSorted(([a], [b]) => a < b ? -1 : 1));
}
