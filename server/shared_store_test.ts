import assert from "node:assert/strict";
import { silentLog } from "../core/lib/log.ts";
import { Random } from "../core/lib/random.ts";
import { settled, VirtualClock } from "../core/lib/virtual_clock.ts";
import { Contender } from "../core/store/contender.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { SharedEngine } from "../core/store/shared_engine.ts";
import { whenOwned } from "./shared_store.ts";

Deno.test("a server that is stopped before its shared store answers gives up", async () => {
  const clock = new VirtualClock();
  const engine: SharedEngine = {
    async *follow() {
      yield await Promise.reject(new Error("nobody answers"));
    },
    claim: () => Promise.reject(new Error("nobody answers")),
    close: () => {},
  };
  const store = MemoryStore.following();
  const contender = new Contender({ engine, store, clock, log: silentLog(clock) });
  const stop = new AbortController();
  const running = contender.run(stop.signal).catch(() => "ended");
  const context = { random: new Random(1), fail: assert.fail, signal: stop.signal };
  const owner = whenOwned(context, contender, {
    address: "https://192.0.2.1:6443",
    run: () => assert.fail(),
  });
  owner.catch(() => {}); // it is looked at below
  await settled();
  stop.abort(new Error("Stopped by SIGTERM"));
  await assert.rejects(owner, /Stopped by SIGTERM/);
  assert.equal(await running, "ended");
});
