import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { MachineReadings } from "./machine_readings.ts";
import { type MeasuredContainer, UsageReporter } from "./usage_reporter.ts";

const SECOND_NANOS = 1e9;
const MEMORY = { usedBytes: 9, workingSetBytes: 8, rssBytes: 7, pageFaults: 0, majorPageFaults: 0 };

Deno.test("who asks first waits for a window of a second; the next gets what was measured last", async () => {
  const { ask, clock, reads } = machine();
  assert.equal(reads.count, 0);
  const first = await ask();
  assert.deepEqual(first.cpu.rate, { perSecond: 2 * SECOND_NANOS, windowMs: 1_000 });
  assert.deepEqual(first.pods[0]!.containers[0]!.cpu.rate, {
    perSecond: SECOND_NANOS / 2,
    windowMs: 1_000,
  });
  const { count } = reads;
  await clock.advance(10_000);
  assert.equal(await ask(0), first);
  assert.equal(reads.count, count);
  await clock.advance(6_000);
  const later = await ask(0);
  assert.equal(later.cpu.rate!.windowMs, 15_000);
});

Deno.test("nothing is measured when nobody has asked for two minutes, and a stale window is not used", async () => {
  const { ask, clock, reads, use } = machine();
  await ask();
  await clock.advance(200_000);
  const { count } = reads;
  await clock.advance(3_600_000);
  assert.equal(reads.count, count);
  use.node = 1;
  const next = await ask();
  assert.deepEqual(next.cpu.rate, { perSecond: SECOND_NANOS, windowMs: 1_000 });
});

Deno.test("many who ask at once are answered by one measurement", async () => {
  const { ask, reads } = machine();
  const all = await Promise.all([ask(), ask(), ask()]);
  assert.ok(all.every((report) => report === all[0]));
  assert.equal(reads.count, 2);
});

Deno.test("a container that has started since then has a rate since its start, another one none", async () => {
  const { ask, clock, containers, reporter } = machine();
  await ask();
  await clock.advance(5_000);
  containers.push(container("young", clock.now() - 2_000), container("old", clock.now() - 60_000));
  const [, young, old] = reporter.sample().pods[0]!.containers;
  assert.equal(young!.cpu.rate!.windowMs, 2_000);
  assert.equal(old!.cpu.rate, undefined);
});

Deno.test("a counter that goes back, and a container without processes, have no rate", async () => {
  const { ask, clock, reset, gone, reporter } = machine();
  await ask();
  await clock.advance(5_000);
  reset();
  assert.equal(reporter.sample().cpu.rate, undefined);
  gone.add("main");
  assert.deepEqual(reporter.sample().pods, []);
});

Deno.test("files are counted only for who asks for them, and once a minute", async () => {
  const { ask, clock, reporter, counted } = machine();
  await ask();
  assert.deepEqual(counted, []);
  const { pods: [pod] } = await reporter.report({ withFiles: true });
  assert.deepEqual(pod!.files, { bytes: 2, inodes: 2 });
  assert.deepEqual(pod!.containers[0]!.layer, { bytes: 1, inodes: 1 });
  assert.equal(counted.length, 3);
  await reporter.report({ withFiles: true });
  assert.equal(counted.length, 3);
  for (let i = 0; i < 5; i++) await clock.advance(15_000), await ask(0);
  await reporter.report({ withFiles: true });
  assert.equal(counted.length, 6);
});

Deno.test("a reporter that is closed measures no more by itself", async () => {
  const { ask, clock, reads, reporter } = machine();
  await ask();
  reporter.close();
  const { count } = reads;
  await clock.advance(60_000);
  assert.equal(reads.count, count);
});

function container(name: string, startedAtMs: number): MeasuredContainer {
  return { id: name, name, pid: 1, startedAtMs, layerFolder: "/layer", logFolder: "/logs" };
}

function machine() {
  const clock = new VirtualClock();
  const reads = { count: 0 };
  /** Cores in use. */
  const use = { node: 2, container: 0.5 };
  const counted: string[] = [];
  const gone = new Set<string>();
  const containers = [container("main", clock.now() - 3_600_000)];
  let startMs = clock.elapsed() - 10_000;
  const nanos = (cores: number) => (clock.elapsed() - startMs) * 1e6 * cores;
  const readings: MachineReadings = {
    node: () => {
      reads.count++;
      return { startedAtMs: 0, memory: MEMORY, cpu: { totalNanos: nanos(use.node) } };
    },
    pressure: () => ({ memory: { availableBytes: 1, totalBytes: 2 } }),
    container: (id) =>
      gone.has(id) ? undefined : { memory: MEMORY, cpu: { totalNanos: nanos(use.container) } },
    network: () => undefined,
    keepOnly: () => {},
    files: (folders) => {
      counted.push(folders.join());
      return Promise.resolve({ bytes: folders.length, inodes: folders.length });
    },
  };
  const pods = () => [{
    ...{ name: "web", namespace: "default", uid: "uid-1", startedAtMs: 0, folder: "/pod" },
    containers,
  }];
  const reporter = new UsageReporter({ node: "n", clock, readings, pods, probes: () => [] });
  return {
    ...{ clock, reads, use, counted, gone, containers, reporter },
    reset: () => startMs = clock.elapsed(),
    ask: async (waitMs = 1_000) => {
      const report = reporter.report();
      await clock.advance(waitMs);
      return await report;
    },
  };
}
