import assert from "node:assert/strict";
import { VirtualClock } from "../virtual_clock.ts";
import { FreedMemory, isWorthTrimming } from "./freed_memory.ts";

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

Deno.test("it goes on until it is disposed of, and keeps nothing open", async () => {
  const clock = new VirtualClock(0);
  const memory = FreedMemory.keepGivingBack(clock);
  await clock.advance(60_000);
  memory?.[Symbol.dispose]();
});
