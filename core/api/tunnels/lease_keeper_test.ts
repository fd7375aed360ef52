import assert from "node:assert/strict";
import { pipePair } from "../../client/tunnel/tunnel_fixture.ts";
import { MuxTunnel } from "../../client/tunnel/mux_tunnel.ts";
import { silentLog } from "../../lib/log.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { LocalClient } from "../../objects/local_client.ts";
import { leases } from "../../resources/coordination/leases.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { freshApi } from "../api_fixture.ts";
import { keepLeases } from "./lease_keeper.ts";
import { Tunnels } from "./tunnels.ts";

const LEASE = { namespace: "kube-node-lease", name: "node-a" };

Deno.test("pings of a node renew its lease, which tells of the link; silence does not", async () => {
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const log = silentLog(clock);
  const { objects } = await freshApi({ clock });
  const client = new LocalClient(objects);
  await client.create(nodes, { metadata: { name: "node-a" }, spec: {}, status: {} } as never);
  const tunnels = new Tunnels({ clock, log, agents: () => 1, kindsFor: () => [] });
  const stop = keepLeases({ tunnels, client, view: client, clock, log });
  const [server, agent] = pipePair({ clock, delayMs: 6 });
  const guest = {
    node: "node-a",
    userAgent: "coracle-agent/test",
    remoteAddress: "203.0.113.7",
    deadMs: 40_000,
    isCurrent: () => true,
    peer: { address: "203.0.113.7", port: 1 },
  };
  const ended = tunnels.take(guest, server);
  new MuxTunnel({
    ...{ side: "dialler", pipe: agent, clock, kinds: [], pingMs: 15_000, deadMs: 40_000 },
  });
  const renewed = () => client.get(leases, LEASE)?.spec.renewTime;
  await clock.advance(1_000);
  assert.equal(renewed(), "2026-01-01T00:00:00.000000Z");
  await clock.advance(60_000);
  assert.equal(renewed(), "2026-01-01T00:01:00.006000Z");
  const { metadata, spec } = client.get(leases, LEASE)!;
  assert.deepEqual(metadata.annotations, {
    "coracle.dev/link": "tunnel",
    "coracle.dev/remote-address": "203.0.113.7",
    "coracle.dev/round-trip-ms": "12",
  });
  assert.equal(spec.holderIdentity, "node-a");
  assert.equal(metadata.ownerReferences?.[0]?.name, "node-a");
  server.isSilent = agent.isSilent = true;
  await clock.advance(60_000);
  assert.equal(await ended, "no sign of life for 40000 ms");
  assert.equal(renewed(), "2026-01-01T00:01:00.006000Z");
  stop();
});
