import assert from "node:assert/strict";
import { Shaping } from "./shaping.ts";

const never = () => 1;

Deno.test("a delay alone moves each packet by itself", () => {
  const shaping = new Shaping({ delayMs: 150 }, never);
  assert.deepEqual([shaping.arrivalMs(0, 1500), shaping.arrivalMs(0, 1500)], [150, 150]);
});

Deno.test("at a rate packets leave one after another", () => {
  const shaping = new Shaping({ delayMs: 300, bitsPerSecond: 64_000 }, never);
  assert.equal(shaping.arrivalMs(0, 800), 400);
  assert.equal(shaping.arrivalMs(0, 800), 500);
  assert.equal(shaping.arrivalMs(1_000, 8), 1_301);
});

Deno.test("what finds the queue full is lost, what just fits is not", () => {
  const shaping = new Shaping({ delayMs: 0, bitsPerSecond: 8_000, queueBytes: 200 }, never);
  assert.equal(shaping.arrivalMs(0, 100), 100);
  assert.equal(shaping.arrivalMs(0, 100), 200);
  assert.equal(shaping.arrivalMs(0, 1), undefined);
  assert.equal(shaping.arrivalMs(1, 1), 201);
});

Deno.test("packets are lost as often as is said", () => {
  const draws = [0.019, 0.02, 0.5];
  const shaping = new Shaping({ delayMs: 1, loss: 0.02 }, () => draws.shift()!);
  assert.deepEqual([0, 0, 0].map(() => shaping.arrivalMs(0, 1)), [undefined, 1, 1]);
});
