import assert from "node:assert/strict";
import { Memory } from "../../lib/linux/memory.ts";
import { Pieces } from "./pieces.ts";

Deno.test("a piece has the bytes, and its memory is used again once it was given back, never before", () => {
  const pieces = new Pieces();
  const from = new Memory(100_000);
  from.bytes.fill(1, 0, 10).fill(2, 10, 90_000);
  const one = pieces.take(from, 5, 15);
  assert.deepEqual([...one.memory.bytes.subarray(one.start, one.end)], [
    1,
    1,
    1,
    1,
    1,
    2,
    2,
    2,
    2,
    2,
  ]);
  const two = pieces.take(from, 0, 1);
  assert.notEqual(two.memory, one.memory);
  pieces.give([one]);
  assert.equal(pieces.take(from, 0, 3).memory, one.memory);
  const large = pieces.take(from, 0, 90_000);
  assert.deepEqual([large.end, large.memory.bytes[89_999]], [90_000, 2]);
  pieces.give([large]);
  assert.notEqual(pieces.take(from, 0, 90_000).memory, large.memory);
});
