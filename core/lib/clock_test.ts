import assert from "node:assert/strict";
import { SystemClock } from "./clock.ts";
import { settled, VirtualClock } from "./virtual_clock.ts";

const LONGER_THAN_TIMERS_MS = 2 ** 31;

Deno.test("a wait longer than the platform's timers does not end at once", async () => {
  let fired = false;
  const cancel = new SystemClock().after(LONGER_THAN_TIMERS_MS, () => fired = true);
  await new SystemClock().sleep(5);
  cancel(); // the test runner finds the timer when it is still set
  assert.equal(fired, false);
});

Deno.test("a sleep ends with the signal's reason and leaves no timer behind", async () => {
  for (const clock of [new SystemClock(), new VirtualClock()]) {
    const stop = new AbortController();
    const asleep = clock.sleep(60_000, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(asleep, /enough/);
    await assert.rejects(clock.sleep(0, stop.signal), /enough/);
    if (clock instanceof VirtualClock) assert.equal(clock.pending, 0);
  }
});

Deno.test("virtual time fires timers in the order of their time, then of their setting", async () => {
  const clock = new VirtualClock(1000);
  const fired: string[] = [];
  const act = (name: string) => () => void fired.push(`${name}@${clock.now()}`);
  clock.after(20, act("late"));
  clock.after(10, act("first"));
  clock.after(10, act("second"));
  clock.after(5, act("never"))();
  clock.after(0, () => clock.after(10, act("third")));
  await clock.advance(10);
  assert.deepEqual(fired, ["first@1010", "second@1010", "third@1010"]);
  assert.equal(clock.now(), 1010);
  assert.equal(await clock.step(), true);
  assert.deepEqual(fired.slice(3), ["late@1020"]);
  assert.equal(await clock.step(), false);
});

Deno.test("setting a machine's clock does not move the timers", async () => {
  const clock = new VirtualClock(0);
  let fired = false;
  void clock.sleep(1000).then(() => fired = true);
  clock.jump(1e12);
  assert.equal(clock.elapsed(), 0);
  await clock.advance(999);
  assert.equal(fired, false);
  await clock.advance(1);
  assert.equal(fired, true);
  assert.equal(clock.elapsed(), 1000);
});

Deno.test("promises move before virtual time does", async () => {
  const clock = new VirtualClock();
  let turns = 0;
  void (async () => {
    for (; turns < 100; turns++) await Promise.resolve();
  })();
  await settled();
  assert.equal(turns, 100);
  assert.equal(clock.now(), 0);
});
