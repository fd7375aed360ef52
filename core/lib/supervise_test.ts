import assert from "node:assert/strict";
import { AssertionError } from "./assert.ts";
import { waitMsAfter } from "./backoff.ts";
import { Log } from "./log.ts";
import { supervise } from "./supervise.ts";
import { VirtualClock } from "./virtual_clock.ts";

function supervision() {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const waits: number[] = [];
  const sink = (line: string) => void waits.push(JSON.parse(line).waitMs);
  const log = new Log({ clock, sink, level: "info", format: "json" });
  return { name: "the loop", clock, log, stop, signal: stop.signal, waits };
}

Deno.test("waits double from the first to the longest", () => {
  const backoff = { firstMs: 100, maxMs: 1000, factor: 2 };
  const waits = [0, 1, 2, 3, 4, 5, 5000].map((failures) => waitMsAfter(failures, backoff));
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1000, 1000]);
  assert.equal(waitMsAfter(5000, { ...backoff, firstMs: 0 }), 0);
});

Deno.test("a loop that fails or ends is started again after growing waits", async () => {
  const parts = supervision();
  let starts = 0;
  const ended = supervise(parts, () => {
    starts++;
    return starts % 2 ? Promise.reject(new Error("broken pipe")) : Promise.resolve();
  });
  for (let i = 0; i < 12; i++) await parts.clock.step();
  parts.stop.abort();
  await ended;
  assert.deepEqual(parts.waits.slice(0, 10), [
    ...[100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600],
    30_000,
  ]);
});

Deno.test("a loop that ran well for a minute starts with small waits again", async () => {
  const parts = supervision();
  let starts = 0;
  const ended = supervise(parts, async (signal) => {
    if (++starts === 5) await parts.clock.sleep(61_000, signal);
    throw new Error("broken pipe");
  });
  for (let i = 0; i < 6; i++) await parts.clock.step();
  parts.stop.abort();
  await ended;
  assert.deepEqual(parts.waits.slice(0, 6), [100, 200, 400, 800, 100, 200]);
});

Deno.test("a fault of ours is not hidden by starting again", async () => {
  const loop = () => Promise.reject(new AssertionError("two leaders"));
  await assert.rejects(supervise(supervision(), loop), /two leaders/);
});

Deno.test("the signal ends the loop, and the wait between two starts", async () => {
  const running = supervision();
  const ended = supervise(running, (signal) => running.clock.sleep(Infinity, signal));
  running.stop.abort();
  await ended;
  const waiting = supervision();
  const gaveUp = supervise(waiting, () => Promise.reject(new Error("broken pipe")));
  await waiting.clock.advance(10);
  waiting.stop.abort();
  await gaveUp;
  assert.equal(waiting.clock.pending, 0);
});
