import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { ListedImage } from "../runtimes/container_runtime.ts";
import { SimulatedRuntime } from "../runtimes/simulated/simulated_runtime.ts";
import { ImageCollector } from "./image_collector.ts";
import { bytesToFree, DISK_SHARES, imagesToRemove, type TrackedImage } from "./unused_images.ts";

Deno.test("a disk is cleared from 85 % on, down to 80 %", () => {
  const free = (availableBytes: number) => bytesToFree({ ...FS, availableBytes }, DISK_SHARES);
  assert.deepEqual([151, 150, 100, 0].map(free).map(Math.round), [0, 50, 100, 200]);
  assert.equal(bytesToFree({ ...FS, capacityBytes: 0 }, DISK_SHARES), 0);
});

Deno.test("what has been unused for longest goes first, and nothing more than is needed", () => {
  const images = [
    tracked("recent", { usedMs: 900_000 }),
    tracked("old", { usedMs: 100_000 }),
    tracked("never", { usedMs: undefined, detectedMs: 50 }),
    tracked("never-older", { usedMs: undefined, detectedMs: 10 }),
    tracked("used", { isUsed: true }),
    tracked("young", { detectedMs: 990_000 }),
    tracked("ours", { names: ["localhost/ours:1"] }),
  ];
  const removed = (bytes: number) =>
    imagesToRemove(images, { bytes, elapsedMs: 1_000_000, ageMsMin: 120_000 }).map(({ id }) => id);
  assert.deepEqual(removed(0), []);
  assert.deepEqual(removed(1), ["never-older"]);
  assert.deepEqual(removed(100), ["never-older"]);
  assert.deepEqual(removed(101), ["never-older", "never"]);
  assert.deepEqual(removed(Infinity), ["never-older", "never", "old", "recent"]);
});

Deno.test("never an image in use, a young one or one made here; enough when there is enough", () => {
  const image = fc.record({
    isUsed: fc.boolean(),
    detectedMs: fc.nat(2_000),
    usedMs: fc.option(fc.nat(2_000), { nil: undefined }),
    sizeBytes: fc.nat(1_000),
    isOurs: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(image), fc.nat(3_000), (all, bytes) => {
    const images = all.map(({ isOurs, ...each }, i) =>
      tracked(String(i), { ...each, names: [`${isOurs ? "localhost" : "docker.io"}/x:${i}`] })
    );
    const removed = imagesToRemove(images, { bytes, elapsedMs: 2_000, ageMsMin: 500 });
    const removable = images.filter(({ isUsed, detectedMs, names }) =>
      !isUsed && detectedMs <= 1_500 && !names[0]!.startsWith("localhost/")
    );
    assert.ok(removed.every((each) => removable.includes(each)));
    const sum = (some: readonly TrackedImage[]) =>
      some.reduce((all, each) => all + each.sizeBytes, 0);
    assert.ok(sum(removed) >= Math.min(bytes, sum(removable)));
    assert.ok(bytes === 0 || sum(removed.slice(0, -1)) < bytes);
  }));
});

Deno.test("images are listed at the start, after a pull and every five minutes; removed when the disk is full", async () => {
  const { collector, clock, runtime, lists, disk, events } = node();
  runtime.listed = [listed("a"), listed("b", true)];
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  await clock.advance(1_000);
  assert.equal(lists.count, 1);
  collector.note({ reference: "a", sizeBytes: 1 });
  await clock.advance(5_000);
  assert.equal(lists.count, 1);
  collector.note({ reference: "new", sizeBytes: 1 });
  collector.note({ reference: "new", sizeBytes: 1 });
  await clock.advance(5_000);
  assert.equal(lists.count, 2);
  disk.availableBytes = 100;
  await clock.advance(310_000);
  assert.deepEqual(runtime.listed.map(({ id }) => id), ["b"]);
  assert.deepEqual(events, []);
  await clock.advance(310_000);
  assert.deepEqual(events, [
    "Warning FreeDiskSpaceFailed Failed to garbage collect required amount of images. " +
    "Attempted to free 100 bytes, but only found 0 bytes eligible to free.",
  ]);
  stop.abort();
  await running;
});

Deno.test("for want of disk all unused images go, also young ones; one that cannot go keeps no other", async () => {
  const { collector, clock, runtime } = node();
  runtime.listed = [listed("a"), listed("b", true), listed("c"), listed("d")];
  const remove = runtime.removeImage.bind(runtime);
  runtime.removeImage = (id) => id === "a" ? Promise.reject(new Error("in use")) : remove(id);
  const cleared = collector.removeAllUnused();
  await clock.advance(1_000);
  await cleared;
  assert.deepEqual(runtime.listed.map(({ id }) => id), ["a", "b"]);
});

const FS = { capacityBytes: 1_000, availableBytes: 500, usedBytes: 500, inodes: 0, inodesFree: 0 };

function tracked(id: string, change: Partial<TrackedImage>): TrackedImage {
  return { ...listed(id), detectedMs: 0, usedMs: 500_000, ...change };
}

function listed(id: string, isUsed = false): ListedImage {
  return { id, isUsed, sizeBytes: 100, names: [`docker.io/library/${id}:1`], reference: id };
}

Deno.test("images that others use, too, are listed and stay", async () => {
  const { collector, clock, runtime, lists, disk } = node({ mayRemove: false });
  runtime.listed = [listed("a")];
  disk.availableBytes = 0;
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  const cleared = collector.removeAllUnused();
  await clock.advance(10_000);
  await cleared;
  assert.deepEqual([lists.count, runtime.listed.length], [1, 1]);
  stop.abort();
  await running;
});

function node({ mayRemove = true } = {}) {
  const clock = new VirtualClock();
  const runtime = new SimulatedRuntime({ clock });
  const lists = { count: 0 };
  const disk = { ...FS };
  const events: string[] = [];
  const collector = new ImageCollector({
    ...{ runtime, clock, log: silentLog(clock), shares: DISK_SHARES, ageMsMin: 120_000, mayRemove },
    disk: () => disk,
    onList: () => lists.count++,
    events: {
      record: (_, { type, reason, message }) => void events.push(`${type} ${reason} ${message}`),
    },
    node: () => ({}) as Node,
  });
  return { collector, clock, runtime, lists, disk, events };
}
