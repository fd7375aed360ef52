import assert from "node:assert/strict";
import { KvJournal } from "../../core/store/kv/kv_journal.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import { UnavailableError } from "../../core/store/store.ts";
import { eventually } from "../eventually.ts";
import { ServerProcess } from "../server_process.ts";
import { canMount, MOUNT_NEEDED, SmallDisk } from "./small_disk.ts";
import { inspect } from "./store_file.ts";
import { keyOf, objectOf, RESOURCE, textIn } from "./writer_lines.ts";

const DISK_BYTES = 6 * 1024 * 1024;
const LARGE_BYTES = 2 * 1024 * 1024;
/** Used by no other suite. */
const SUBNET = 57;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const FULL = new UnavailableError("Cannot write: database or disk is full");

test("on a full disk writes are refused with the reason, reads go on, and writing resumes by itself", () =>
  onDisk(async (disk, store) => {
    await put(store, "kept", 500);
    await disk.fill();
    for (let i = 0; i < 3; i++) await assert.rejects(put(store, "refused", 500), FULL);
    await assert.rejects(remove(store, "kept"), FULL);
    assert.equal(store.get(keyOf("refused")), undefined);
    assert.equal(textIn(store.get(keyOf("kept"))!.object).length, 500);
    await disk.makeRoom();
    await put(store, "refused", 500);
    await remove(store, "kept");
  }));

test("writers that fill the disk lose nothing that was acknowledged", () =>
  onDisk(async (_disk, store) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 64 }, (_, writer) => putUntilRefused(store, writer)),
    );
    assert.ok(outcomes.every(({ status }) => status === "rejected"));
    assert.ok(store.list([RESOURCE]).length > 64);
  }));

test("large objects that did not fit leave no chunks behind", () =>
  onDisk(async (disk, store, path) => {
    for (const name of ["a", "b", "c"]) await put(store, name, LARGE_BYTES).catch(() => {});
    for (let i = 0; i < 10; i++) await assert.rejects(put(store, "d", LARGE_BYTES), FULL);
    await disk.grow();
    await put(store, "d", LARGE_BYTES);
    await store.close();
    assert.deepEqual(await inspect(path), { faults: [], orphans: 0 });
  }));

test("a store whose disk is full at the start says so, and opens once there is room", () =>
  onDisk(async (disk, store, path) => {
    await put(store, "kept", 500);
    await store.close();
    await disk.fill();
    await assert.rejects(
      KvJournal.open(path),
      /UnavailableError: Cannot open the store at ".*": (database or disk is full|disk I\/O error)/,
    );
    await disk.makeRoom();
    const again = await MemoryStore.open(await KvJournal.open(path));
    assert.equal(again.list([RESOURCE]).length, 1);
    await again.close();
  }));

test("a server on a full disk answers 503 with the reason, serves what it has, and recovers", () =>
  SmallDisk.with(4 * DISK_BYTES, async (disk) => {
    const server = await ServerProcess.start({
      runtime: "process",
      dataFolder: disk.folder,
      subnet: SUBNET,
      args: ["--stop-pods", "--temporary"],
    });
    try {
      assert.equal((await post(server, "kept")).status, 201);
      await eventually("the ballast is held", () => disk.has("store.ballast"));
      await disk.fill();
      const refused = await post(server, "refused");
      assert.equal(refused.status, 503);
      const { reason, message } = await refused.json();
      assert.equal(reason, "ServiceUnavailable");
      assert.match(message, /^Cannot write: the disk of ".*" is full; make room on it/);
      assert.equal((await server.fetch(`${CONFIG_MAPS}/kept`)).status, 200);
      await disk.makeRoom();
      assert.equal((await post(server, "refused")).status, 201);
    } finally {
      await server.stop();
    }
  }));

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `${name}${MOUNT_NEEDED}`, ignore: !canMount, fn: body });
}

/** A store on a disk that can be filled. Afterwards what it showed must be what a start finds. */
async function onDisk(
  body: (disk: SmallDisk, store: MemoryStore, path: string) => Promise<void>,
): Promise<void> {
  await SmallDisk.with(DISK_BYTES, async (disk) => {
    const path = `${disk.folder}/store.kv`;
    const store = await MemoryStore.open(await KvJournal.open(path));
    try {
      await body(disk, store, path);
    } finally {
      await store.close();
    }
    await disk.grow(); // a start writes: it takes over the file
    const again = await MemoryStore.open(await KvJournal.open(path));
    const shown = again.list([RESOURCE]);
    await again.close();
    assert.deepEqual(shown, store.list([RESOURCE]));
  });
}

async function putUntilRefused(store: MemoryStore, writer: number): Promise<never> {
  for (let i = 0;; i++) await put(store, `w${writer}-${i}`, 5_000);
}

async function put(store: MemoryStore, name: string, size: number): Promise<void> {
  const value = objectOf(name, { writer: 0, sequence: 0, sizes: { [name]: size } });
  await store.commit([{ key: keyOf(name), value, expected: revisionOf(store, name) }]);
}

async function remove(store: MemoryStore, name: string): Promise<void> {
  await store.commit([{ key: keyOf(name), value: undefined, expected: revisionOf(store, name) }]);
}

function revisionOf(store: MemoryStore, name: string): number {
  return store.newest(keyOf(name))?.revision ?? 0;
}

function post(server: ServerProcess, name: string): Promise<Response> {
  return server.create(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}
