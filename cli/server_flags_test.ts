import assert from "node:assert/strict";
import { eventLimits } from "./server_flags.ts";

Deno.test("--event-rate-limits takes limits of each type, and nothing else", () => {
  assert.deepEqual(eventLimits("Namespace=50/100, User=5/10"), [
    { type: "Namespace", qps: 50, burst: 100 },
    { type: "User", qps: 5, burst: 10 },
  ]);
  for (
    const text of ["", "Namespace", "Namespace=50", "Node=1/1", "User=0/5", "User=5/0", "User=-1/5"]
  ) {
    assert.throws(() => eventLimits(text), /It must be TYPE=QPS\/BURST/, text);
  }
});
