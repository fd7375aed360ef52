import assert from "node:assert/strict";
import { GuardedStore } from "../crash/guarded_store.ts";
import { canMount, MOUNT_NEEDED, SmallDisk } from "../crash/small_disk.ts";
import { keyOf, RESOURCE } from "../crash/writer_lines.ts";
import { later } from "../eventually.ts";

const DISK_BYTES = 24 * 1024 * 1024;
const LARGE_BYTES = 930_000;
const SMALL_BYTES = 5_000;
const FULL =
  /^UnavailableError: Cannot write: the disk of ".*" is full; make room on it: until then objects can only be read and deleted$/;

test("a user who fills the disk with large objects keeps nobody from deleting them, and from writing then", () =>
  onDisk(async (_disk, guarded) => {
    const { names, error } = await guarded.putUntilRefused("large", LARGE_BYTES);
    assert.match(String(error), FULL);
    for (const name of names.slice(0, 5)) await guarded.remove(name);
    for (let i = 0; i < 3; i++) await guarded.put(`again${i}`, LARGE_BYTES);
    assert.equal(guarded.room.state, "reusing");
    assert.equal(guarded.store.get(keyOf(names[0]!)), undefined);
  }));

test("who fills it with small objects does not either", () =>
  onDisk(async (_disk, guarded) => {
    const { names, error } = await guarded.putUntilRefused("small", SMALL_BYTES);
    assert.match(String(error), FULL);
    await Promise.all(names.slice(0, names.length / 2).map((name) => guarded.remove(name)));
    for (let i = 0; i < 100; i++) await guarded.put(`again${i}`, SMALL_BYTES);
    assert.equal(guarded.room.state, "reusing");
  }));

test("who goes on writing beyond the file's own room is refused again, and deletions go on", () =>
  onDisk(async (_disk, guarded) => {
    const { names } = await guarded.putUntilRefused("large", LARGE_BYTES);
    for (let round = 0; round < 3; round++) {
      for (const name of names.splice(0, 4)) await guarded.remove(name);
      const { names: more, error } = await guarded.putUntilRefused(`round${round}-`, LARGE_BYTES);
      assert.match(String(error), FULL);
      assert.ok(more.length > 0);
      names.push(...more);
    }
    for (const name of names) await guarded.remove(name);
    assert.notEqual(guarded.room.state, "exhausted");
  }));

test("who takes each byte that is given up keeps no deletion from being written", () =>
  SmallDisk.with(DISK_BYTES, async (disk) => {
    const first = await GuardedStore.open(disk.folder);
    for (let i = 0; i < 300; i++) await first.put(`small${i}`, SMALL_BYTES);
    for (let i = 0; i < 5; i++) await first.put(`large${i}`, LARGE_BYTES);
    await first.close();
    const guarded = await GuardedStore.open(disk.folder); // its write-ahead log is short
    const taking = new AbortController();
    const taken = takeAll(disk, taking.signal);
    try {
      const { error } = await guarded.putUntilRefused("more", SMALL_BYTES);
      assert.match(String(error), FULL);
      for (let i = 0; i < 300; i++) await guarded.remove(`small${i}`);
      for (let i = 0; i < 5; i++) await guarded.remove(`large${i}`);
      for (let i = 0; i < 3; i++) await guarded.put(`again${i}`, LARGE_BYTES);
      assert.equal(guarded.room.state, "reusing");
    } finally {
      taking.abort();
      await taken;
      await guarded.close();
    }
  }));

test("a deletion that is the first to meet a full disk is written", () =>
  onDisk(async (disk, guarded) => {
    await guarded.put("gone", SMALL_BYTES);
    await disk.fill();
    await guarded.remove("gone");
    assert.equal(guarded.room.state, "full");
    await assert.rejects(guarded.put("refused", SMALL_BYTES), FULL);
  }));

test("a file that is mostly air gives it back to a full disk, without a restart", () =>
  onDisk(async (disk, guarded) => {
    const { names } = await guarded.putUntilRefused("large", LARGE_BYTES);
    for (const name of names) await guarded.remove(name);
    await guarded.room.lookAgain();
    assert.equal(guarded.room.state, "roomy");
    assert.ok(await disk.has("store.ballast"));
  }));

test("what a store gives back when it is closed on a full disk is held for its next start", () =>
  SmallDisk.with(DISK_BYTES, async (disk) => {
    const first = await GuardedStore.open(disk.folder);
    await first.putUntilRefused("large", LARGE_BYTES);
    await first.close();
    await disk.fill();
    const second = await GuardedStore.open(disk.folder);
    assert.deepEqual(shown(second), shown(first));
    assert.equal(second.room.state, "full");
    await second.remove("large0");
    await second.close();
  }));

test("a process that is killed on a full disk leaves the next one what deletions need", () =>
  SmallDisk.with(DISK_BYTES, async (disk) => {
    const writer = new URL("../crash/full_disk_writer.ts", import.meta.url).href;
    const args = ["run", "-A", "--quiet", writer, disk.folder];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    const count = Number(new TextDecoder().decode(stdout));
    assert.ok(count > 5);
    await disk.fill();
    const next = await GuardedStore.open(disk.folder);
    assert.equal(next.room.state, "full");
    assert.equal(next.store.list([RESOURCE]).length, count - 1);
    for (let i = 1; i < count; i++) await next.remove(`large${i}`);
    await next.put("again", LARGE_BYTES);
    await next.close();
  }));

test("a start on a full disk with nothing held back says what to do, and that nothing is lost", () =>
  SmallDisk.with(DISK_BYTES, async (disk) => {
    const first = await GuardedStore.open(disk.folder);
    await first.put("kept", SMALL_BYTES);
    await first.close();
    await Deno.remove(`${disk.folder}/store.ballast`);
    await disk.fill();
    await assert.rejects(
      GuardedStore.open(disk.folder),
      /^UnavailableError: Cannot open the data in ".*": its disk is full; make room on it, then start again: nothing is lost$/,
    );
    await disk.makeRoom();
    const second = await GuardedStore.open(disk.folder);
    assert.deepEqual(shown(second), shown(first));
    assert.equal(second.room.state, "roomy");
    await second.close();
  }));

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${MOUNT_NEEDED}`, ignore: !canMount, fn });
}

/** Runs a store on a small disk; afterwards a restart must find exactly what it showed. */
async function onDisk(
  body: (disk: SmallDisk, guarded: GuardedStore) => Promise<void>,
): Promise<void> {
  await SmallDisk.with(DISK_BYTES, async (disk) => {
    const guarded = await GuardedStore.open(disk.folder);
    try {
      await body(disk, guarded);
    } finally {
      await guarded.close();
    }
    const again = await GuardedStore.open(disk.folder);
    await again.close();
    assert.deepEqual(shown(again), shown(guarded));
  });
}

function shown({ store }: GuardedStore): unknown {
  return store.list([RESOURCE]).map(({ key, revision, bytes }) => [key, revision, bytes.length]);
}

/** Keeps filling the disk, between any two steps of the store. */
async function takeAll(disk: SmallDisk, signal: AbortSignal): Promise<void> {
  const piece = new Uint8Array(64 * 1024);
  using file = await Deno.open(`${disk.folder}/greed`, { create: true, append: true });
  for (; !signal.aborted; await later(0)) {
    try {
      while (file.writeSync(piece) > 0);
    } catch {
      // the disk is full
    }
  }
}
