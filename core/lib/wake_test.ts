import assert from "node:assert/strict";
import { VirtualClock } from "./virtual_clock.ts";
import { Wake } from "./wake.ts";

const NEVER = new AbortController().signal;

Deno.test("a wait ends when the flag is set, and the next one waits again", async () => {
  const [wake, clock] = [new Wake(), new VirtualClock()];
  const first = follow(wake.wait(NEVER));
  await clock.advance(1_000);
  assert.equal(first.isOver, false);
  wake.set();
  wake.set();
  await clock.advance(0);
  assert.equal(first.isOver, true);
  const second = follow(wake.wait(NEVER));
  await clock.advance(1_000);
  assert.equal(second.isOver, false);
});

Deno.test("what was set before the wait ends it at once, however often it was set, unless it is cleared", async () => {
  const wake = new Wake();
  wake.set();
  wake.set();
  await wake.wait(NEVER);
  wake.set();
  wake.clear();
  const next = follow(wake.wait(NEVER));
  await new VirtualClock().advance(0);
  assert.equal(next.isOver, false);
});

Deno.test("with a timer a wait ends after its time, and not before", async () => {
  const [wake, clock] = [new Wake(), new VirtualClock()];
  const wait = follow(wake.wait(NEVER, { clock, ms: 1_000 }));
  await clock.advance(999);
  assert.equal(wait.isOver, false);
  await clock.advance(1);
  assert.equal(wait.isOver, true);
});

Deno.test("a timer of no time lets others move first", async () => {
  const [wake, clock] = [new Wake(), new VirtualClock()];
  const wait = follow(wake.wait(NEVER, { clock, ms: -1 }));
  await Promise.resolve();
  assert.equal(wait.isOver, false);
  await clock.advance(0);
  assert.equal(wait.isOver, true);
});

Deno.test("an abort ends the wait without an error, and every later one", async () => {
  const [wake, clock, end] = [new Wake(), new VirtualClock(), new AbortController()];
  const wait = wake.wait(end.signal, { clock, ms: 1_000 });
  end.abort();
  await wait;
  await wake.wait(end.signal, { clock, ms: 1_000 });
  assert.equal(clock.pending, 0);
});

Deno.test("no timer is left behind, whatever ended the wait", async () => {
  const [wake, clock] = [new Wake(), new VirtualClock()];
  const wait = wake.wait(NEVER, { clock, ms: 1_000 });
  wake.set();
  await wait;
  assert.equal(clock.pending, 0);
});

Deno.test("no listener is left behind either", async () => {
  const wake = new Wake();
  const listeners = new Set<unknown>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: unknown) => listeners.add(listener),
    removeEventListener: (_: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal; // all that a wait uses of it
  const wait = wake.wait(signal);
  assert.equal(listeners.size, 1);
  wake.set();
  await wait;
  assert.equal(listeners.size, 0);
});

Deno.test("only one waits at a time", async () => {
  const wake = new Wake();
  void wake.wait(NEVER);
  await assert.rejects(wake.wait(NEVER), /Somebody waits already/);
});

function follow(promise: Promise<void>): { isOver: boolean } {
  const state = { isOver: false };
  promise.then(() => state.isOver = true);
  return state;
}
