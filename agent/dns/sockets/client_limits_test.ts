import assert from "node:assert/strict";
import { ClientLimits } from "./client_limits.ts";

Deno.test("who asks too much is not heard for the rest of the tenth of a second; others are", () => {
  const limits = new ClientLimits();
  const admitted = Array.from({ length: 1_500 }, () => limits.admits(1, 0)).filter(Boolean);
  assert.equal(admitted.length, 1_000);
  assert.ok(limits.admits(2, 0));
  assert.ok(!limits.admits(1, 99));
  assert.ok(limits.admits(1, 100));
});

Deno.test("a client has 64 places among those that wait for others", () => {
  const limits = new ClientLimits();
  const places = Array.from({ length: 65 }, () => limits.claim(1));
  assert.equal(places[64], undefined);
  assert.ok(limits.claim(2));
  places[0]!();
  assert.ok(limits.claim(1));
});
