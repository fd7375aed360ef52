import assert from "node:assert/strict";
import { VirtualClock } from "../../../core/lib/virtual_clock.ts";
import { InFlightCap } from "./in_flight_cap.ts";

const PLACES = 48;

Deno.test("who comes when all places are taken goes ahead in order, as places become free", async () => {
  const clock = new VirtualClock(0);
  const cap = new InFlightCap(clock);
  const turns = Array.from({ length: PLACES + 3 }, () => cap.newTurn());
  const order: number[] = [];
  turns.forEach((turn, i) => {
    if (!cap.claim(turn)) void cap.wait(turn).then(() => order.push(i));
  });
  cap.release(turns[PLACES]!); // went away while it waited
  cap.release(turns[0]!);
  cap.release(turns[0]!);
  await clock.advance(0);
  assert.deepEqual(order, [PLACES, PLACES + 1]);
  cap.release(turns[1]!);
  await clock.advance(0);
  assert.deepEqual(order, [PLACES, PLACES + 1, PLACES + 2]);
});

Deno.test("those that hang hold nobody up for long, and no timer runs when nobody waits", async () => {
  const clock = new VirtualClock(0);
  const cap = new InFlightCap(clock);
  for (let i = 0; i < PLACES; i++) cap.claim(cap.newTurn());
  assert.equal(clock.pending, 0);
  let hasGone = false;
  void cap.wait(cap.newTurn()).then(() => hasGone = true);
  await clock.advance(20);
  assert.equal(hasGone, true);
  await clock.advance(100);
  assert.equal(clock.pending, 0);
});
