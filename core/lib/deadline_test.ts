import assert from "node:assert/strict";
import { Deadline, within } from "./deadline.ts";
import { VirtualClock } from "./virtual_clock.ts";

const LATE = new Error("late");

function limitOf(clock: VirtualClock, ms: number) {
  return { clock, ms, late: () => LATE };
}

Deno.test("a deadline aborts when its time is up, and not before", async () => {
  const clock = new VirtualClock();
  using deadline = new Deadline(limitOf(clock, 1_000));
  await clock.advance(999);
  assert.deepEqual([deadline.signal.aborted, deadline.hasPassed], [false, false]);
  await clock.advance(1);
  assert.deepEqual([deadline.signal.reason, deadline.hasPassed], [LATE, true]);
});

Deno.test("a deadline that is disposed of never passes, and leaves no timer", async () => {
  const clock = new VirtualClock();
  const deadline = new Deadline(limitOf(clock, 1_000));
  deadline[Symbol.dispose]();
  assert.equal(clock.pending, 0);
  await clock.advance(2_000);
  assert.equal(deadline.signal.aborted, false);
});

Deno.test("a deadline aborts with its outer signal, also after it was disposed of", () => {
  const [clock, reason] = [new VirtualClock(), new Error("stop")];
  for (const isDisposed of [false, true]) {
    const outer = new AbortController();
    const deadline = new Deadline(limitOf(clock, 1_000), outer.signal);
    if (isDisposed) deadline[Symbol.dispose]();
    outer.abort(reason);
    assert.deepEqual([deadline.signal.reason, deadline.hasPassed], [reason, false]);
    deadline[Symbol.dispose]();
  }
});

Deno.test("of an abort and the end of time, the first counts", async () => {
  const [clock, reason] = [new VirtualClock(), new Error("stop")];
  const outer = new AbortController();
  using deadline = new Deadline(limitOf(clock, 1_000), outer.signal);
  outer.abort(reason);
  await clock.advance(1_000);
  assert.deepEqual([deadline.signal.reason, deadline.hasPassed], [reason, false]);
});

Deno.test("without a limit there is no timer", async () => {
  const clock = new VirtualClock();
  using deadline = new Deadline(limitOf(clock, Infinity));
  const work = within(Promise.resolve(1), limitOf(clock, Infinity));
  assert.deepEqual([clock.pending, deadline.signal.aborted], [0, false]);
  assert.equal(await work, 1);
});

Deno.test("work within its time comes out as it is, and leaves no timer", async () => {
  const [clock, fault] = [new VirtualClock(), new Error("fault")];
  assert.equal(await within(Promise.resolve(1), limitOf(clock, 1_000)), 1);
  await assert.rejects(within(Promise.reject(fault), limitOf(clock, 1_000)), fault);
  assert.equal(clock.pending, 0);
});

Deno.test("work that is late is rejected once time is up, and its own failure is ignored", async () => {
  const [clock, work] = [new VirtualClock(), Promise.withResolvers<number>()];
  let outcome: unknown;
  within(work.promise, limitOf(clock, 1_000)).catch((error) => outcome = error);
  await clock.advance(999);
  assert.equal(outcome, undefined);
  await clock.advance(1);
  assert.equal(outcome, LATE);
  work.reject(new Error("unheard"));
  await clock.advance(0);
});
