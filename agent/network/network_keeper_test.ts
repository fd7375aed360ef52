import assert from "node:assert/strict";
import type { NetworkChanges } from "../../core/lib/linux/network_changes.ts";
import { SystemError } from "../../core/lib/linux/libc.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { NetworkKeeper } from "./network_keeper.ts";

Deno.test("the network is looked at on the kernel's word, and thoroughly at the start and every 30 s", async () => {
  const clock = new VirtualClock();
  const looks: boolean[] = [];
  let tell = () => {};
  let heard = 0;
  let isClosed = false;
  const notices = {
    subscribe: (listener: () => void) => {
      tell = listener;
      return () => {};
    },
    close: () => Promise.resolve(void (isClosed = true)),
  } as unknown as NetworkChanges; // the rest is not used
  const keeper = new NetworkKeeper({
    repair: ({ thorough }) => Promise.resolve(void looks.push(thorough)),
    listen: () => notices,
    onNotice: () => heard++,
    log: silentLog(clock),
  });
  const stop = new AbortController();
  const running = keeper.run({ clock, signal: stop.signal });
  await clock.advance(29_000);
  assert.deepEqual(looks, [true]);
  tell();
  await clock.advance(0);
  assert.deepEqual(looks, [true, false]);
  for (let i = 0; i < 40; i++) {
    await clock.advance(1_000); // to 69 s
    tell();
    await clock.advance(0);
  }
  assert.equal(looks.filter((thorough) => thorough).length, 3);
  stop.abort();
  await running;
  assert.equal(heard, 41);
  assert.ok(isClosed);
});

Deno.test("where the kernel cannot be heard it is looked at all the same", async () => {
  const clock = new VirtualClock();
  let looks = 0;
  const keeper = new NetworkKeeper({
    repair: () => Promise.resolve(void looks++),
    listen() {
      throw new SystemError("Cannot hear", 93);
    },
    onNotice() {},
    log: silentLog(clock),
  });
  const stop = new AbortController();
  const running = keeper.run({ clock, signal: stop.signal });
  await clock.advance(90_000);
  stop.abort();
  await running;
  assert.equal(looks, 4);
});
