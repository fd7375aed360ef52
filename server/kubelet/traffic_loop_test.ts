import assert from "node:assert/strict";
import { LinkError } from "../../core/client/link_error.ts";
import { settled, VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { TrafficReport } from "../../core/traffic/served_traffic.ts";
import { TrafficLoop } from "./traffic_loop.ts";

const NOTHING: TrafficReport = { versions: {}, shared: [], addressed: [], busy: [], changed: [] };
const WEB: TrafficReport = { ...NOTHING, shared: ["shop/web abc"], changed: ["shop"] };

Deno.test("nothing is said while there is no set, and that there is none any more is said once", async () => {
  const { loop, sent, clock, stop } = running();
  loop.take(NOTHING);
  await clock.advance(600_000);
  assert.deepEqual(sent, []);
  loop.take(WEB);
  await settled();
  loop.take(NOTHING);
  await settled();
  assert.deepEqual(sent.map(({ shared }) => shared), [["shop/web abc"], []]);
  loop.take(NOTHING);
  await clock.advance(600_000);
  assert.equal(sent.length, 2);
  await stop();
  assert.equal(clock.pending, 0);
});

Deno.test("it is said again when the server asks for it, and when it answers again", async () => {
  const { loop, sent, clock, restore, fail, stop } = running();
  loop.take(WEB);
  await clock.advance(59_000);
  assert.equal(sent.length, 1);
  await clock.advance(1_000);
  assert.equal(sent.length, 2);
  fail(true);
  loop.take({ ...WEB, changed: ["blog"] });
  await settled();
  fail(false);
  restore();
  await settled();
  assert.deepEqual(sent.at(-1)!.changed, ["blog"], "what was not heard is said again");
  await stop();
});

function running() {
  const clock = new VirtualClock(0);
  const sent: TrafficReport[] = [];
  let isAway = false, restore = () => {};
  const loop = new TrafficLoop({
    clock,
    node: "edge",
    counts: () => Promise.resolve([]),
    link: {
      onRestored: (listener) => {
        restore = listener;
        return () => {};
      },
      ask: ({ method, path, body }) => {
        assert.deepEqual([method, path], ["PUT", "/traffic-reports/edge"]);
        sent.push(body as TrafficReport);
        return isAway ? Promise.reject(new LinkError("away")) : Promise.resolve({ nextMs: 60_000 });
      },
    },
  });
  const stopping = new AbortController();
  const done = loop.run(stopping.signal);
  return {
    ...{ loop, sent, clock },
    restore: () => restore(),
    fail: (is: boolean) => void (isAway = is),
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
