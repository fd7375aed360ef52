import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FencedError, type Journal, type JournalWrite, type Loaded } from "./journal.ts";
import type { Key } from "./store.ts";

/** Something that outlives a journal: a file, a map, or servers. */
export interface JournalStorage {
  /** What was opened before must be closed. */
  open(): Promise<Journal>;
  /** As another server that finds the owner gone while it is not. Absent: the engine has no fence. */
  takeOver?(): Promise<Journal>;
  remove(): Promise<void>;
}

/** How a suite is registered: a plain test, or one that is ignored where its engine is missing. */
export type Register = (name: string, body: () => Promise<void>) => void;

const OBJECT_BYTES_MAX = 3 * 1024 * 1024;
const KEY: Key = ["notes", "a", "n"];
const OF = { key: KEY, revision: 1 };

/** What holds for each {@linkcode Journal}. `make` gives fresh, empty storage. */
export function testJournal(
  name: string,
  make: () => Promise<JournalStorage>,
  register: Register = (name, body) => Deno.test(name, body),
): void {
  for (const [behaviour, scenario] of Object.entries(SCENARIOS)) {
    register(`${name}: ${behaviour}`, async () => {
      const storage = await make();
      const journals: Journal[] = [];
      const open = async (how: () => Promise<Journal>) => {
        const journal = await how();
        journals.push(journal);
        return journal;
      };
      const { takeOver } = storage;
      try {
        await scenario({
          open: async () => {
            await journals.at(-1)?.close();
            return await open(storage.open);
          },
          takeOver: takeOver && (() => open(takeOver)),
        });
      } finally {
        for (const journal of journals) await journal.close();
        await storage.remove();
      }
    });
  }
}

interface Opening {
  /** Closes what was opened before. */
  open(): Promise<Journal>;
  takeOver: (() => Promise<Journal>) | undefined;
}

const SCENARIOS: Record<string, (opening: Opening) => Promise<void>> = {
  "an empty one is at revision 0 and has no rows": async ({ open }) => {
    assert.deepEqual(await (await open()).load(), { revision: 0, rows: [] });
  },
  "what was committed is loaded, with the revision of the last batch": async ({ open }) => {
    const journal = await open();
    await journal.load();
    await journal.commit({ revision: 2, writes: [write("a", "one"), write("b", "two")] });
    await journal.commit({ revision: 5, writes: [write("a", "three"), gone("b", 5)] });
    assert.equal(await journal.revision(), 5);
    const again = await open();
    const { revision, rows } = await again.load();
    assert.equal(revision, 5);
    assert.deepEqual(textsOf(rows), { a: "three" });
    assert.equal(await again.revision(), 5);
  },
  "a batch without writes still moves the revision": async ({ open }) => {
    const journal = await open();
    await journal.load();
    await journal.commit({ revision: 10_000, writes: [] });
    assert.deepEqual(await (await open()).load(), { revision: 10_000, rows: [] });
  },
  "keys differ in each of their parts": async ({ open }) => {
    const journal = await open();
    await journal.load();
    const keys: Key[] = [["a", "", "b"], ["a", "b", "c"], ["a.b", "", "b"], ["a", "", "b:c-ü"]];
    const value = new TextEncoder().encode("{}");
    await journal.commit({ revision: 4, writes: keys.map((key) => ({ key, value })) });
    const { rows } = await (await open()).load();
    assert.deepEqual(
      rows.map(({ key }) => key.join("/")).sort(),
      keys.map((k) => k.join("/")).sort(),
    );
  },
  "a batch may be as large as the limits say, in each of them": async ({ open }) => {
    const journal = await open();
    await journal.load();
    const { writesMax, bytesMax, keyBytesMax, rowBytesMax } = journal.limits;
    const many = Array.from({ length: writesMax }, (_, i) => write(`many-${i}`, "x"));
    await journal.commit({ revision: 1, writes: many });
    const large = Array.from(
      { length: Math.floor(bytesMax / rowBytesMax) },
      (_, i) => write(`large-${i}`, "y".repeat(rowBytesMax)),
    );
    await journal.commit({ revision: 2, writes: large });
    const longNamed = Array.from(
      { length: Math.min(writesMax, Math.floor(keyBytesMax / 300)) },
      (_, i) => write(`${i}-`.padEnd(250, "n"), "z"),
    );
    await journal.commit({ revision: 3, writes: longNamed });
    const { rows } = await (await open()).load();
    assert.equal(rows.length, many.length + large.length + longNamed.length);
  },
  "an object of 3 MiB is a blob, also when it is written again, and goes": async ({ open }) => {
    let journal = await open();
    await journal.load();
    for (const [revision, text] of [[1, "x"], [2, "y"]] as const) {
      const bytes = new TextEncoder().encode(text.repeat(OBJECT_BYTES_MAX));
      const blob = await journal.blob(bytes, OF);
      await journal.commit({ revision, writes: [{ key: KEY, value: { blob } }] });
      journal = await open();
      const { rows } = await journal.load();
      assert.deepEqual(rows.map(({ key, bytes }) => [key, bytes.length]), [[KEY, bytes.length]]);
      assert.equal(Buffer.compare(rows[0]!.bytes, bytes), 0);
    }
    await journal.commit({ revision: 3, writes: [{ key: KEY, value: undefined, revision: 3 }] });
    assert.deepEqual(await (await open()).load(), { revision: 3, rows: [] });
  },
  "a blob that no commit refers to leaves nothing behind": async ({ open }) => {
    const journal = await open();
    await journal.load();
    await journal.blob(new Uint8Array(200_000), OF);
    assert.equal(await journal.revision(), 0);
    await journal.blob(new Uint8Array(200_000), OF);
    assert.deepEqual(await (await open()).load(), { revision: 0, rows: [] });
  },
  "who was taken over can write no more, and what it wrote before is there": async (
    { open, takeOver },
  ) => {
    if (!takeOver) return;
    const first = await open();
    await first.load();
    await first.commit({ revision: 1, writes: [write("a", "kept")] });
    const second = await takeOver();
    assert.deepEqual(textsOf((await second.load()).rows), { a: "kept" });
    const late = { revision: 2, writes: [write("a", "late")] };
    await assert.rejects(first.commit(late), FencedError);
    await assert.rejects(first.blob(new Uint8Array(1_500_000), OF), FencedError);
    await assert.rejects(first.revision(), FencedError);
    await second.commit({ revision: 3, writes: [write("b", "new")] });
    await assert.rejects(first.commit(late), FencedError);
    assert.deepEqual(textsOf((await second.load()).rows), { a: "kept", b: "new" });
    assert.equal(await second.revision(), 3);
  },
};

function write(name: string, text: string): JournalWrite {
  return { key: ["notes", "a", name], value: new TextEncoder().encode(text) };
}

function gone(name: string, revision: number): JournalWrite {
  return { key: ["notes", "a", name], value: undefined, revision };
}

function textsOf(rows: Loaded["rows"]): Record<string, string> {
  return Object.fromEntries(
    rows.map(({ key: [, , name], bytes }) => [name, new TextDecoder().decode(bytes)]),
  );
}
