import assert from "node:assert/strict";
import fc from "fast-check";
import { PriorityQueue } from "./priority_queue.ts";

Deno.test("items come out in order, whatever is pushed in between", () => {
  fc.assert(fc.property(fc.array(fc.option(fc.nat(20))), (steps) => {
    const queue = new PriorityQueue<number>((a, b) => a < b);
    const model: number[] = [];
    for (const step of steps) {
      if (step === null) {
        assert.equal(queue.peek(), model[0]);
        assert.equal(queue.pop(), model.shift());
      } else {
        queue.push(step);
        model.push(step);
        model.sort((a, b) => a - b);
      }
      assert.equal(queue.size, model.length);
    }
  }));
});
