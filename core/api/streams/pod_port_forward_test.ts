import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { UnreachableNode } from "../../client/nodes/unreachable_node.ts";
import type { NodeStreams, PodPort } from "../../client/node_streams.ts";
import { concat } from "../../lib/bytes.ts";
import { echoingNode, freshApi } from "../api_fixture.ts";
import { dataOf, SpdyClientFrames } from "./spdy/client_frames_fixture.ts";
import { addRunningPod, upgradeAt, WEBSOCKET } from "./upgrade_fixture.ts";
import { clientFrame } from "../../lib/websocket/client_frame_fixture.ts";

const FORWARD = "/api/v1/namespaces/default/pods/web/portforward";
const encoder = new TextEncoder();
const spdy = {
  connection: "Upgrade",
  upgrade: "SPDY/3.1",
  "x-stream-protocol-version": "portforward.k8s.io",
};

async function withPod(more: Partial<NodeStreams> = {}) {
  const asked: PodPort[] = [];
  const node: NodeStreams = {
    ...echoingNode,
    connect: (_pod, target) => {
      asked.push(target);
      return Promise.resolve(new PassThrough({ allowHalfOpen: true }));
    },
    ...more,
  };
  const fixture = await freshApi({ nodeStreams: node });
  await addRunningPod(fixture, "web");
  return { fixture, asked };
}

function pair(frames: SpdyClientFrames, first: number, port: string, id: string): Uint8Array {
  const common = { port, requestid: id };
  return concat([
    frames.open(first, { ...common, streamtype: "error" }),
    frames.open(first + 2, { ...common, streamtype: "data" }),
  ]);
}

Deno.test("by SPDY several connections go on at once, each to its port", async () => {
  const { fixture, asked } = await withPod();
  const { client, until, done } = upgradeAt(fixture, FORWARD, spdy, "POST");
  const frames = new SpdyClientFrames();
  client.write(concat([
    pair(frames, 1, "80", "0"),
    pair(frames, 5, "81", "1"),
    dataOf(3, encoder.encode("first")),
    dataOf(7, encoder.encode("second"), 1),
  ]));
  await until("first");
  await until("second");
  assert.deepEqual(asked, [{ port: 80, at: "loopback" }, { port: 81, at: "loopback" }]);
  client.end();
  assert.equal(await done, undefined);
});

Deno.test("inside a WebSocket it is the same", async () => {
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io" };
  const { client, until } = upgradeAt((await withPod()).fixture, FORWARD, headers);
  const frames = new SpdyClientFrames();
  const all = concat([pair(frames, 1, "80", "0"), dataOf(3, encoder.encode("hello"), 1)]);
  for (let at = 0; at < all.length; at += 7) {
    client.write(clientFrame(2, all.slice(at, at + 7)));
  }
  const text = await until("llo"); // the bytes come in frames of their own
  assert.match(text, /Sec-WebSocket-Protocol: SPDY\/3\.1\+portforward\.k8s\.io\r\n/);
  client.end();
});

Deno.test("by channels of a WebSocket: two for each port, which begin with its number", async () => {
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "v4.channel.k8s.io" };
  const { client, until } = upgradeAt(
    (await withPod()).fixture,
    `${FORWARD}?ports=80,258`,
    headers,
  );
  client.write(clientFrame(2, Uint8Array.of(2, ...encoder.encode("hi"))));
  const text = await until("\x02hi");
  for (const start of ["\x00\x50\x00", "\x01\x50\x00", "\x02\x02\x01", "\x03\x02\x01"]) {
    assert.ok(text.includes(`\x82\x03${start}`), text);
  }
  client.end();
});

Deno.test("a port that cannot be reached is told on its error stream", async () => {
  const why = "dial tcp4 127.0.0.1:9: connect: connection refused";
  const { fixture } = await withPod({ connect: () => Promise.reject(new Error(why)) });
  const { client, until } = upgradeAt(fixture, FORWARD, spdy, "POST");
  client.write(pair(new SpdyClientFrames(), 1, "9", "0"));
  assert.match(await until(why), /error forwarding port 9 to pod [\w-]+, uid : dial tcp4/);
  client.end();
});

Deno.test("a connection that breaks with the way to the agent says why, one that the pod closes does not", async () => {
  const lost = UnreachableNode.lost("edge", "no sign of life");
  for (const fault of [lost, new Error("ECONNRESET")]) {
    const opened = Promise.withResolvers<PassThrough>();
    const { fixture } = await withPod({
      connect: () => {
        const duplex = new PassThrough({ allowHalfOpen: true });
        opened.resolve(duplex);
        return Promise.resolve(duplex);
      },
    });
    const { client, until, text } = upgradeAt(fixture, FORWARD, spdy, "POST");
    client.write(pair(new SpdyClientFrames(), 1, "9", "0"));
    const duplex = await opened.promise;
    duplex.write("first");
    await until("first");
    duplex.destroy(fault);
    if (fault === lost) await until(`uid : ${lost.message}`);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(/error forwarding/.test(text()), fault === lost);
    client.end();
  }
});

Deno.test("a stream without port or type is reset, one without its other half after 30 s", async () => {
  const { fixture, asked } = await withPod();
  const { client, until } = upgradeAt(fixture, FORWARD, spdy, "POST");
  const frames = new SpdyClientFrames();
  const reset = (id: number) =>
    `\x80\x03\x00\x03\x00\x00\x00\x08\x00\x00\x00${String.fromCharCode(id)}`;
  client.write(frames.open(1, { streamtype: "data", port: "0" }));
  await until(reset(1));
  client.write(frames.open(3, { streamtype: "other", port: "80" }));
  await until(reset(3));
  client.write(frames.open(5, { streamtype: "data", port: "80", requestid: "7" }));
  await new Promise((resolve) => setImmediate(resolve));
  await (fixture.clock as unknown as { advance(ms: number): Promise<void> }).advance(30_001);
  await until(reset(5));
  assert.deepEqual(asked, []);
  client.end();
});

Deno.test("ports that are none are refused before the upgrade", async () => {
  const { fixture } = await withPod();
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "v4.channel.k8s.io" };
  const table: [string, string][] = [
    ["", 'query parameter "port" is required'],
    ["?ports=", 'query parameter "port" cannot be empty'],
    ["?ports=0", 'port "0" must be > 0'],
    [
      "?ports=80,x",
      'unable to parse "x" as a port: strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      "?ports=70000",
      'unable to parse "70000" as a port: strconv.ParseUint: parsing "70000": value out of range',
    ],
  ];
  for (const [query, message] of table) {
    const refusal = await upgradeAt(fixture, FORWARD + query, headers).done;
    assert.deepEqual([refusal?.code, refusal?.message], [400, message]);
  }
});

Deno.test("a container is attached to by the same protocols", async () => {
  const { fixture } = await withPod();
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "v5.channel.k8s.io" };
  const path = FORWARD.replace("portforward", "attach");
  const { client, until } = upgradeAt(fixture, `${path}?stdin=1&stdout=1`, headers);
  client.write(clientFrame(2, Uint8Array.of(255, 0)));
  assert.match(await until("Success"), /attached\n/);
});
