import assert from "node:assert/strict";
import { silentLog } from "../../../lib/log.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { leases } from "../../../resources/coordination/leases.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import { type Ballast, DiskRoom } from "./disk_room.ts";
import type { RoomInFile } from "./file_room.ts";
import type { Batch } from "../../journal.ts";
import { MemoryDisk, MemoryJournal } from "../../memory_journal.ts";
import { MemoryStore } from "../../memory_store.ts";
import type { Key } from "../../store.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const LEASE_KEY: Key = [groupResourceOf(leases), "kube-node-lease", "n1"];
const FULL = "database or disk is full";
const REFUSAL = {
  name: "UnavailableError",
  message:
    'Cannot write: the disk of "/data" is full; make room on it: until then objects can only be read and deleted',
};

const SPENT = {
  name: "UnavailableError",
  message:
    'Cannot write: the disk of "/data" is full, and so is what was held back for deletions; make room on it: until then objects can only be read',
};
const MIB = 1024 * 1024;

/** A disk that is full or not, as the test says; the ballast is what one deletion needs. */
class TestDisk implements Ballast {
  readonly durable = new MemoryDisk();
  readonly batches: Batch[] = [];
  isFull = false;
  isHeld = false;
  looks = 0;
  says = FULL;

  hasRoom(): Promise<boolean> {
    return Promise.resolve(!this.isFull);
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  holdRest(): Promise<void> {
    return Promise.resolve();
  }

  hold(): Promise<boolean> {
    this.looks++;
    this.isHeld ||= !this.isFull;
    return Promise.resolve(this.isHeld);
  }

  release(): void {
    this.isHeld = false;
  }

  write(batch: Batch, write: () => void): void {
    const isSmall = !this.isHeld && batch.writes.every(({ value }) => value === undefined);
    if (this.isFull && !isSmall) throw new Error(this.says);
    this.batches.push(batch);
    write();
  }
}

/** A file with as much room as the test says. */
class TestFile implements RoomInFile {
  room = 0;
  readonly done: string[] = [];

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  checkpoint(): void {
    this.done.push("checkpoint");
  }

  claim(): void {
    this.done.push("claim");
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(this.room);
  }

  tidy(): Promise<void> {
    this.done.push("tidy");
    return Promise.resolve();
  }

  shrink(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

async function setUp({ takesAll = false } = {}) {
  const disk = new TestDisk();
  const file = new TestFile();
  const clock = new VirtualClock(START_MS);
  const room = new DiskRoom({ ballast: disk, file, clock, log: silentLog(clock), folder: "/data" });
  const told: boolean[] = [];
  room.onChange((isFull) => told.push(isFull));
  const journal = new MemoryJournal(disk.durable, (batch, write) => disk.write(batch, write));
  const store = await MemoryStore.open(room.guard(journal), {
    resources: [configMaps, leases],
    ...(takesAll ? {} : { gate: room }),
  });
  await put(store, "kept");
  await room.settle();
  return { disk, file, clock, room, store, told };
}

Deno.test("the first write that finds the disk full closes the store, gives the ballast up and tells", async () => {
  const { disk, room, store, told } = await setUp();
  assert.ok(disk.isHeld);
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  assert.deepEqual([room.isFull, disk.isHeld, told], [true, false, [true]]);
});

Deno.test("on a full disk deletions, changes of what is being deleted, nodes, revocations and leases are taken; all else is refused unwritten", async () => {
  const { disk, room, store } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  const admitted = store.revision;
  await assert.rejects(put(store, "b"), REFUSAL);
  await remove(store, "kept");
  await lease(store);
  disk.isFull = false; // the ballast was enough
  disk.isHeld = false;
  const ending = {
    ...objectOf("c"),
    metadata: { ...objectOf("c").metadata, deletionTimestamp: "x" },
  };
  await store.commit([{ key: keyOf("c"), value: ending, expected: 0 }]);
  await store.commit([{ key: ["nodes", "", "n1"], value: objectOf("n1"), expected: 0 }]);
  const key = ["credentialregisters.access.coracle.dev", "", "credentials"] as const;
  await store.commit([{ key, value: objectOf("credentials"), expected: 0 }]);
  assert.ok(store.revision > admitted);
  const object = objectOf("n2");
  const large = {
    ...object,
    metadata: { ...object.metadata, annotations: { a: "x".repeat(65_536) } },
  };
  disk.isFull = true;
  const change = { key: ["nodes", "", "n2"], value: large, expected: 0 } as const;
  await assert.rejects(store.commit([change]), REFUSAL);
  assert.equal(room.state, "full", "a node does not use up what its revocation needs");
});

Deno.test("a refused write that finds room again is taken, and the ballast with it", async () => {
  const { disk, room, store, told } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  disk.isFull = false;
  await put(store, "a");
  assert.deepEqual([room.isFull, disk.isHeld, told], [false, true, [true, false]]);
});

Deno.test("a full disk is looked at every 10 s; one that is not, never", async () => {
  const { disk, clock, room, store } = await setUp();
  disk.looks = 0;
  await clock.advance(3_600_000);
  assert.equal(disk.looks, 0);
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  await clock.advance(60_000);
  assert.equal(disk.looks, 6);
  disk.isFull = false;
  await clock.advance(10_000);
  assert.equal(room.isFull, false);
  await clock.advance(3_600_000);
  assert.equal(disk.looks, 7);
});

Deno.test("nobody looks any more once it is closed", async () => {
  const { disk, clock, room, store } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  room.close();
  disk.looks = 0;
  await clock.advance(60_000);
  assert.equal(disk.looks, 0);
});

Deno.test("a disk that cannot be looked at any more is looked at again, and breaks nothing", async () => {
  const { disk, clock, room, store } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  disk.hold = () => Promise.reject(new Error("it was unplugged"));
  await clock.advance(60_000);
  await assert.rejects(put(store, "a"), REFUSAL);
  disk.hold = () => Promise.resolve(true);
  await clock.advance(10_000);
  assert.equal(room.state, "roomy");
});

Deno.test("what an I/O error means is seen by the room that is left", async () => {
  const { disk, room, store } = await setUp();
  disk.isFull = true;
  disk.says = "disk I/O error";
  disk.hasRoom = () => Promise.resolve(true);
  await assert.rejects(put(store, "a"), { message: "Cannot write: disk I/O error" });
  assert.equal(room.isFull, false);
  disk.hasRoom = () => Promise.resolve(false);
  await assert.rejects(put(store, "a"), REFUSAL);
});

Deno.test("what is held back becomes the file's in one go, before the write is repeated", async () => {
  const { disk, file, room } = await setUp();
  disk.isFull = true;
  assert.equal(await room.relieve(new Error("conflict")), false);
  assert.equal(await room.relieve(new Error(FULL)), true);
  assert.deepEqual([room.state, disk.isHeld, file.done], ["full", false, ["checkpoint", "claim"]]);
  assert.equal(await room.relieve(new Error(FULL)), true);
  assert.deepEqual(file.done.slice(2), ["checkpoint"]);
});

Deno.test("the first write that finds the disk full is repeated when it is urgent, and else is not", async () => {
  for (const isUrgent of [true, false]) {
    const { room } = await setUp();
    const repeated = room.write(() => room.relieve(new Error(FULL)), { bytes: 0, isUrgent });
    assert.equal(await repeated, isUrgent);
  }
});

Deno.test("soon after a deletion the file is looked at; when it has room of its own, all is taken again", async () => {
  const { disk, file, clock, room, store, told } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  await remove(store, "kept");
  file.room = 5 * MIB;
  await clock.advance(1_000);
  assert.deepEqual([room.state, room.isFull, told], ["reusing", true, [true, true]]);
  disk.isFull = false;
  disk.hold = () => Promise.resolve(false);
  await put(store, "a");
});

Deno.test("a file's own room is written to as far as it goes, but for what is held back in it", async () => {
  const { disk, file, clock, room, store } = await setUp();
  await room.relieve(new Error(FULL));
  disk.hold = () => Promise.resolve(false);
  file.room = 4 * MIB;
  await room.write(() => Promise.resolve(), { bytes: 0, isUrgent: true });
  await clock.advance(1_000);
  assert.equal(room.state, "reusing");
  await room.write(() => Promise.resolve(), { bytes: MIB, isUrgent: false });
  file.room = 2 * MIB;
  await assert.rejects(put(store, "a"), REFUSAL);
  assert.equal(room.state, "full");
});

Deno.test("when not even a deletion can be written, the refusal says so, until one can", async () => {
  const { disk, room, store } = await setUp();
  disk.isFull = true;
  await assert.rejects(put(store, "a"), REFUSAL);
  disk.isHeld = true; // nothing at all can be written
  disk.hold = () => Promise.resolve(false);
  await assert.rejects(remove(store, "kept"), SPENT);
  await assert.rejects(put(store, "a"), SPENT);
  assert.equal(room.state, "exhausted");
  disk.isHeld = false;
  await remove(store, "kept");
  await assert.rejects(put(store, "a"), REFUSAL);
});

Deno.test("what cannot be opened on a full disk is opened on the room of the ballast", async () => {
  const { disk, room } = await setUp();
  let tries = 0;
  const open = () => {
    if (tries++ === 0) throw new Error(FULL);
    return Promise.resolve(disk.isHeld);
  };
  assert.equal(await room.opening(async () => await open()), false);
  await assert.rejects(room.opening(() => Promise.reject(new Error("damaged"))), /damaged/);
  await assert.rejects(room.opening(() => Promise.reject(new Error(FULL))), {
    name: "UnavailableError",
    message:
      'Cannot open the data in "/data": its disk is full; make room on it, then start again: nothing is lost',
  });
});

Deno.test("leases go on however long the disk is full, also when not even their revisions can be told", async () => {
  const { disk, store } = await setUp({ takesAll: true });
  await lease(store);
  disk.isFull = true;
  disk.isHeld = true; // nothing at all can be written
  for (let i = 0; i < 25_000; i++) await lease(store);
  disk.isFull = false;
  const before = disk.batches.length;
  for (let i = 0; i < 10_000; i++) await lease(store);
  assert.equal(disk.batches.length, before + 1, "told once it can be");
  const again = await MemoryStore.open(new MemoryJournal(disk.durable));
  assert.ok(again.revision > store.revision);
});

function keyOf(name: string): Key {
  return [groupResourceOf(configMaps), "default", name];
}

function objectOf(name: string): KubeObject {
  const metadata = {
    name,
    namespace: "default",
    uid: name,
    resourceVersion: "",
    creationTimestamp: "",
  };
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

function revisionOf(store: MemoryStore, name: string): number {
  return store.get(keyOf(name))?.revision ?? 0;
}

async function put(store: MemoryStore, name: string): Promise<void> {
  await store.commit([{
    key: keyOf(name),
    value: objectOf(name),
    expected: revisionOf(store, name),
  }]);
}

async function remove(store: MemoryStore, name: string): Promise<void> {
  const expected = revisionOf(store, name);
  await store.commit([{ key: keyOf(name), value: undefined, expected }]);
}

async function lease(store: MemoryStore): Promise<void> {
  const expected = store.get(LEASE_KEY)?.revision ?? 0;
  await store.commit([{ key: LEASE_KEY, value: objectOf("n1"), expected }]);
}
