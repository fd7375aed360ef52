import assert from "node:assert/strict";
import { inDirectory } from "./file_fixture.ts";
import { KvJournal } from "./kv_journal.ts";
import { MemoryStore } from "../memory_store.ts";
import { pathOf, readSegment, type SegmentRecord, SegmentWriter } from "./segment.ts";
import type { Change } from "../store.ts";
import { checkStore } from "./store_check.ts";

Deno.test("an intact store has no problems, and its report counts what it holds", () =>
  inDirectory(async (path) => {
    await fill(path);
    const { objects, revision, bytes, orphans, problems } = await checkStore(path);
    assert.deepEqual({ objects, revision, orphans, problems }, {
      objects: 2,
      revision: 5,
      orphans: 0,
      problems: [],
    });
    assert.equal(bytes, (await Deno.stat(path)).size);
  }));

Deno.test("a store that was opened and never written to is well", () =>
  inDirectory(async (path) => {
    await (await KvJournal.open(path)).close();
    assert.deepEqual((await checkStore(path)).problems, []);
  }));

Deno.test("a file that is not there is not made", () =>
  inDirectory(async (path) => {
    await assert.rejects(checkStore(path), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("parts that nothing refers to are counted, and are no problem: the next start removes them", () =>
  inDirectory(async (path) => {
    await fill(path);
    await damage(path, (kv) => kv.set(["b", "0000-0", 0], new Uint8Array(10)));
    const { orphans, problems } = await checkStore(path);
    assert.deepEqual({ orphans, problems }, { orphans: 1, problems: [] });
  }));

/** What is done to a store's file, and what is told of it. */
const DAMAGES: Record<string, readonly [(kv: Deno.Kv) => Promise<unknown>, RegExp]> = {
  "a byte of a segment": [
    (kv) => changeSegment(kv, (bytes) => bytes.map((byte, at) => at === 30 ? byte ^ 1 : byte)),
    /^segment \d+ cannot be read: its checksum is wrong$/,
  ],
  "a part of a large object": [
    (kv) => first(kv, ["b"]).then(({ key }) => kv.delete(key)),
    /^notes\/a\/large lacks 1 of its 4 parts$/,
  ],
  "JSON that is none": [
    (kv) => changeRecord(kv, (text) => text.slice(1)),
    /^notes\/a\/small is no JSON object with metadata$/,
  ],
  "an object under the key of another": [
    (kv) => changeRecord(kv, (text) => text.replace('"name":"small"', '"name":"other"')),
    /^notes\/a\/small calls itself a\/other$/,
  ],
  "an object that is newer than the counter": [
    (kv) =>
      changeRecord(kv, (text) => text.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"99"')),
    /^notes\/a\/small is at revision 99, the counter at \d$/,
  ],
  "an object that is older than the one it replaces": [
    (kv) =>
      changeRecord(kv, (text) => text.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"1"')),
    /^notes\/a\/small at revision 1 comes after revision 2$/,
  ],
  "a segment that is older than those before it": [
    (kv) => append(kv, new SegmentWriter(1)),
    /^segment \d+ is of revision 1, one before it of 5$/,
  ],
  "one revision for two different objects": [
    async (kv) => {
      const writer = new SegmentWriter(5);
      writer.add(
        withText(await newestOf(kv, "notes/a/small"), (text) => text.replace("second", "third!")),
      );
      await append(kv, writer);
    },
    /^notes\/a\/small is there twice at revision 3, and not the same$/,
  ],
  "a format of another version": [(kv) => kv.set(["m", "format"], 9), /^its format is 9/],
};

for (const [name, [change, problem]] of Object.entries(DAMAGES)) {
  Deno.test(`a problem is reported: ${name}`, () =>
    inDirectory(async (path) => {
      await fill(path);
      await damage(path, change);
      const { problems } = await checkStore(path);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0]!, problem);
    }));
}

Deno.test("a file of an older format is reported", () =>
  inDirectory(async (path) => {
    await damage(path, (kv) => kv.set(["m", "format"], 1));
    assert.match((await checkStore(path)).problems.join(), /its format is 1; the next start/);
  }));

/** Two versions of one object, a large one, and one that was removed. */
async function fill(path: string): Promise<void> {
  const store = await MemoryStore.open(await KvJournal.open(path));
  await store.commit([change("gone", "x", 0)]);
  await store.commit([change("small", "first", 0)]);
  await store.commit([change("small", "second", 2)]);
  await store.commit([change("large", "x".repeat(200_000), 0)]);
  await store.commit([{ ...change("gone", "", 1), value: undefined }]);
  await store.close();
}

async function damage(path: string, act: (kv: Deno.Kv) => Promise<unknown>): Promise<void> {
  const kv = await Deno.openKv(path);
  await act(kv);
  kv.close();
}

async function first(kv: Deno.Kv, prefix: string[]): Promise<Deno.KvEntry<Uint8Array>> {
  for await (const entry of kv.list<Uint8Array>({ prefix }, { limit: 1 })) return entry;
  throw new Error("there is none");
}

async function changeSegment(
  kv: Deno.Kv,
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  const { key, value } = await first(kv, ["s"]);
  await kv.set(key, change(value));
}

/** Writes the newest JSON of the small object anew, changed and in its place. */
async function changeRecord(kv: Deno.Kv, change: (text: string) => string): Promise<void> {
  for (const { key, value } of await Array.fromAsync(kv.list<Uint8Array>({ prefix: ["s"] }))) {
    const { revision, records } = readSegment(value);
    if (!records.some(({ key }) => pathOf(key) === "notes/a/small") || revision !== 3) continue;
    const writer = new SegmentWriter(revision);
    for (const record of records) writer.add(withText(record, change));
    await kv.set(key, writer.finish()[0]!);
  }
}

async function newestOf(kv: Deno.Kv, path: string): Promise<SegmentRecord> {
  const rows = await Array.fromAsync(kv.list<Uint8Array>({ prefix: ["s"] }));
  return rows.flatMap(({ value }) => readSegment(value).records)
    .findLast(({ key }) => pathOf(key) === path)!;
}

function append(kv: Deno.Kv, writer: SegmentWriter): Promise<unknown> {
  return kv.set(["s", 1_000], writer.finish()[0]!);
}

function withText(record: SegmentRecord, change: (text: string) => string): SegmentRecord {
  const text = change(new TextDecoder().decode(record.bytes));
  return { ...record, bytes: new TextEncoder().encode(text) };
}

function change(name: string, text: string, expected: number): Change {
  const metadata = { namespace: "a", name, uid: name, creationTimestamp: "", resourceVersion: "" };
  const value = { apiVersion: "v1", kind: "Note", metadata, text } as Change["value"];
  return { key: ["notes", "a", name], value, expected };
}
