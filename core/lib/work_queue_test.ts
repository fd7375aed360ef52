import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualClock } from "./virtual_clock.ts";
import { WorkQueue } from "./work_queue.ts";

function queueOf() {
  const clock = new VirtualClock();
  return { clock, queue: new WorkQueue(clock) };
}

Deno.test("keys are handed out in the order in which they became ready", async () => {
  const { clock, queue } = queueOf();
  queue.add("late", 20);
  queue.add("soon", 10);
  queue.add("a");
  queue.add("b");
  queue.add("a");
  await clock.advance(30);
  const taken = [];
  for (let i = 0; i < 4; i++) taken.push(await queue.take());
  assert.deepEqual(taken, ["a", "b", "soon", "late"]);
  assert.equal(queue.size, 0);
});

Deno.test("of several additions of a key the earliest wins", async () => {
  const { clock, queue } = queueOf();
  queue.add("a", 100);
  queue.add("a", 10);
  queue.add("a", 50);
  assert.equal(queue.size, 1);
  const taken = queue.take();
  let takenMs = -1;
  void taken.then(() => takenMs = clock.now());
  await clock.advance(200);
  assert.equal(takenMs, 10);
  queue.done((await taken)!);
  assert.equal(queue.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a key added during its own work is handed out again after it, not before", async () => {
  const { clock, queue } = queueOf();
  queue.add("a");
  const key = await queue.take();
  queue.add("a");
  queue.add("a", 10);
  let again = false;
  void queue.take().then(() => again = true);
  await clock.advance(100);
  assert.equal(again, false);
  queue.done(key!);
  await clock.advance(0);
  assert.equal(again, true);
});

Deno.test("a queue that is closed releases its takers, and a key that was handed out stays with its taker", async () => {
  const { queue } = queueOf();
  queue.add("a");
  const key = await queue.take();
  const waiting = [queue.take(), queue.take()];
  queue.close();
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined]);
  assert.equal(await queue.take(), undefined);
  queue.done(key!);
});

Deno.test("a closed queue has neither keys nor timers", async () => {
  const { clock, queue } = queueOf();
  queue.add("working");
  const key = await queue.take();
  queue.add("working");
  queue.add("ready");
  queue.add("delayed", 10);
  queue.close();
  queue.add("after");
  queue.done(key!);
  assert.equal(queue.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("done without work is a fault of ours", () => {
  assert.throws(() => queueOf().queue.done("a"), /Nobody is working on a/);
});

Deno.test("ten thousand ready keys are taken in linear time", async () => {
  const { queue } = queueOf();
  for (let i = 0; i < 10_000; i++) queue.add(`key-${i}`);
  for (let i = 0; i < 10_000; i++) assert.equal(await queue.take(), `key-${i}`);
});

const additions = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    atMs: fc.nat(50),
    delayMs: fc.oneof(fc.constant(0), fc.nat(30)),
  }),
  { maxLength: 40 },
);

Deno.test("whatever is added, no key is lost, doubled, early, or worked on twice at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      additions,
      fc.integer({ min: 1, max: 3 }),
      fc.nat(20),
      async (plan, workers, workMs) => {
        const { clock, queue } = queueOf();
        const working = new Set<string>();
        const starts: { key: string; atMs: number }[] = [];
        const work = async () => {
          for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
            assert.ok(!working.has(key), `two work on ${key}`);
            working.add(key);
            starts.push({ key, atMs: clock.now() });
            await clock.sleep(workMs);
            working.delete(key);
            queue.done(key);
          }
        };
        const done = Promise.all(Array.from({ length: workers }, work));
        for (const { key, atMs, delayMs } of plan) clock.after(atMs, () => queue.add(key, delayMs));
        await clock.advance(5_000);
        queue.close();
        await done;
        for (const { key, atMs, delayMs } of plan) {
          const due = starts.filter((start) => start.key === key && start.atMs >= atMs);
          assert.ok(due.length > 0, `${key} was lost`);
          const workersFree = workers >= 3 && workMs === 0;
          if (workersFree) assert.ok(due[0]!.atMs <= atMs + delayMs, `${key} came late`);
        }
        for (const { key, atMs } of starts) {
          const cause = plan.some((one) => one.key === key && one.atMs + one.delayMs <= atMs);
          assert.ok(cause, `${key} came before its time`);
        }
        assert.ok(starts.length <= plan.length);
        assert.equal(queue.size, 0);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("keys of a higher priority are handed out first, of equal ones in their order", async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue(clock, (key) => Number(key.slice(1)));
  queue.add("x5", 10);
  for (const key of ["a0", "b2", "c-1", "d2", "e0"]) queue.add(key);
  const taken = [await queue.take(), await queue.take()];
  queue.add("f7");
  await clock.advance(10);
  for (let i = 0; i < 5; i++) taken.push(await queue.take());
  assert.deepEqual(taken, ["b2", "d2", "f7", "x5", "a0", "e0", "c-1"]);
  assert.equal(queue.size, 0);
});

Deno.test("a key behind others is handed out when no other is ready, or when its time has come", async () => {
  const { clock, queue } = queueOf();
  queue.addBehind("late", 100);
  queue.add("a");
  queue.addBehind("soon", 50);
  queue.addBehind("now", 0);
  assert.equal(queue.size, 4);
  const taken = [await queue.take(), await queue.take(), await queue.take()];
  assert.deepEqual(taken, ["a", "now", "late"]);
  queue.add("b");
  await clock.advance(50);
  queue.add("c");
  assert.deepEqual([await queue.take(), await queue.take(), await queue.take()], [
    "b",
    "soon",
    "c",
  ]);
  assert.equal(queue.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a key behind others goes to whoever waits, unless it is being worked on", async () => {
  const { clock, queue } = queueOf();
  const first = queue.take();
  queue.addBehind("a", 100);
  assert.equal(await first, "a");
  const second = queue.take();
  queue.addBehind("a", 100);
  let taken: string | undefined;
  void second.then((key) => taken = key);
  await clock.advance(99);
  assert.equal(taken, undefined);
  queue.done("a");
  await clock.advance(1);
  assert.equal(taken, "a");
  assert.equal(queue.size, 0);
});

Deno.test("a key behind others is handed out once: a sooner addition takes its place, a later one does not", async () => {
  const { clock, queue } = queueOf();
  queue.addBehind("a", 100);
  queue.addBehind("a", 200);
  queue.add("a", 150);
  assert.equal(queue.size, 1);
  assert.equal(clock.pending, 1);
  queue.add("a");
  queue.addBehind("a", 50);
  assert.equal(queue.size, 1);
  assert.equal(await queue.take(), "a");
  queue.addBehind("a", 100);
  queue.close();
  assert.equal(clock.pending, 0);
});
