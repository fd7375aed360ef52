import assert from "node:assert/strict";
import { configMaps } from "../../resources/core/config_maps.ts";
import { groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import { CompactableJournal, compactAside } from "./compactable_journal.ts";
import { KvJournal } from "./kv_journal.ts";
import { MemoryDisk, MemoryJournal } from "../memory_journal.ts";
import { MemoryStore } from "../memory_store.ts";
import type { Key } from "../store.ts";
import { checkStore } from "./store_check.ts";
import { densityOf, fileUse } from "./store_compaction.ts";

const MIB = 1024 * 1024;
const BATCH = { revision: 1, writes: [] };

/** Its log is always short. */
class TrimmedJournal extends MemoryJournal {
  trim(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

Deno.test("what is written during a compaction waits for its end; what was under way ends first", async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const disk = new MemoryDisk();
  const journal = new CompactableJournal(
    new TrimmedJournal(disk, async ({ revision }, write) => {
      if (revision === 1) await gate.promise;
      write();
      order.push(`batch ${revision}`);
    }),
  );
  const first = journal.commit(BATCH);
  const compaction = journal.compact(() => {
    order.push("compaction");
    return Promise.resolve();
  });
  const second = journal.commit({ ...BATCH, revision: 2 });
  gate.resolve();
  await Promise.all([first, compaction, second]);
  assert.deepEqual(order, ["batch 1", "compaction", "batch 2"]);
  assert.equal(await journal.revision(), 2);
});

Deno.test("a compaction that fails is reported, and writing goes on", async () => {
  const journal = new CompactableJournal(new TrimmedJournal());
  await assert.rejects(journal.compact(() => Promise.reject(new Error("no room"))), /no room/);
  await journal.commit(BATCH);
  assert.equal(await journal.revision(), 1);
});

Deno.test("a closed journal is neither trimmed nor compacted; what has begun ends before it closes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-compaction-" });
  try {
    const path = `${folder}/store.kv`;
    const journal = new CompactableJournal(await KvJournal.open(path));
    await journal.load();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const compaction = journal.compact(async () => {
      await gate.promise;
      order.push("compacted");
    });
    const closing = journal.close().then(() => order.push("closed"));
    assert.equal(await journal.trim(), false);
    await journal.compact(() => Promise.reject(new Error("the file is somebody else's")));
    gate.resolve();
    await Promise.all([compaction, closing]);
    assert.deepEqual(order, ["compacted", "closed"]);
    assert.equal(await journal.trim(), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file is compacted in passing when most of it, and much, holds nothing, and the rest is little", () => {
  const states: [bytes: number, freeBytes: number, state: string][] = [
    [20 * MIB, 15 * MIB, "dense"],
    [20 * MIB, 16 * MIB, "sparse"],
    [100 * MIB, 49 * MIB, "dense"],
    [100 * MIB, 50 * MIB, "sparse"],
    [1_000 * MIB, 936 * MIB, "sparse"],
    [1_000 * MIB, 935 * MIB, "large"],
  ];
  for (const [bytes, freeBytes, state] of states) {
    assert.equal(densityOf({ bytes, freeBytes }), state);
  }
});

Deno.test("a store's file is compacted while writers write, and loses nothing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-compaction-" });
  try {
    const path = `${folder}/store.kv`;
    const journal = new CompactableJournal(await KvJournal.open(path));
    const store = await MemoryStore.open(journal);
    for (let i = 0; i < 20; i++) await put(store, `large-${i}`, MIB);
    for (let i = 0; i < 20; i++) await remove(store, `large-${i}`);
    const before = await fileUse(path);
    assert.equal(densityOf(before), "sparse");
    let isOver = false;
    const compaction = journal.compact(() => compactAside(path)).finally(() => isOver = true);
    let written = 0;
    do await put(store, `small-${written++}`, 100); while (!isOver);
    await compaction;
    assert.ok((await fileUse(path)).bytes < before.bytes / 10);
    await put(store, "after", 100);
    await store.close();
    const { objects, problems } = await checkStore(path);
    assert.deepEqual({ objects, problems }, { objects: written + 1, problems: [] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a log that is long because much was deleted becomes short, and loses nothing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-compaction-" });
  try {
    const path = `${folder}/store.kv`;
    const journal = new CompactableJournal(await KvJournal.open(path));
    const store = await MemoryStore.open(journal);
    const names = Array.from({ length: 500 }, (_, i) => `o${i}`);
    await Promise.all(names.map((name) => put(store, name, 50_000)));
    await Promise.all(names.filter((_, i) => i % 100 > 0).map((name) => remove(store, name)));
    const before = await fileUse(path);
    assert.equal(densityOf(before), "dense", "the log holds what is dead");
    while (await journal.trim());
    await journal.compact(() => compactAside(path));
    assert.ok((await fileUse(path)).bytes < before.bytes / 2);
    await put(store, "after", 100);
    await store.close();
    const { objects, problems } = await checkStore(path);
    assert.deepEqual({ objects, problems }, { objects: 6, problems: [] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a step towards a short log leaves alone what waits for the commit that refers to it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-compaction-" });
  try {
    const path = `${folder}/store.kv`;
    const journal = await KvJournal.open(path);
    await journal.load();
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", namespace: "default", resourceVersion: "1" },
    };
    const bytes = new TextEncoder().encode(
      JSON.stringify({ ...object, data: { text: "x".repeat(200_000) } }),
    );
    const blob = await journal.blob(bytes);
    await journal.trim();
    await journal.commit({
      revision: 1,
      writes: [{ key: keyOf("a"), value: { blob }, revision: 1 }],
    });
    await journal.close();
    assert.deepEqual((await checkStore(path)).problems, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what cannot be compacted is reported", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-compaction-" });
  try {
    await assert.rejects(compactAside(`${folder}/none/store.kv`), /unable to open database file/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function keyOf(name: string): Key {
  return [groupResourceOf(configMaps), "default", name];
}

async function put(store: MemoryStore, name: string, size: number): Promise<void> {
  const metadata = {
    name,
    namespace: "default",
    uid: name,
    resourceVersion: "",
    creationTimestamp: "",
  };
  const value = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { text: "x".repeat(size) } };
  await store.commit([{ key: keyOf(name), value: value as KubeObject, expected: 0 }]);
}

async function remove(store: MemoryStore, name: string): Promise<void> {
  const { revision } = store.get(keyOf(name))!;
  await store.commit([{ key: keyOf(name), value: undefined, expected: revision }]);
}
