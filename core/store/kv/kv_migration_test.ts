import assert from "node:assert/strict";
import { SystemClock } from "../../lib/clock.ts";
import type { Key } from "../store.ts";
import { inDirectory } from "./file_fixture.ts";
import { FencedKv } from "./fenced_kv.ts";
import { KvJournal } from "./kv_journal.ts";
import { migrate } from "./kv_migration.ts";
import { checkStore } from "./store_check.ts";

/** More than one read, and more than one write, of the migration; and a blob of three chunks. */
const OBJECTS = 1_200;
const BLOB = "00000000000000010000-0";
const BLOB_CHUNKS = 3;
const CHUNK_BYTES = 64_000;
const REVISION = 5_000;

const clock = new SystemClock();

Deno.test("a file of format 1 is migrated when it is opened, with every object and its revision", () =>
  inDirectory(async (path) => {
    const objects = await writeFormat1(path);
    assert.deepEqual(await loadedFrom(path), objects);
    const { problems, orphans, revision } = await checkStore(path);
    assert.deepEqual({ problems, orphans, revision }, {
      problems: [],
      orphans: 0,
      revision: REVISION,
    });
    assert.equal(await countOf(path, ["o"]), 0);
    assert.deepEqual(await loadedFrom(path), objects);
  }));

Deno.test("an empty file of format 1 becomes one of the newest format", () =>
  inDirectory(async (path) => {
    const kv = await Deno.openKv(path);
    await kv.atomic().set(["m", "format"], 1).set(["m", "owner"], { pid: 1 }).commit();
    kv.close();
    assert.deepEqual(await loadedFrom(path), new Map());
    assert.deepEqual((await checkStore(path)).problems, []);
  }));

Deno.test("a migration that is ended at any of its writes goes on at the next start", () =>
  inDirectory(async (path) => {
    const objects = await writeFormat1(path);
    const copy = `${path}.copy`;
    for (let writes = 0;; writes++) {
      await Deno.copyFile(path, copy);
      const wasEnded = await endedAfter(writes, copy);
      assert.deepEqual(await loadedFrom(copy), objects, `ended after ${writes} writes`);
      assert.deepEqual((await checkStore(copy)).problems, []);
      assert.equal(await countOf(copy, ["o"]), 0);
      if (wasEnded) continue;
      assert.ok(writes > 8, `only ${writes} writes`);
      return;
    }
  }));

Deno.test("a copy that is not what was copied is refused, and the old rows stay", () =>
  inDirectory(async (path) => {
    const objects = await writeFormat1(path);
    const kv = await Deno.openKv(path);
    const liar = new Proxy(kv, {
      get: (target, name) => name === "list" ? listWithout(target) : bound(target, name),
    });
    const owned = await FencedKv.take(liar, { name: path, owner: {}, clock });
    await assert.rejects(migrate(owned), /its copy/);
    kv.close();
    assert.deepEqual(await loadedFrom(path), objects);
  }));

/** A file as versions before format 2 wrote it, closed and without a write-ahead log. */
async function writeFormat1(path: string): Promise<Map<string, string>> {
  const kv = await Deno.openKv(path);
  await kv.atomic().set(["m", "format"], 1).set(["m", "owner"], { pid: 1 })
    .set(["m", "head"], REVISION).commit();
  const objects = new Map<string, string>();
  for (let i = 0; i < OBJECTS; i++) {
    const key = ["configmaps", `ns-${i % 7}`, `map-${i}`] as const;
    const text = jsonOf(key, i + 1, 1_500 + i % 500);
    objects.set(key.join("/"), text);
    await kv.set(["o", ...key], marked(1, new TextEncoder().encode(text)));
  }
  const key = ["secrets", "default", "large"] as const;
  const text = jsonOf(key, REVISION, CHUNK_BYTES * (BLOB_CHUNKS - 1));
  const bytes = new TextEncoder().encode(text);
  for (let i = 0; i < BLOB_CHUNKS; i++) {
    await kv.set(["b", BLOB, i], bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
  }
  const reference = JSON.stringify({ blob: BLOB, chunks: BLOB_CHUNKS });
  await kv.set(["o", ...key], marked(2, new TextEncoder().encode(reference)));
  objects.set(key.join("/"), text);
  kv.close();
  return objects;
}

/** Opens the file, and ends after so many writes as a killed process would. Tells whether it came to that. */
async function endedAfter(writes: number, path: string): Promise<boolean> {
  const kv = await Deno.openKv(path);
  let left = writes;
  const ending = new Proxy(kv, {
    get: (target, name) => {
      if (name !== "atomic") return bound(target, name);
      return () => left-- > 0 ? target.atomic() : fail();
    },
  });
  try {
    await migrate(await FencedKv.take(ending, { name: path, owner: {}, clock }));
    return false;
  } catch (error) {
    assert.match((error as Error).message, /killed/);
    return true;
  } finally {
    kv.close();
  }
}

function fail(): never {
  throw new Error("killed");
}

/** Leaves the third row out, each second time that the rows are listed. */
function listWithout(kv: Deno.Kv): Deno.Kv["list"] {
  return ((selector: { prefix: string[] }, options?: Deno.KvListOptions) => {
    const list = kv.list(selector as Deno.KvListSelector, options);
    if (selector.prefix[0] !== "o" || lists++ % 2 === 0) return list;
    return (async function* () {
      let count = 0;
      for await (const entry of list) if (++count !== 3) yield entry;
    })();
  }) as Deno.Kv["list"]; // it is only iterated over
}
let lists = 0;

function bound(kv: Deno.Kv, name: string | symbol): unknown {
  const member: unknown = Reflect.get(kv, name, kv);
  return typeof member === "function" ? member.bind(kv) : member;
}

async function loadedFrom(path: string): Promise<Map<string, string>> {
  const journal = await KvJournal.open(path);
  const { rows } = await journal.load();
  await journal.close();
  const sorted = rows.map(({ key, bytes }) =>
    [key.join("/"), new TextDecoder().decode(bytes)] as const
  )
    .toSorted(([a], [b]) => a < b ? -1 : 1);
  return new Map(sorted);
}

async function countOf(path: string, prefix: string[]): Promise<number> {
  const kv = await Deno.openKv(path);
  const entries = await Array.fromAsync(kv.list({ prefix }));
  kv.close();
  return entries.length;
}

function jsonOf([, namespace, name]: Key, revision: number, bytes: number): string {
  const metadata = { name, namespace, resourceVersion: String(revision) };
  return JSON.stringify({ apiVersion: "v1", metadata, data: { text: "x".repeat(bytes) } });
}

function marked(mark: number, bytes: Uint8Array): Uint8Array {
  const row = new Uint8Array(bytes.length + 1);
  row[0] = mark;
  row.set(bytes, 1);
  return row;
}
