import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../resources/resource.ts";
import { MemoryDisk, MemoryJournal } from "./memory_journal.ts";
import { MemoryStore } from "./memory_store.ts";
import { notes } from "./store_contract.ts";
import { ParsedObjects, StoredEntry } from "./stored_entry.ts";

const OBJECT_BYTES = 100;

Deno.test("an object is parsed when it is read, and is the same each time", () => {
  const parsed = new CountedObjects(10 * OBJECT_BYTES);
  const entry = entryOf("a", parsed);
  assert.equal(parsed.times, 0);
  const object = entry.object;
  assert.equal(object.metadata.name, "a");
  assert.equal(entry.object, object);
  assert.equal(parsed.times, 1);
});

Deno.test("objects that were read long ago are let go, and made anew when they are read again", () => {
  const parsed = new CountedObjects(3 * OBJECT_BYTES);
  const entries = ["a", "b", "c", "d", "e"].map((name) => entryOf(name, parsed));
  for (const entry of entries) void entry.object;
  assert.equal(parsed.bytes, 3 * OBJECT_BYTES);
  assert.deepEqual(entries.map(({ object }) => object.metadata.name), ["a", "b", "c", "d", "e"]);
});

Deno.test("several are let go at once, so that the oldest are not looked for at each read", () => {
  const parsed = new CountedObjects(32 * OBJECT_BYTES);
  for (let i = 0; i < 32; i++) void entryOf(`n${i}`, parsed).object;
  assert.equal(parsed.bytes, 32 * OBJECT_BYTES);
  void entryOf("one more", parsed).object;
  assert.equal(parsed.bytes, 30 * OBJECT_BYTES);
});

Deno.test("what is read all the time stays while others pass", () => {
  const parsed = new CountedObjects(3 * OBJECT_BYTES);
  const hot = new CountedEntry(entryOf("hot", parsed), parsed);
  for (let i = 0; i < 50; i++) {
    void hot.object;
    void entryOf(`cold-${i}`, parsed).object;
  }
  assert.equal(hot.timesLetGo(), 0);
});

Deno.test("an object that somebody holds is not made a second time", () => {
  const parsed = new CountedObjects(2 * OBJECT_BYTES);
  const entry = entryOf("held", parsed);
  const held = entry.object;
  for (let i = 0; i < 10; i++) void entryOf(`other-${i}`, parsed).object;
  assert.equal(entry.object, held);
});

Deno.test("the parsed objects never take more than their bound, whatever is read and released", () => {
  const steps = fc.array(fc.record({ entry: fc.nat(19), releases: fc.boolean() }));
  fc.assert(fc.property(steps, (steps) => {
    const parsed = new CountedObjects(5 * OBJECT_BYTES);
    const entries = Array.from({ length: 20 }, (_, i) => entryOf(`n${i}`, parsed));
    for (const { entry, releases } of steps) {
      if (releases) parsed.release(entries[entry]!);
      else assert.equal(entries[entry]!.object.metadata.name, `n${entry}`);
      assert.ok(parsed.bytes >= 0 && parsed.bytes <= 5 * OBJECT_BYTES);
    }
    for (const entry of entries) parsed.release(entry);
    assert.equal(parsed.bytes, 0);
  }));
});

Deno.test("a store that starts parses no more than the metadata of kinds without indexes of their own", async () => {
  const disk = new MemoryDisk();
  const first = await MemoryStore.open(new MemoryJournal(disk), { resources: [notes] });
  for (const name of ["b", "a"]) {
    const metadata = { namespace: "x", name, uid: name, labels: { app: name } };
    const value = { apiVersion: "v1", kind: "Other", metadata } as unknown as KubeObject;
    await first.commit([{ key: ["others", "x", name], value, expected: 0 }]);
  }
  await first.close();
  const parse = JSON.parse;
  const texts: string[] = [];
  try {
    JSON.parse = (text: string) => (texts.push(text), parse(text));
    const second = await MemoryStore.open(new MemoryJournal(disk), { resources: [notes] });
    assert.deepEqual(second.list(["others"]).map(({ key }) => key[2]), ["a", "b"]);
    assert.deepEqual(second.by("others", "label", "app=b").map(({ revision }) => revision), [1]);
    assert.ok(texts.every((text) => !text.includes("apiVersion")), texts.join("\n"));
    assert.equal(second.get(["others", "x", "a"])?.object.kind, "Other");
    assert.ok(texts.some((text) => text.includes("apiVersion")));
  } finally {
    JSON.parse = parse;
  }
});

/** Counts what is parsed. */
class CountedObjects extends ParsedObjects {
  readonly timesOf = new Map<string, number>();

  constructor(bytesMax: number) {
    super({ bytesMax, freezing: "deep" });
  }

  get times(): number {
    return [...this.timesOf.values()].reduce((sum, times) => sum + times, 0);
  }

  override parse(bytes: Uint8Array): KubeObject {
    const object = super.parse(bytes);
    const { name } = object.metadata;
    this.timesOf.set(name, (this.timesOf.get(name) ?? 0) + 1);
    return object;
  }
}

/** Counts how often it was let go. */
class CountedEntry extends StoredEntry {
  static #timesOf = new WeakMap<StoredEntry, number>();

  override weaken(): void {
    CountedEntry.#timesOf.set(this, this.timesLetGo() + 1);
    super.weaken();
  }

  timesLetGo(): number {
    return CountedEntry.#timesOf.get(this) ?? 0;
  }
}

function entryOf(name: string, parsed: ParsedObjects): StoredEntry {
  const text = JSON.stringify({ apiVersion: "v1", kind: "Note", metadata: { name } });
  const bytes = new TextEncoder().encode(text.padEnd(OBJECT_BYTES));
  return new StoredEntry({ key: ["notes", "x", name], revision: 1, bytes }, parsed);
}
