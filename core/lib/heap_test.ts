import assert from "node:assert/strict";
import { SystemClock } from "./clock.ts";
import { shrinkHeap } from "./heap.ts";

const MIB = 1024 * 1024;
const DEADLINE_MS = 60_000;

Deno.test("what a burst of work leaves of the heap is given back, and what lives is kept", async () => {
  const kept = Array.from({ length: 1_000_000 }, (_, number) => ({ number })).slice(-1_000);
  const before = Deno.memoryUsage().heapTotal;
  await alive(shrinkHeap());
  const after = Deno.memoryUsage().heapTotal;
  assert.ok(before - after > 32 * MIB, `${before} bytes have become ${after}`);
  assert.equal(kept.at(-1)?.number, 999_999);
});

/** Something that waits keeps the process going, as a server does. */
async function alive(act: Promise<void>): Promise<void> {
  const done = new AbortController();
  const waiting = new SystemClock().sleep(DEADLINE_MS, done.signal).catch(() => {});
  await act;
  done.abort();
  await waiting;
}
