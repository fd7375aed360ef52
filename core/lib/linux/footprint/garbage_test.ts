import assert from "node:assert/strict";
import { collectGarbage } from "./garbage.ts";

Deno.test("garbage is collected at once, and the heap shrinks", () => {
  let kept: unknown[] = Array.from({ length: 400_000 }, (_, index) => ({ index }));
  assert.equal(kept.length, 400_000);
  const before = Deno.memoryUsage();
  kept = [];
  collectGarbage();
  const after = Deno.memoryUsage();
  assert.ok(before.heapUsed - after.heapUsed > 8_000_000, "what nobody refers to is still there");
  assert.ok(after.heapTotal < before.heapTotal, "the heap is as large as before");
  assert.equal((globalThis as { gc?: unknown }).gc, undefined);
  assert.equal(kept.length, 0);
});
