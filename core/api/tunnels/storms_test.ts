import assert from "node:assert/strict";
import { pipePair } from "../../client/tunnel/tunnel_fixture.ts";
import { silentLog } from "../../lib/log.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { collectAfterStorms } from "./storms.ts";
import { Tunnels } from "./tunnels.ts";

Deno.test("garbage is collected once after a storm of arrivals, not for a few nor during it", async () => {
  const clock = new VirtualClock();
  const tunnels = new Tunnels({
    ...{ clock, log: silentLog(clock), agents: () => 1, kindsFor: () => [] },
  });
  let collected = 0;
  const stop = collectAfterStorms({ tunnels, clock, collect: () => collected++ });
  const arrive = (node: string) =>
    void tunnels.take({
      ...{ node, userAgent: "", remoteAddress: "", deadMs: 600_000, isCurrent: () => true },
      peer: { address: "", port: 1 },
    }, pipePair({ clock, delayMs: 0 })[0]);
  for (let i = 0; i < 499; i++) arrive(`node-${i}`);
  await clock.advance(60_000);
  assert.equal(collected, 0);
  for (let i = 0; i < 20; i++) {
    arrive(`other-${i}`);
    await clock.advance(5_000);
  }
  assert.equal(collected, 0);
  await clock.advance(60_000);
  assert.equal(collected, 1);
  stop();
  tunnels.stop();
  assert.equal(clock.pending, 0);
});
