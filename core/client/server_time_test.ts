import assert from "node:assert/strict";
import { VirtualClock } from "../lib/virtual_clock.ts";
import { ServerTime } from "./server_time.ts";

const NOON = Date.parse("2026-12-01T12:00:00Z");
const HTTP_NOON = "Tue, 01 Dec 2026 12:00:00 GMT";

Deno.test("a machine whose clock is decades off knows the server's time from its first answer on", () => {
  for (const own of ["1970-01-01T00:00:10Z", "2040-06-01T00:00:00Z"]) {
    const clock = new VirtualClock(Date.parse(own));
    const time = new ServerTime(clock);
    assert.deepEqual([time.isKnown, time.now(), time.aheadMs], [false, Date.parse(own), 0]);
    time.heard(HTTP_NOON);
    assert.deepEqual([time.isKnown, time.now()], [true, NOON]);
    assert.equal(time.aheadMs, Date.parse(own) - NOON);
  }
});

Deno.test("setting the machine's clock does not change the server's time", () => {
  let nowMs = 0;
  let elapsedMs = 5_000;
  const time = new ServerTime({ now: () => nowMs, elapsed: () => elapsedMs });
  time.heard(HTTP_NOON);
  nowMs = NOON + 3_600_000;
  elapsedMs += 60_000;
  assert.equal(time.now(), NOON + 60_000);
});

Deno.test("answers that took their time do not move it, a server whose clock was set does", () => {
  let elapsedMs = 0;
  const time = new ServerTime({ now: () => 0, elapsed: () => elapsedMs });
  time.heard(HTTP_NOON);
  elapsedMs = 2_000;
  time.heard(HTTP_NOON);
  assert.equal(time.now(), NOON + 2_000);
  elapsedMs = 4_000;
  time.heard("Tue, 01 Dec 2026 12:00:02 GMT");
  assert.equal(time.now(), NOON + 4_000);
  time.heard("Tue, 01 Dec 2026 13:00:00 GMT");
  assert.equal(time.now(), NOON + 3_600_000);
});

Deno.test("what is no date says nothing", () => {
  const time = new ServerTime({ now: () => 7, elapsed: () => 0 });
  for (const date of [null, undefined, "", "soon"]) time.heard(date);
  assert.deepEqual([time.isKnown, time.now()], [false, 7]);
});
