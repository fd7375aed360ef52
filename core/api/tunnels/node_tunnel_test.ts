import assert from "node:assert/strict";
import { HttpClient } from "../../client/http_client.ts";
import { ServerLink } from "../../client/server_link.ts";
import { tunnelTransport } from "../../client/tunnel/tunnel_transport.ts";
import type { StreamKind, Tunnel } from "../../client/tunnel/tunnel.ts";
import type { TunnelDialler } from "../../client/tunnel/tunnel_dialler.ts";
import { concat } from "../../lib/bytes.ts";
import { silentLog } from "../../lib/log.ts";
import type { MuxStream } from "../../lib/mux/mux_stream.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { FRONTS } from "../front/served.ts";
import { TunnelServer } from "./tunnel_fixture.ts";

const echo: StreamKind = {
  kind: "echo",
  async answer(stream) {
    for await (const bytes of stream.bytes) await stream.write(bytes);
  },
};

async function up(dialler: TunnelDialler): Promise<Tunnel> {
  const tunnel = await dialler.settled(new AbortController().signal);
  assert.ok(tunnel, "there is a tunnel");
  return tunnel;
}

async function exchanged(stream: MuxStream, sent: Uint8Array): Promise<Uint8Array> {
  const read = (async () => {
    const parts: Uint8Array[] = [];
    for await (const part of stream.bytes) parts.push(part);
    return concat(parts);
  })();
  for (let at = 0; at < sent.length; at += 60_000) {
    await stream.write(sent.subarray(at, at + 60_000));
  }
  stream.end();
  return await read;
}

const fallback = () => Promise.reject(new Error("it was not asked inside the tunnel"));

for (const front of FRONTS.filter((each) => each !== "auto")) {
  Deno.test(`both ends open streams through the front "${front}", and bytes come back as they were`, async () => {
    await using server = await TunnelServer.start({ front, kinds: [echo] });
    const dialler = await server.agent("node-a", { kinds: [echo] });
    const tunnel = await up(dialler);
    const sent = Uint8Array.from({ length: 700_000 }, (_, i) => i * 7 & 0xff);
    assert.deepEqual(await exchanged(tunnel.open({ kind: "echo" }), sent), sent);
    const fromServer = server.tunnels.get("node-a")!;
    assert.deepEqual(await exchanged(fromServer.open({ kind: "echo" }), sent), sent);
    assert.equal(fromServer.userAgent, "coracle-agent/test");
    assert.equal(fromServer.remoteAddress, "127.0.0.1");
  });
}

Deno.test("requests of the API go inside the tunnel, as the node and with its rights alone", async () => {
  await using server = await TunnelServer.start();
  const dialler = await server.agent("node-a");
  await up(dialler);
  const transport = tunnelTransport(dialler, { userAgent: "test", fallback });
  const { clock } = server;
  const log = silentLog(clock);
  const link = new ServerLink({ transport, clock, log, server: server.url });
  const client = new HttpClient(link);
  await client.create(nodes, { metadata: { name: "node-a" }, spec: {}, status: {} } as never);
  const path = "/api/v1/nodes/node-a";
  const node = await link.ask({ method: "GET", path }) as { metadata: { name: string } };
  assert.equal(node.metadata.name, "node-a");
  await assert.rejects(
    link.ask({ method: "GET", path: "/apis/apps/v1/deployments" }),
    /User "system:node:node-a" cannot list resource "deployments"/,
  );
  assert.ok([...server.tunnels.all()].length === 1);
});

Deno.test("many requests at once share the tunnel", async () => {
  await using server = await TunnelServer.start();
  const dialler = await server.agent("node-a");
  await up(dialler);
  const transport = tunnelTransport(dialler, { userAgent: "test", fallback });
  const { signal } = new AbortController();
  const texts = await Promise.all(Array.from({ length: 40 }, async () => {
    const answer = await transport({ method: "GET", path: "/version", signal });
    return (await answer.json()).gitVersion;
  }));
  assert.equal(new Set(texts).size, 1);
});

Deno.test("only the agent of a node opens its tunnel", async () => {
  await using server = await TunnelServer.start();
  const dialler = await server.agent("node-a", { as: "node-b" });
  assert.equal(await dialler.settled(new AbortController().signal), undefined);
  assert.equal(server.tunnels.size, 0);
});

Deno.test("a newer connection of a node takes the place of the older", async () => {
  await using server = await TunnelServer.start();
  const first = await up(await server.agent("node-a"));
  const changes: (number | undefined)[] = [];
  server.tunnels.onChange((node) => changes.push(server.tunnels.get(node)?.sinceMs));
  // The older one would come back at once: it is told not to.
  const second = await up(await server.agent("node-a"));
  assert.equal(
    await first.ended,
    "the other end has closed the tunnel: a newer connection of the node takes its place",
  );
  assert.equal(changes.length, 1);
  assert.equal(server.tunnels.size, 1);
  second.close("the test ends");
});

Deno.test("a revoked certificate ends the tunnel at once, and opens none", async () => {
  await using server = await TunnelServer.start();
  const tunnel = await up(await server.agent("node-a"));
  server.revoked.add("system:node:node-a");
  server.tunnels.endRevoked();
  assert.match(await tunnel.ended, /the credential that opened it is no longer valid/);
  const again = await server.agent("node-a");
  assert.equal(await again.settled(new AbortController().signal), undefined);
});

Deno.test("each ping of a node is told, the opening of its tunnel as well", async () => {
  await using server = await TunnelServer.start();
  const beats: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  server.tunnels.onBeat((node) => {
    beats.push(node);
    if (beats.length === 3) resolve();
  });
  const tunnel = await up(
    await server.agent("node-a", { times: { pingMs: 20, deadMs: 10_000 } }),
  );
  await promise;
  assert.deepEqual(beats.slice(0, 3), ["node-a", "node-a", "node-a"]);
  assert.ok(tunnel.rttMs! >= 0);
});

Deno.test("a server that stops says when to come back", async () => {
  const server = await TunnelServer.start({ agents: 10_000 });
  const tunnel = await up(await server.agent("node-a"));
  server.fixture.api.endStreams();
  assert.equal(
    await tunnel.ended,
    "the other end has closed the tunnel: the server stops; retry within 20 s",
  );
  await server[Symbol.asyncDispose]();
});
