import assert from "node:assert/strict";
import { TestCluster } from "../../controllers/test_cluster.ts";
import { tunnelPair } from "../../client/tunnel/tunnel_fixture.ts";
import type { StreamHead, StreamKind, Tunnel } from "../../client/tunnel/tunnel.ts";
import { SystemClock } from "../../lib/clock.ts";
import type { MuxStream } from "../../lib/mux/mux_stream.ts";
import { DialError } from "../../lib/tcp/connections.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import type { PodTarget } from "../../traffic/far/relaying.ts";
import { TrafficHub } from "./traffic_hub.ts";

const clock = new SystemClock();

function cluster(): TestCluster {
  const cluster = new TestCluster();
  const pod = (name: string, nodeName: string, podIP: string, more: object = {}, spec = {}) =>
    cluster.put(pods, {
      metadata: { name, uid: `uid-${name}` },
      spec: { nodeName, containers: [{ name: "c", image: "i" }], ...spec },
      status: { phase: "Running", podIP, ...more },
    });
  pod("web", "b", "10.42.1.2");
  pod("here", "server", "10.42.0.2");
  pod("done", "b", "10.42.1.3", { phase: "Succeeded" });
  pod("host", "b", "192.0.2.7", {}, { hostNetwork: true });
  pod("away", "c", "10.42.2.2");
  return cluster;
}

/** The hub between node `a`, which asks, and node `b`, whose answers a test plays. */
function hubbed({ answerOfB, ownDial }: {
  answerOfB?: StreamKind["answer"];
  ownDial?: (target: PodTarget) => Promise<Deno.TcpConn>;
} = {}) {
  const asked: StreamHead[] = [];
  const answer: StreamKind["answer"] = async (stream, head, signal) => {
    asked.push(head);
    await answerOfB?.(stream, head, signal);
  };
  const b = tunnelPair({ clock, ofNode: [{ kind: "tcp", answer }] });
  const tunnels = new Map<string, Tunnel>([["b", b.server]]);
  const hub = new TrafficHub({
    view: cluster(),
    clock,
    tunnelOf: (node) => tunnels.get(node),
    own: {
      node: "server",
      dial: ownDial ?? (() => Promise.reject(new DialError("refused", "dial tcp: refused"))),
    },
    api: () => undefined,
  });
  const a = tunnelPair({ clock, ofServer: [hub.pods, hub.api] });
  const close = () => {
    a.node.close("the test ends");
    b.node.close("the test ends");
  };
  return { hub, open: (head: StreamHead) => a.node.open(head), asked, cutB: () => b.cut(), close };
}

async function readAll(stream: MuxStream): Promise<number[]> {
  const all: number[] = [];
  for await (const bytes of stream.bytes) all.push(...bytes);
  return all;
}

const WEB = { kind: "tcp", node: "b", address: "10.42.1.2", port: 80 };

Deno.test("a connection of a node goes to the pod of another one, whose uid goes along, and back", async () => {
  const { hub, open, asked, close } = hubbed({
    async answerOfB(stream) {
      await stream.write(Uint8Array.of(0));
      for await (const bytes of stream.bytes) await stream.write(bytes.map((byte) => byte + 1));
    },
  });
  const stream = open(WEB);
  await stream.write(Uint8Array.of(1, 2, 3));
  stream.end();
  assert.deepEqual(await readAll(stream), [0, 2, 3, 4]);
  assert.deepEqual(asked, [{ ...WEB, uid: "uid-web" }]);
  const { open: isOpen, ...counts } = hub.counts;
  assert.deepEqual(counts, { opened: 1, refused: 0, forth: 3, back: 4 });
  assert.ok(isOpen <= 1); // it may not have seen the end yet
  close();
});

Deno.test("nothing but ports of pods is reached: no address of a host, of a cloud, of who is not on that node", async () => {
  const { hub, open, asked, close } = hubbed();
  const heads: Record<string, unknown>[] = [
    { node: "b", address: "127.0.0.1", port: 6443 },
    { node: "server", address: "127.0.0.1", port: 6443 },
    { node: "b", address: "169.254.169.254", port: 80 },
    { node: "b", address: "192.0.2.7", port: 22 }, // a pod on its host's network, not by its uid
    { node: "b", address: "192.0.2.1", port: 22 },
    { node: "b", address: "10.42.0.2", port: 80 }, // it is on another node
    { node: "server", address: "10.42.1.2", port: 80 },
    { node: "b", address: "10.42.1.3", port: 80 }, // it has finished
    { node: "b", address: "10.42.1.2", port: 80, uid: "uid-of-another" },
    { node: "c", address: "10.42.2.2", port: 80 }, // it is not connected
    { node: "nobody", address: "10.42.1.2", port: 80 },
    { node: "b", address: "web.default", port: 80 },
    { node: "b", address: "10.42.1.2", port: 0 },
    { node: "b", address: "10.42.1.2", port: 65_536 },
    { node: "b", address: "10.42.1.2", port: "80" },
    { node: "b", address: "10.42.1.2" },
    { node: "", address: "10.42.1.2", port: 80 },
    { node: "b".repeat(254), address: "10.42.1.2", port: 80 },
    { node: "b", address: "10.42.1.2", port: 80, uid: 7 },
    {},
  ];
  for (const head of heads) {
    const stream = open({ kind: "tcp", ...head });
    await assert.rejects(readAll(stream), /^MuxError: unreachable: /, JSON.stringify(head));
  }
  assert.deepEqual(asked, []);
  assert.equal(hub.counts.refused, heads.length);
  close();
});

Deno.test("a pod on its host's network is reached by its uid: its node decides at which ports", async () => {
  const { open, asked, close } = hubbed({ answerOfB: (stream) => stream.write(Uint8Array.of(0)) });
  const head = { kind: "tcp", node: "b", address: "192.0.2.7", port: 80, uid: "uid-host" };
  assert.deepEqual(await readAll(open(head)), [0]);
  assert.deepEqual(asked, [head]);
  close();
});

Deno.test("why a pod is not reached comes back; a tunnel that is lost ends its connections", async () => {
  const refusing = hubbed({
    answerOfB: () =>
      Promise.reject(new Error("refused: dial tcp 10.42.1.2:80: connection refused")),
  });
  await assert.rejects(readAll(refusing.open(WEB)), /MuxError: refused: dial tcp 10\.42\.1\.2:80/);
  refusing.close();
  const { open, cutB, close } = hubbed({
    async answerOfB(stream) {
      await stream.write(Uint8Array.of(0));
      for await (const _ of stream.bytes);
    },
  });
  const stream = open(WEB), bytes = stream.bytes[Symbol.asyncIterator]();
  assert.deepEqual((await bytes.next()).value, Uint8Array.of(0));
  cutB();
  await assert.rejects(bytes.next(), /MuxError/);
  close();
});

Deno.test("pods of the server's own node are dialled there, and the API only once it answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialled: PodTarget[] = [];
  const { open, close } = hubbed({
    ownDial: (target) => {
      dialled.push(target);
      return Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    },
  });
  const stream = open({ kind: "tcp", node: "server", address: "10.42.0.2", port: 80 });
  await stream.write(Uint8Array.of(4, 5));
  stream.end();
  {
    using pod = await listener.accept();
    const buffer = new Uint8Array(8);
    const count = await pod.read(buffer);
    await pod.write(buffer.subarray(0, count!));
  }
  assert.deepEqual(await readAll(stream), [0, 4, 5]);
  assert.equal(dialled[0]!.uid, "uid-here");
  await assert.rejects(
    readAll(open({ kind: "apiserver" })),
    /unreachable: the API does not answer/,
  );
  listener.close();
  close();
});
