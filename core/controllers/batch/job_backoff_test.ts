import assert from "node:assert/strict";
import { backoffMs, type EndedPods, notAhead } from "./job_backoff.ts";

const NOW = 1_000_000;

function waitOf(ended: EndedPods, past: EndedPods, nowMs: number): number {
  return backoffMs(notAhead(ended, past, nowMs), nowMs);
}

Deno.test("a failure in the future counts from when it was noticed, and not again", () => {
  const ended: EndedPods = { failures: [["a", NOW + 1]] };
  const noticed = notAhead(ended, { failures: [] }, NOW);
  assert.deepEqual(noticed, { failures: [["a", NOW]] });
  assert.equal(waitOf(ended, { failures: [] }, NOW), 10_000);
  assert.equal(waitOf({ failures: [["a", NOW + 9_999_999]] }, noticed, NOW + 4_000), 6_000);
  assert.equal(waitOf({ failures: [["a", NOW + 9_999_999]] }, noticed, NOW + 10_000), 0);
});

Deno.test("when a clock is set back, what was remembered is noticed anew, once", () => {
  const past: EndedPods = { failures: [["a", NOW]], succeededMs: NOW };
  const back = NOW - 8 * 3_600_000;
  const noticed = notAhead(past, past, back);
  assert.deepEqual(noticed, { failures: [["a", back]], succeededMs: back });
  assert.equal(waitOf(past, noticed, back + 10_000), 0);
});

Deno.test("what is not in the future stays, and so does its order", () => {
  const ended: EndedPods = {
    failures: [["a", NOW - 2], ["b", NOW - 1], ["c", NOW]],
    succeededMs: 5,
  };
  assert.deepEqual(notAhead(ended, { failures: [["b", 1]] }, NOW), ended);
});
