import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { newSecretKey } from "../../core/store/encryption/secret_keys.ts";
import type { Key } from "../../core/store/store.ts";
import { Checkpoint } from "./checkpoint.ts";
import { FaultyDisk } from "./faulty_disk.ts";

const KEY = newSecretKey("2026-12-01T00:00:00Z");

Deno.test("what was put is there after a restart, with its position, and what was removed is not", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  assert.equal(checkpoint.isKept, false);
  checkpoint.follow(() => ({ pods: "7" }));
  checkpoint.put(key("a"), { n: 1 });
  checkpoint.put(key("b"), { n: 2 });
  await checkpoint.flush();
  checkpoint.put(key("a"), { n: 3 });
  checkpoint.remove(key("b"));
  await checkpoint.close();
  const again = (await opened(disk)).checkpoint;
  assert.equal(again.isKept, true);
  assert.deepEqual(again.position, { pods: "7" });
  assert.deepEqual(valuesOf(again), { a: { n: 3 } });
});

Deno.test("what changes within a second is written at once, and at rest nothing is", async () => {
  const disk = new FaultyDisk();
  const { checkpoint, clock } = await opened(disk);
  checkpoint.put(key("a"), 1);
  checkpoint.put(key("b"), 2);
  await clock.advance(1_000);
  await checkpoint.flush();
  assert.equal(disk.writes, 1);
  checkpoint.put(key("a"), 3, { isUrgent: false });
  await clock.advance(24 * 60 * 60 * 1_000);
  assert.equal(disk.writes, 1);
  assert.equal(clock.pending, 0);
  checkpoint.put(key("b"), 4);
  await checkpoint.flush();
  assert.deepEqual(valuesOf((await opened(disk)).checkpoint), { a: 3, b: 4 });
});

Deno.test("a change of one value does not write the others", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  for (let n = 0; n < 1_000; n++) checkpoint.put(key(`s${n}`), { text: "x".repeat(2_000) });
  await checkpoint.flush();
  const before = disk.bytesWritten;
  for (let n = 0; n < 100; n++) {
    checkpoint.put(key("s1"), { text: "y".repeat(2_000), n });
    await checkpoint.flush();
  }
  assert.ok(disk.bytesWritten - before < 100 * 2_500, `${disk.bytesWritten - before} bytes`);
});

Deno.test("the files stay small however often a value changes, and there are two at most", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  for (let n = 0; n < 1_000; n++) {
    checkpoint.put(key("a"), { text: "x".repeat(2_000), n });
    await checkpoint.flush();
    assert.ok(disk.files.size <= 2);
  }
  const bytes = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0);
  assert.ok(bytes < 600_000, `${bytes} bytes`);
  assert.deepEqual(valuesOf((await opened(disk)).checkpoint), {
    a: { text: "x".repeat(2_000), n: 999 },
  });
});

Deno.test("secrets are encrypted, and cannot be read with another key", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  const secret: Key = ["secrets", "default", "s"];
  checkpoint.put(secret, { password: "hunter2" });
  checkpoint.put(key("a"), "in the clear");
  await checkpoint.close();
  const text = new TextDecoder().decode([...disk.files.values()][0]);
  assert.ok(text.includes("in the clear"));
  assert.ok(!text.includes("hunter2") && !text.includes(btoa("hunter2").slice(0, 6)));
  assert.deepEqual((await opened(disk)).checkpoint.get(secret), { password: "hunter2" });
  const other = await opened(disk, { key: newSecretKey("2026-12-01T00:00:00Z") });
  assert.equal(other.checkpoint.isKept, false);
});

Deno.test("what is kept of another cluster does not count, and goes with the first write", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  checkpoint.put(key("a"), 1);
  await checkpoint.close();
  const other = (await opened(disk, { cluster: "other" })).checkpoint;
  assert.equal(other.isKept, false);
  other.put(key("b"), 2);
  await other.close();
  assert.deepEqual([...disk.files.keys()], ["2"]);
  assert.equal((await opened(disk)).checkpoint.isKept, false);
});

Deno.test("a full disk is no loss: what changed meanwhile is written when there is room", async () => {
  const disk = new FaultyDisk();
  const { checkpoint, clock } = await opened(disk);
  checkpoint.put(key("a"), 1);
  await checkpoint.flush();
  disk.isFull = true;
  checkpoint.put(key("a"), 2);
  checkpoint.put(key("b"), "x".repeat(100));
  await checkpoint.flush();
  assert.deepEqual(valuesOf((await opened(disk)).checkpoint), { a: 1 });
  disk.isFull = false;
  await clock.advance(1_000);
  await checkpoint.flush();
  assert.deepEqual(valuesOf((await opened(disk)).checkpoint), { a: 2, b: "x".repeat(100) });
});

Deno.test("whatever byte is damaged, or wherever a file is cut: a state that there was, never a part of one", async () => {
  const disk = new FaultyDisk();
  const states = new Set(await history(disk));
  const names = [...disk.files.keys()];
  assert.equal(names.length, 2);
  const file = fc.constantFrom(...names);
  const damage = fc.record({ file, at: fc.nat(100_000), bit: fc.nat(7), isCut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(damage, async ({ file, at, bit, isCut }) => {
      const files = new Map(disk.files);
      const bytes = files.get(file)!.slice();
      const offset = at % bytes.length;
      bytes[offset]! ^= 1 << bit;
      files.set(file, isCut ? bytes.subarray(0, offset) : bytes);
      const found = (await opened(new FaultyDisk(files))).checkpoint;
      assert.ok(found.isKept);
      assert.ok(states.has(stateOf(found)), stateOf(found));
    }),
    { numRuns: 500 },
  );
});

Deno.test("a file that is damaged gives way with the next change, and the one that was read stays until then", async () => {
  const disk = new FaultyDisk();
  await history(disk);
  const [older, newest] = [...disk.files.keys()].map(Number).toSorted((a, b) => a - b);
  disk.files.set(String(newest), new Uint8Array(100));
  const { checkpoint } = await opened(disk);
  checkpoint.put(key("after"), 1);
  await checkpoint.close();
  const names = [...disk.files.keys()].map(Number).toSorted((a, b) => a - b);
  assert.deepEqual(names, [older, newest! + 1]);
  assert.deepEqual(valuesOf((await opened(disk)).checkpoint), valuesOf(checkpoint));
});

Deno.test("every byte of a small file: cut there or flipped there, a state that there was or none", async () => {
  const disk = new FaultyDisk();
  const { checkpoint } = await opened(disk);
  const states = new Set([NOTHING]);
  for (const n of [1, 2, 3]) {
    checkpoint.follow(() => n);
    checkpoint.put(key(`k${n}`), n);
    checkpoint.put(["secrets", "default", "s"], n);
    await checkpoint.flush();
    states.add(stateOf(checkpoint));
  }
  const [name, bytes] = [...disk.files][0]!;
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at]! ^= 0x55;
    for (const damaged of [flipped, bytes.subarray(0, at)]) {
      const found = (await opened(new FaultyDisk(new Map([[name, damaged]])))).checkpoint;
      assert.ok(states.has(stateOf(found)), `${at}: ${stateOf(found)}`);
    }
  }
});

Deno.test("wherever the power fails, the last state that was written or the one before it is there", async () => {
  const whole = new FaultyDisk();
  await history(whole);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.bytesWritten), async (bytes) => {
      const disk = new FaultyDisk();
      disk.bytesLeft = bytes;
      const states = await history(disk);
      disk.bytesLeft = Infinity;
      const found = (await opened(disk)).checkpoint;
      // The last one may have been on its way.
      assert.ok([NOTHING, ...states].slice(-2).includes(stateOf(found)), stateOf(found));
      found.put(key("after"), "it goes on");
      await found.close();
      const { checkpoint: again } = await opened(disk);
      assert.deepEqual(valuesOf(again), valuesOf(found));
    }),
    { numRuns: 200 },
  );
});

const NOTHING = JSON.stringify({ values: {} });
const HISTORY = 60;

/** Writes states that grow and shrink, with some files; all that there were until the power failed. */
async function history(disk: FaultyDisk): Promise<readonly string[]> {
  const { checkpoint } = await opened(disk);
  const states: string[] = [];
  for (let n = 0; n < HISTORY && disk.bytesLeft >= 0; n++) {
    checkpoint.follow(() => n);
    checkpoint.put(key(`k${n % 7}`), { n, text: "x".repeat(n % 5 === 0 ? 60_000 : 20) });
    checkpoint.put(["secrets", "default", "s"], { n });
    if (n % 3 === 0) checkpoint.remove(key(`k${(n + 3) % 7}`));
    states.push(stateOf(checkpoint));
    await checkpoint.flush();
  }
  return states;
}

function stateOf(checkpoint: Checkpoint): string {
  const values = Object.fromEntries(
    [...checkpoint.values()].toSorted(([a], [b]) => a < b ? -1 : 1),
  );
  return JSON.stringify({ position: checkpoint.position, values });
}

async function opened(
  disk: FaultyDisk,
  { key = KEY, cluster = "home" }: { key?: typeof KEY; cluster?: string } = {},
) {
  const clock = new VirtualClock();
  const checkpoint = await Checkpoint.open({
    ...{ disk, key, cluster, clock, log: silentLog(clock) },
    isSecret: ([resource]) => resource === "secrets",
  });
  return { checkpoint, clock };
}

function key(name: string): Key {
  return ["configmaps", "default", name];
}

function valuesOf(checkpoint: Checkpoint): Record<string, unknown> {
  return Object.fromEntries(
    [...checkpoint.values()].map(([path, value]) => [path.split("/")[2]!, value]),
  );
}
