import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { concat } from "../../lib/bytes.ts";
import { echoingNode, freshApi } from "../api_fixture.ts";
import { dataOf, SpdyClientFrames } from "./spdy/client_frames_fixture.ts";
import { addRunningPod, upgradeAt, WEBSOCKET } from "./upgrade_fixture.ts";
import { clientFrame } from "../../lib/websocket/client_frame_fixture.ts";

const EXEC = "/api/v1/namespaces/default/pods/web/exec";
const ALL = "?command=run&command=0&stdin=true&stdout=1&stderr=true";
const encoder = new TextEncoder();

async function withPod(nodeStreams = echoingNode) {
  const fixture = await freshApi({ nodeStreams });
  await addRunningPod(fixture, "web");
  return fixture;
}

const v5 = { ...WEBSOCKET, "sec-websocket-protocol": "v5.channel.k8s.io,v4.channel.k8s.io" };
const spdy = {
  connection: "Upgrade",
  upgrade: "SPDY/3.1",
  "x-stream-protocol-version": "v4.channel.k8s.io, v3.channel.k8s.io",
};

Deno.test("a command by WebSocket: input, its end alone, output and how it ended", async () => {
  const { client, until, done } = upgradeAt(await withPod(), EXEC + ALL, v5);
  client.write(concat([
    clientFrame(2, Uint8Array.of(0, ...encoder.encode("hello "))),
    clientFrame(2, Uint8Array.of(255, 0)),
  ]));
  const text = await until("Success");
  assert.match(
    text,
    /^HTTP\/1\.1 101 .*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s,
  );
  assert.match(text, /Sec-WebSocket-Protocol: v5\.channel\.k8s\.io\r\n\r\n/);
  // An empty message says that the connection stands.
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  assert.equal(
    body.slice(0, body.indexOf("Success")),
    '\x82\x01\x01\x82\x07\x01hello \x82\x07\x01run 0\n\x82\x23\x03{"metadata":{},"status":"',
  );
  assert.equal(await done, undefined);
});

Deno.test("by base64 messages, with an exit code in old words", async () => {
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "base64.channel.k8s.io" };
  const query = "?command=run&command=3&stdin=true&stdout=true";
  const { client, until } = upgradeAt(await withPod(), EXEC + query, headers);
  client.write(clientFrame(1, encoder.encode("0" + btoa("hi"))));
  assert.match(await until(btoa("hi")), /1aGk=/);
  client.end();
  assert.match(await until("3" + btoa("command")), /1cnVuIDMK/);
});

Deno.test("by SPDY: the command starts when all streams are there", async () => {
  const fixture = await withPod();
  const { client, until, done } = upgradeAt(fixture, EXEC + ALL, spdy, "POST");
  const frames = new SpdyClientFrames();
  client.write(concat([
    frames.open(1, { streamtype: "error" }),
    frames.open(3, { streamtype: "stdin" }),
    frames.open(5, { streamtype: "stdout" }),
    frames.open(7, { streamtype: "stderr" }),
    dataOf(3, encoder.encode("some input "), 1),
  ]));
  const text = await until("Success");
  assert.match(text, /X-Stream-Protocol-Version: v4\.channel\.k8s\.io\r\n/);
  assert.match(text, /some input /);
  assert.ok(text.includes("run 0\n"));
  client.end();
  assert.equal(await done, undefined);
});

Deno.test("streams that never come end the connection after 30 s", async () => {
  const fixture = await withPod();
  const { client, done } = upgradeAt(fixture, EXEC + ALL, spdy, "POST");
  client.write(new SpdyClientFrames().open(1, { streamtype: "error" }));
  await new Promise((resolve) => setImmediate(resolve));
  await (fixture.clock as unknown as { advance(ms: number): Promise<void> }).advance(30_001);
  assert.equal(await done, undefined);
});

Deno.test("a command that cannot be run is refused before the upgrade, or told on the error channel by version 5", async () => {
  const node = {
    ...echoingNode,
    exec: () => Promise.reject(new ApiError("InternalError", 'container not found ("main")')),
  };
  const refused = await upgradeAt(await withPod(node), EXEC + ALL, spdy, "POST").done;
  assert.deepEqual([refused?.code, refused?.message], [500, 'container not found ("main")']);
  const text = await upgradeAt(await withPod(node), EXEC + ALL, v5).until("500}");
  const status = JSON.parse(/\{"metadata.*\}/.exec(text)![0]);
  const why = 'unable to upgrade connection: container not found ("main")';
  assert.deepEqual(status, {
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${why}`,
    reason: "InternalError",
    details: { causes: [{ message: why }] },
    code: 500,
  });
});

Deno.test("what cannot be upgraded says why, in Kubernetes' words", async () => {
  const fixture = await withPod();
  await addRunningPod(fixture, "two", ["a", "b"]);
  const pods = "/api/v1/namespaces/default/pods";
  const table: [string, Record<string, string>, number, string][] = [
    [`${pods}/none/exec${ALL}`, v5, 404, 'pods "none" not found'],
    [`${EXEC}${ALL}&container=x`, v5, 400, "container x is not valid for pod web"],
    [
      `${pods}/two/exec${ALL}`,
      v5,
      400,
      "a container name must be specified for pod two, choose one of: [a b]",
    ],
    [`${EXEC}?command=a`, v5, 400, "you must specify at least 1 of stdin, stdout, stderr"],
    [
      `${EXEC}?command=a&tty=1&stderr=1`,
      v5,
      400,
      "you must specify at least 1 of stdin, stdout, stderr",
    ],
    [
      EXEC + ALL,
      { ...WEBSOCKET, "sec-websocket-protocol": "v9.channel.k8s.io" },
      403,
      "requested protocol(s) are not supported: [v9.channel.k8s.io]; supports [ v5.channel.k8s.io v4.channel.k8s.io v4.base64.channel.k8s.io channel.k8s.io base64.channel.k8s.io]",
    ],
    [EXEC + ALL, { ...v5, "sec-websocket-version": "8" }, 400, "missing or bad WebSocket Version"],
    [EXEC + ALL, { ...v5, "sec-websocket-key": "short" }, 400, "mismatch challenge/response"],
    [
      EXEC + ALL,
      { connection: "Upgrade", upgrade: "SPDY/3.1" },
      400,
      "unable to upgrade: X-Stream-Protocol-Version is required",
    ],
    [
      EXEC + ALL,
      { ...spdy, "x-stream-protocol-version": "v9.channel.k8s.io" },
      403,
      "unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]",
    ],
    [EXEC + ALL, { authorization: "Bearer wrong", ...v5 }, 401, "Unauthorized"],
  ];
  for (const [url, headers, code, message] of table) {
    const { done, text } = upgradeAt(fixture, url, headers);
    const refusal = await done;
    assert.deepEqual([refusal?.code, refusal?.message], [code, message]);
    assert.equal(text(), "", "bytes were sent before the refusal");
  }
  const ordinary = await fixture.ask("POST", EXEC + ALL);
  assert.deepEqual([ordinary.status, (await ordinary.json()).message], [
    400,
    "Upgrade request required",
  ]);
});
