import assert from "node:assert/strict";
import { VirtualClock } from "../../virtual_clock.ts";
import {
  FreedMemory,
  isWorthCollecting,
  isWorthTrimming,
  type RestSighting,
} from "./freed_memory.ts";

const MIB = 1024 * 1024;

Deno.test("freed memory is given back as it grows, and from time to time while there is too much", () => {
  const cases: [string, number, number, number, number, boolean][] = [
    ["nothing has changed", 150, 150, 150, 2_000, false],
    ["a little more", 165, 150, 150, 2_000, false],
    ["more", 166, 150, 150, 2_000, true],
    ["less than last time", 190, 300, 150, 2_000, false],
    ["much more than the least, for long", 190, 300, 150, 30_000, true],
    ["little more than the least, for long", 180, 300, 150, 30_000, false],
  ];
  for (const [what, resident, last, least, sinceLastMs, expected] of cases) {
    const seen = {
      residentBytes: resident * MIB,
      lastBytes: last * MIB,
      leastBytes: least * MIB,
      sinceLastMs,
    };
    assert.equal(isWorthTrimming(seen), expected, what);
  }
});

Deno.test("garbage is collected once a process is at rest, and again when it has got much larger", () => {
  const settled: RestSighting = {
    cpuMs: 40,
    heapUsedBytes: 48 * MIB,
    residentBytes: 182 * MIB,
    upMs: 10_000,
  };
  const after = (mib: number, agoMs: number) => ({ last: { residentBytes: mib * MIB, agoMs } });
  const cases: [string, Partial<RestSighting>, boolean][] = [
    ["at rest for the first time", {}, true],
    ["just started", { upMs: 9_999 }, false],
    ["busy", { cpuMs: 41 }, false],
    ["a large heap", { heapUsedBytes: 48 * MIB + 1 }, false],
    ["collected, and much larger now", after(150, 30_000), true],
    ["collected, and a little larger now", after(151, 30_000), false],
    ["collected just now", after(150, 29_999), false],
    ["what it began with is over", { ...after(182, 110_000), upMs: 120_000 }, true],
    ["nearly over", { ...after(182, 109_999), upMs: 119_999 }, false],
    ["collected since that was over", { ...after(182, 30_000), upMs: 150_000 }, false],
    ["much larger and busy", { ...after(150, 30_000), cpuMs: 41 }, false],
  ];
  for (const [what, change, expected] of cases) {
    assert.equal(isWorthCollecting({ ...settled, ...change }), expected, what);
  }
});

Deno.test("it goes on until it is disposed of, and keeps nothing open", async () => {
  const clock = new VirtualClock(0);
  const memory = FreedMemory.keepGivingBack(clock);
  await clock.advance(60_000);
  memory?.[Symbol.dispose]();
});
