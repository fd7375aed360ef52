import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { concat } from "../../lib/bytes.ts";
import { MuxError } from "../../lib/mux/mux_error.ts";
import type { MuxStream } from "../../lib/mux/mux_stream.ts";
import type { StreamKind } from "./tunnel.ts";
import { tunnelPair } from "./tunnel_fixture.ts";

const echo: StreamKind = {
  kind: "echo",
  async answer(stream) {
    for await (const bytes of stream.bytes) await stream.write(bytes);
  },
};

async function allOf(stream: MuxStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream.bytes) parts.push(part);
  return concat(parts);
}

Deno.test("what is written to a stream comes back from one that echoes, also much of it", async () => {
  const { server } = tunnelPair({ ofNode: [echo] });
  for (const length of [0, 1, 300, 65_536, 3_000_000]) {
    const sent = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
    const stream = server.open({ kind: "echo" });
    const read = allOf(stream);
    let written = 0;
    for (; written < length; written += sent.length) await stream.write(sent);
    stream.end();
    const got = await read;
    assert.equal(got.length, written);
    assert.deepEqual(got.subarray(0, sent.length), sent.subarray(0, got.length));
  }
  assert.equal(server.streams, 0);
});

Deno.test("a kind that nobody answers, and a failed answer, reset the stream with the reason", async () => {
  const failing: StreamKind = {
    kind: "failing",
    answer: () => Promise.reject(new Error("the disk is full")),
  };
  const { server } = tunnelPair({ ofNode: [failing] });
  await assert.rejects(allOf(server.open({ kind: "failing" })), new MuxError("the disk is full"));
  await assert.rejects(
    allOf(server.open({ kind: "other" })),
    new MuxError('streams of kind "other" are not answered here'),
  );
  assert.equal(server.streams, 0);
});

Deno.test("silence ends both ends after the time they allow; pings keep them alive", async () => {
  const clock = new VirtualClock();
  let pings = 0;
  const pair = tunnelPair({ clock, pingMs: 15_000, onPing: () => pings++ });
  let ended: string[] = [];
  for (const end of [pair.server, pair.node]) void end.ended.then((why) => ended = [...ended, why]);
  await clock.advance(600_000);
  assert.equal(pings, 40);
  assert.deepEqual(ended, []);
  const stream = pair.server.open({ kind: "echo" });
  pair.silence();
  const read = assert.rejects(allOf(stream), new MuxError("no sign of life for 40000 ms"));
  await clock.advance(40_001);
  await read;
  assert.deepEqual(ended, Array(2).fill("no sign of life for 40000 ms"));
  assert.equal(clock.pending, 0);
});

Deno.test("a probe finds a dead connection sooner", async () => {
  const clock = new VirtualClock();
  const pair = tunnelPair({ clock, pingMs: 15_000, delayMs: 100 });
  pair.node.probe(3_000);
  await clock.advance(60_000);
  assert.equal(pair.node.rttMs, 200);
  pair.silence();
  pair.node.probe(3_000);
  await clock.advance(3_000);
  assert.equal(await pair.node.ended, "no sign of life for 3000 ms");
  pair.server.close("the test ends");
});

Deno.test("a broken connection ends every stream with the reason", async () => {
  const pair = tunnelPair({ ofNode: [echo] });
  const stream = pair.server.open({ kind: "echo" });
  const read = assert.rejects(allOf(stream), new MuxError("the connection is broken"));
  pair.cut();
  await read;
  await assert.rejects(stream.write(new Uint8Array(1)), MuxError);
  await assert.rejects(allOf(pair.server.open({ kind: "echo" })), MuxError);
  assert.equal(await pair.node.ended, "the connection is broken");
});
