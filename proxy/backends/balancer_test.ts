import assert from "node:assert/strict";
import fc from "fast-check";
import { Balancer, SLOTS_MAX, slotsOf } from "./balancer.ts";

const weights = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 });

Deno.test("any full cycle, wherever it starts, gives each share exactly its weight", () => {
  fc.assert(fc.property(weights, fc.nat(1_000_000), (weights, offset) => {
    const slots = slotsOf(weights);
    const balancer = new Balancer(slots, new Int32Array([offset]), 0);
    const counts = weights.map(() => 0);
    for (let i = 0; i < slots.length; i++) counts[balancer.next()]!++;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    counts.forEach((count, i) => assert.equal(count * total, weights[i]! * slots.length));
  }));
});

Deno.test("two shares are never more than one request off, at any moment", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 99 }), (weight) => {
    const counts = [0, 0];
    slotsOf([weight, 100 - weight]).forEach((share, i) => {
      counts[share]!++;
      const due = (i + 1) * weight / 100;
      assert.ok(Math.abs(counts[0]! - due) <= 1, `${counts[0]} of ${due}`);
    });
  }));
});

Deno.test("a share of weight 0 gets nothing, all of weight 0 nobody", () => {
  assert.deepEqual([...slotsOf([0, 3, 0])], [1]);
  assert.equal(new Balancer(slotsOf([0, 0]), new Int32Array(1), 0).next(), -1);
  assert.equal(new Balancer(slotsOf([]), new Int32Array(1), 0).next(), -1);
});

Deno.test("threads that share a position deal from one cycle", () => {
  const positions = new Int32Array(new SharedArrayBuffer(8));
  const [one, other] = [0, 0].map(() => new Balancer(slotsOf([9, 1]), positions, 1));
  const dealt = Array.from({ length: 100 }, (_, i) => (i % 3 ? one : other)!.next());
  assert.equal(dealt.filter((share) => share === 1).length, 10);
});

Deno.test("the position may pass the largest number", () => {
  const balancer = new Balancer(slotsOf([1, 1]), new Int32Array([0x7fffffff]), 0);
  assert.deepEqual([balancer.next(), balancer.next(), balancer.next()].map((i) => i >= 0), [
    true,
    true,
    true,
  ]);
});

Deno.test("weights beyond the longest cycle are rounded, and none is forgotten", () => {
  const slots = slotsOf([1_000_000, 1, 999_999]);
  assert.ok(slots.length <= SLOTS_MAX + 3);
  assert.ok(slots.includes(1));
});

Deno.test("turns are spread as evenly as can be, and the first share comes first among equals", () => {
  assert.deepEqual([...slotsOf([5, 1, 1])], [0, 0, 1, 0, 2, 0, 0]);
  assert.deepEqual([...slotsOf([1, 1, 1])], [0, 1, 2]);
  assert.deepEqual([...slotsOf([20, 40])], [1, 0, 1]);
});

Deno.test("the longest cycle is exact, and no cycle is longer", () => {
  const countOf = (slots: Uint16Array, share: number) =>
    slots.filter((slot) => slot === share).length;
  const longest = slotsOf([99_999, 1]);
  assert.deepEqual([longest.length, countOf(longest, 1)], [100_000, 1]);
  const rounded = slotsOf([100_000, 0, 1]);
  assert.deepEqual([rounded.length, countOf(rounded, 1), countOf(rounded, 2)], [100_000, 0, 1]);
});

Deno.test("each rule has a position of its own", () => {
  const positions = new Int32Array(2), slots = slotsOf([1, 1]);
  const [one, other] = [0, 1].map((cell) => new Balancer(slots, positions, cell));
  assert.deepEqual([one!.next(), other!.next(), one!.next()], [0, 0, 1]);
});
