import assert from "node:assert/strict";
import { concat } from "../../../lib/bytes.ts";
import { connectedPair } from "../upgrades/duplex_fixture.ts";
import { RawConnection } from "../upgrades/raw_connection.ts";
import { control, dataOf, pingOf, SpdyClientFrames, u32 } from "./client_frames_fixture.ts";
import { SpdySession, type SpdyStream } from "./session.ts";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();

function opened() {
  const [server, client] = connectedPair();
  const streams: SpdyStream[] = [];
  const connection = new RawConnection({ socket: server, head: NOTHING });
  const session = new SpdySession(connection, (stream) => streams.push(stream));
  const received: Uint8Array[] = [];
  client.on("data", (bytes: Uint8Array) => received.push(bytes));
  return { client, streams, session, ended: session.run(), got: () => concat(received) };
}

Deno.test("a stream has both directions, and is forgotten when both have ended", async () => {
  const { client, streams, ended, got, session } = opened();
  const frames = new SpdyClientFrames();
  client.write(
    concat([frames.open(1, { streamtype: "data" }), dataOf(1, encoder.encode("hi"), 1)]),
  );
  await new Promise((resolve) => setImmediate(resolve));
  const stream = streams[0]!;
  assert.equal(new TextDecoder().decode(await stream.read()), "hi");
  assert.equal(await stream.read(), undefined);
  await stream.write(encoder.encode("ho"));
  await stream.end();
  await assert.rejects(stream.write(encoder.encode("more")));
  await session.close();
  client.end();
  await ended;
  const answer = got();
  const reply = 8 + 4 + 16; // the first reply has the head of zlib before its block
  assert.deepEqual([...answer.subarray(reply, reply + 10)], [0, 0, 0, 1, 0, 0, 0, 2, 104, 111]);
  assert.deepEqual([...answer.subarray(reply + 10, reply + 18)], [0, 0, 0, 1, 1, 0, 0, 0]);
});

Deno.test("pings with odd ids are answered, the others are answers", async () => {
  const { client, ended, got } = opened();
  client.end(concat([pingOf(1), pingOf(2), pingOf(3)]));
  await ended;
  assert.deepEqual(got(), concat([pingOf(1), pingOf(3)]));
});

Deno.test("one who sends more than is read waits: it costs bounded memory", async () => {
  const { client, streams } = opened();
  client.write(new SpdyClientFrames().open(1, { streamtype: "stdin" }));
  let sent = 0;
  const piece = dataOf(1, new Uint8Array(16 * 1024));
  while (sent < 4_000_000 && client.write(piece)) {
    sent += piece.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent < 1_000_000, `${sent} bytes were taken`);
  assert.ok(streams[0]!.waitingBytes < 512 * 1024);
  client.destroy();
});

Deno.test("empty and tiny frames without end cost bounded memory too", async () => {
  const { client, streams } = opened();
  client.write(new SpdyClientFrames().open(1, { streamtype: "stdin" }));
  const tiny = concat(Array.from({ length: 5000 }, () => dataOf(1, Uint8Array.of(1))));
  for (let i = 0; i < 40 && client.write(tiny); i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(streams[0]!.waitingBytes < 2 * 1024 * 1024);
  client.destroy();
});

Deno.test("streams beyond the limit, and ids out of order, are refused", async () => {
  const many = opened();
  const frames = new SpdyClientFrames();
  const opens = Array.from({ length: 513 }, (_, i) => frames.open(2 * i + 1, { a: "b" }));
  many.client.end(concat(opens));
  await many.ended;
  assert.equal(many.streams.length, 512);
  const refusal = control(3, u32(2 * 512 + 1, 3));
  assert.deepEqual(many.got().subarray(-refusal.length), refusal);

  for (const ids of [[2], [3, 3], [5, 1]]) {
    const { client, ended, got } = opened();
    const own = new SpdyClientFrames();
    client.write(concat(ids.map((id) => own.open(id, {}))));
    await ended; // says good-bye and reads no more
    assert.equal(got().at(-16 + 3), 7);
    client.destroy();
  }
});
