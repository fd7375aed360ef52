import assert from "node:assert/strict";
import { TestCluster } from "../../core/controllers/test_cluster.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import type { Tunnel } from "../../core/client/tunnel/tunnel.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { linksBy } from "./agent_links.ts";
import { FarTraffic } from "./far_traffic.ts";

const clock = new SystemClock();

/** A node whose tunnel a test gives and takes. */
function linked() {
  const view = new TestCluster();
  for (const [name, address] of [["self", "192.0.2.1"], ["other", "192.0.2.2"]]) {
    view.put(nodes, {
      metadata: { name: name! },
      status: { addresses: [{ type: "InternalIP", address }] },
    });
  }
  const dialler = {
    tunnel: undefined as Tunnel | undefined,
    state: "starting" as "starting" | "up" | "down" | "unsupported",
    onChange: () => () => {},
  };
  const links = linksBy(dialler);
  const far = new FarTraffic({ nodeName: "self", view, links, clock, log: silentLog(clock) });
  return { dialler, links, far };
}

Deno.test("far nodes and the server are reached while there is a tunnel; by routes where the server knows none", () => {
  const { dialler, far } = linked();
  const ways = () => [far.now().wayTo("other"), far.now().toServer];
  assert.deepEqual(ways(), ["none", "none"]);
  dialler.tunnel = {} as Tunnel; // nobody uses it here
  dialler.state = "up";
  assert.deepEqual(ways(), ["tunnel", "tunnel"]);
  dialler.tunnel = undefined;
  dialler.state = "down";
  assert.deepEqual(ways(), ["none", "none"]);
  dialler.state = "unsupported";
  assert.deepEqual(ways(), ["route", "route"]);
});

Deno.test("without a tunnel a connection is lost from its beginning, with the reason", async () => {
  const end = linked().links.open({ kind: "apiserver" });
  await assert.rejects(
    Array.fromAsync(end.bytes),
    /unreachable: there is no connection to the server/,
  );
  await assert.rejects(end.write(new Uint8Array(1)), /unreachable/);
});

Deno.test("the way to far pods is kept until the end also where packets are not carried", async () => {
  const stop = new AbortController(), { far } = linked();
  let hasEnded = false;
  const running = far.run(stop.signal).then(() => hasEnded = true);
  await clock.sleep(1);
  assert.equal(hasEnded, false);
  stop.abort();
  await running;
});
