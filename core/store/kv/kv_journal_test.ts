import assert from "node:assert/strict";
import { FencedError } from "../journal.ts";
import { testJournal } from "../journal_contract.ts";
import { inDirectory } from "./file_fixture.ts";
import { KvJournal } from "./kv_journal.ts";
import { MemoryStore } from "../memory_store.ts";
import { testStore } from "../store_contract.ts";
import type { Change } from "../store.ts";

testStore("MemoryStore over KvJournal", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle_" });
  return {
    open: () => KvJournal.open(`${directory}/store.kv`),
    remove: () => Deno.remove(directory, { recursive: true }),
  };
});

testJournal("KvJournal", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle_" });
  const path = `${directory}/store.kv`;
  return {
    open: () => KvJournal.open(path),
    takeOver: async () => {
      await Deno.remove(`${path}.lock`);
      return await KvJournal.open(path);
    },
    remove: () => Deno.remove(directory, { recursive: true }),
  };
});

Deno.test("a second server on the same data is refused with the pid of the first", () =>
  inDirectory(async (path) => {
    const journal = await KvJournal.open(path);
    await assert.rejects(
      KvJournal.open(path),
      new RegExp(`another coracle server uses it \\(pid ${Deno.pid}\\)`),
    );
    await journal.close();
    await (await KvJournal.open(path)).close();
  }));

Deno.test("a lock file that a killed process left is no obstacle", () =>
  inDirectory(async (path) => {
    await Deno.writeTextFile(`${path}.lock`, "4194303\n");
    await (await KvJournal.open(path)).close();
  }));

Deno.test("a process that was taken over can write no more", () =>
  inDirectory(async (path) => {
    const journal = await KvJournal.open(path);
    await journal.load();
    const thief = await Deno.openKv(path);
    await thief.set(["m", "owner"], { pid: 1 });
    thief.close();
    await assert.rejects(journal.commit({ revision: 1, writes: [] }), FencedError);
    await assert.rejects(journal.blob(new Uint8Array(100_000)), FencedError);
    await assert.rejects(journal.revision(), FencedError);
    await journal.close();
  }));

Deno.test("a file of a newer version is refused", () =>
  inDirectory(async (path) => {
    const kv = await Deno.openKv(path);
    await kv.set(["m", "format"], 3);
    kv.close();
    await assert.rejects(KvJournal.open(path), /its format is 3/);
  }));

for (const name of ["DENO_KV_DB_MODE", "DENO_KV_PATH_PREFIX"]) {
  Deno.test(`an environment that redirects Deno KV is refused: ${name}`, () =>
    inDirectory(async (path) => {
      const variables = new Map([[name, "memory"]]);
      await assert.rejects(KvJournal.open(path, { variables }), new RegExp(`${name} is set`));
    }));
}

Deno.test("blobs that nothing refers to are swept at the start", () =>
  inDirectory(async (path) => {
    const first = await KvJournal.open(path);
    await first.load();
    await first.blob(new Uint8Array(200_000));
    await first.close();
    const second = await KvJournal.open(path);
    await second.load();
    await second.close();
    assert.equal(await countOf(path, ["b"]), 0);
  }));

Deno.test("of two that opened the same file past the lock, only the later one can write", () =>
  inDirectory(async (path) => {
    const first = await KvJournal.open(path);
    await first.load();
    await Deno.remove(`${path}.lock`);
    const second = await KvJournal.open(path);
    await second.load();
    await assert.rejects(
      first.commit({ revision: 1, writes: [] }),
      /another process has taken over the store at ".*"; stop one of the two/,
    );
    await second.commit({ revision: 2, writes: [] });
    assert.equal(await second.revision(), 2);
    await first.close();
    await second.close();
  }));

Deno.test("blobs of a batch that failed are removed, those in use are kept", () =>
  inDirectory(async (path) => {
    const journal = await KvJournal.open(path);
    await journal.load();
    const key = ["notes", "a", "n"] as const;
    await journal.blob(new Uint8Array(200_000));
    await journal.revision();
    assert.equal(await countOf(path, ["b"]), 0);
    const kept = await journal.blob(new Uint8Array(100_000));
    await journal.commit({ revision: 1, writes: [{ key, value: { blob: kept } }] });
    await journal.revision();
    await journal.close();
    assert.equal(await countOf(path, ["b"]), 2);
  }));

Deno.test("a blob goes when its object is written again or removed", () =>
  inDirectory(async (path) => {
    const store = await MemoryStore.open(await KvJournal.open(path));
    const [first] = await store.commit([put("x".repeat(200_000), 0)]);
    const [second] = await store.commit([put("small", first!.revision)]);
    await store.commit([{ ...put("", second!.revision), value: undefined }]);
    await store.close();
    assert.equal(await countOf(path, ["b"]), 0);
  }));

Deno.test("a backup opens as a store with the same objects", () =>
  inDirectory(async (path) => {
    const store = await MemoryStore.open(await KvJournal.open(path));
    const [entry] = await store.commit([put("kept", 0)]);
    await store.backup(`${path}.copy`);
    await store.close();
    const copy = await MemoryStore.open(await KvJournal.open(`${path}.copy`));
    assert.deepEqual(copy.get(entry!.key), entry);
    await copy.close();
  }));

async function countOf(path: string, prefix: string[]): Promise<number> {
  const kv = await Deno.openKv(path);
  const entries = await Array.fromAsync(kv.list({ prefix }));
  kv.close();
  return entries.length;
}

function put(text: string, expected: number): Change {
  const metadata = {
    namespace: "a",
    name: "n",
    uid: "n",
    creationTimestamp: "",
    resourceVersion: "",
  };
  const value = { apiVersion: "v1", kind: "Note", metadata, text } as Change["value"];
  return { key: ["notes", "a", "n"], value, expected };
}
