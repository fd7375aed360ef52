import assert from "node:assert/strict";
import { Slots } from "./slots.ts";

Deno.test("no more work goes on at once than there are slots, and it goes in order", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const all = ends.map((end, index) =>
    slots.use(() => {
      begun.push(index);
      return end.promise;
    })
  );
  await turn();
  assert.deepEqual(begun, [0, 1]);
  ends[1]!.resolve();
  await turn();
  assert.deepEqual(begun, [0, 1, 2]);
  for (const end of ends) end.resolve();
  await Promise.all(all);
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

Deno.test("a slot is free again after work that failed", async () => {
  const slots = new Slots(1);
  await assert.rejects(slots.use(() => Promise.reject(new Error("no"))));
  assert.equal(await slots.use(() => Promise.resolve(7)), 7);
});

Deno.test("a wait for a slot that is aborted takes none", async () => {
  const slots = new Slots(1);
  const end = Promise.withResolvers<void>();
  const first = slots.use(() => end.promise);
  const stop = new AbortController();
  const second = slots.use(() => Promise.reject(new Error("it was done")), stop.signal);
  stop.abort(new Error("stopped"));
  await assert.rejects(second, /stopped/);
  end.resolve();
  await first;
  assert.equal(await slots.use(() => Promise.resolve(7)), 7);
});

Deno.test("a wait that is aborted at the moment it gets a slot takes nobody's place in the queue", async () => {
  for (let ticks = 0; ticks < 10; ticks++) {
    const slots = new Slots(1);
    const end = Promise.withResolvers<void>();
    const stop = new AbortController();
    const begun: string[] = [];
    const all = [
      slots.use(() => end.promise),
      slots.use(() => Promise.resolve(), stop.signal).catch(() => {}),
      slots.use(() => Promise.resolve(begun.push("last"))),
    ];
    end.resolve();
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    stop.abort(new Error("stopped"));
    await turn();
    assert.deepEqual(begun, ["last"], `${ticks} ticks`);
    await Promise.all(all);
  }
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
