import assert from "node:assert/strict";
import { podPorts } from "../../agent/network/far/pod_ports.ts";
import { Relay } from "../../agent/network/far/relay.ts";
import { TrafficHub } from "../../core/api/tunnels/traffic_hub.ts";
import { tunnelPair } from "../../core/client/tunnel/tunnel_fixture.ts";
import { TestCluster } from "../../core/controllers/test_cluster.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import type { Backend } from "../../core/traffic/backends.ts";
import type { Proxy } from "../../proxy/threads/proxy.ts";
import {
  backendAt,
  exchange,
  readText,
  tableOf,
  withListener,
  withProxy,
  withServer,
  writeText,
} from "../../proxy/threads/proxy_fixture.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";

const clock = new SystemClock();

/** Node `a` with a proxy, and node `b` whose pods only the server's hub leads to: two tunnels, one after the other. */
async function withFarPods(
  ports: readonly number[],
  test: (far: { proxy: Proxy; hub: TrafficHub; cut: () => void; relay: Relay }) => Promise<void>,
): Promise<void> {
  const view = new TestCluster();
  const uids = ports.map((port) => `far:${port}`);
  for (const [i, uid] of uids.entries()) {
    view.put(pods, {
      metadata: { name: `pod-${i}`, uid },
      spec: { nodeName: "b", containers: [{ name: "c", image: "i" }] },
      status: { phase: "Running", podIP: "127.0.0.1" },
    });
  }
  const network = {
    list: () => Promise.resolve(uids.map((podUid) => ({ podUid, ip: "127.0.0.1" }))),
  };
  const b = tunnelPair({ clock, ofNode: [podPorts({ nodeName: "b", view, network, clock })] });
  const hub = new TrafficHub({
    ...{ view, clock, api: () => undefined },
    tunnelOf: (node) => node === "b" ? b.server : undefined,
  });
  const a = tunnelPair({ clock, ofServer: [hub.pods] });
  const relay = new Relay({ open: (target) => a.node.open({ ...target }), clock });
  try {
    await withProxy(async (proxy) => {
      await test({ proxy, hub, relay, cut: () => b.cut() });
    }, relay.address);
  } finally {
    relay.close();
    a.node.close("the test ends");
    b.node.close("the test ends");
  }
}

function farBackend(name: string, ...ports: number[]): Backend {
  const backend = backendAt("far", ...ports);
  return {
    ...backend,
    name,
    endpoints: backend.endpoints.map((each) => ({ ...each, far: { node: "b" } })),
  };
}

async function portOf(proxy: Proxy, table: RouteTable): Promise<number> {
  const { listening, failed } = await proxy.use(table);
  assert.deepEqual(failed, []);
  return listening[0]!.port;
}

async function countsOf(port: number, requests: number, at: number): Promise<object> {
  const counts: Record<string, number> = {};
  let left = requests;
  const client = async () => {
    while (left-- > 0) {
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      const text = `${answer.status} ${await answer.text()}`;
      counts[text] = (counts[text] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: at }, client));
  return counts;
}

Deno.test("the split is exact between a share that is near and one behind two tunnels", () =>
  withServer(
    () => new Response("near"),
    (near) =>
      withServer(() => new Response("far"), (far) =>
        withFarPods([far], async ({ proxy }) => {
          const table = tableOf([[9, backendAt("near", near)], [1, farBackend("f", far)]]);
          const port = await portOf(proxy, table);
          assert.deepEqual(await countsOf(port, 200, 1), { "200 near": 180, "200 far": 20 });
          assert.deepEqual(await countsOf(port, 400, 16), { "200 near": 360, "200 far": 40 });
        })),
  ));

Deno.test("5 MB come through whole, both ways, at the pace of the slower side", () =>
  withServer(
    (request) => new Response(request.body),
    (far) =>
      withFarPods([far], async ({ proxy, hub }) => {
        const port = await portOf(proxy, tableOf([[1, farBackend("f", far)]]));
        const sent = new Uint8Array(5_000_000).map((_, i) => i * 7 + (i >> 8));
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: sent });
        const got = new Uint8Array(await answer.arrayBuffer());
        assert.equal(got.length, sent.length);
        assert.ok(got.every((byte, i) => byte === sent[i]));
        assert.ok(hub.counts.forth > sent.length && hub.counts.back > sent.length);
      }),
  ));

Deno.test("a tunnel that is lost: its connections end at once, safe requests are answered by another endpoint", () =>
  withServer(
    () => new Response("near"),
    (near) =>
      withServer(() => new Response("far"), (far) =>
        withFarPods([far], async ({ proxy, cut }) => {
          const both = {
            ...backendAt("both", near),
            endpoints: [...backendAt("n", near).endpoints, ...farBackend("f", far).endpoints],
          };
          const port = await portOf(proxy, tableOf([[1, both]]));
          const before = await countsOf(port, 40, 4) as Record<string, number>;
          assert.ok(before["200 far"]! > 5, JSON.stringify(before));
          cut();
          assert.deepEqual(await countsOf(port, 40, 4), { "200 near": 40 });
        })),
  ));

Deno.test("an answer that is cut off by the loss of a tunnel is not taken for a whole one", () =>
  withListener(async (connection) => {
    await readText(connection);
    await writeText(connection, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf of");
    await new Promise(() => {}); // the rest never comes
  }, (far) =>
    withFarPods([far], async ({ proxy, cut }) => {
      const port = await portOf(proxy, tableOf([[1, farBackend("f", far)]]));
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      const reader = answer.body!.getReader();
      assert.equal(new TextDecoder().decode((await reader.read()).value), "half of");
      cut();
      await assert.rejects(reader.read(), /error|closed|reset/);
    })));

Deno.test("nobody who listens: the next endpoint is asked, for a POST too; nobody at all: 502 at once", () =>
  withServer(() => new Response("far"), (far) =>
    withFarPods([far, 1], async ({ proxy }) => {
      const port = await portOf(proxy, tableOf([[1, farBackend("f", 1, far)]]));
      const post = () => fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "a" });
      for (let i = 0; i < 4; i++) assert.equal(await (await post()).text(), "far");
      const none = await portOf(proxy, tableOf([[1, farBackend("f", 1)]]));
      assert.match(
        await exchange(none, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        /^HTTP\/1.1 50[23] /,
      );
    })));
