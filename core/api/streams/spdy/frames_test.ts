import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../../lib/bytes.ts";
import { control, dataOf, pingOf, SpdyClientFrames, u32 } from "./client_frames_fixture.ts";
import { SpdyError, type SpdyEvent, SpdyReader } from "./frames.ts";

function read(all: Uint8Array, size = all.length || 1): SpdyEvent[] {
  const reader = new SpdyReader();
  const events: SpdyEvent[] = [];
  for (let at = 0; at < all.length; at += size) {
    for (const event of reader.push(all.slice(at, at + size))) {
      events.push(event.type === "data" ? { ...event, bytes: event.bytes.slice() } : event);
    }
  }
  return events;
}

Deno.test("streams, their data and pings come, wherever the connection is cut", () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 });
  fc.assert(fc.property(payloads, fc.integer({ min: 1, max: 50 }), (list, size) => {
    const client = new SpdyClientFrames();
    const frames = concat([
      client.open(1, { streamtype: "error" }),
      ...list.map((bytes) => dataOf(1, bytes)),
      pingOf(7),
      client.open(3, { StreamType: "data", port: "80" }),
      dataOf(3, new Uint8Array(), 1),
    ]);
    const events = read(frames, size);
    const bytes = events.flatMap((event) => event.type === "data" ? [...event.bytes] : []);
    assert.deepEqual(bytes, list.flatMap((each) => [...each]));
    const rest = events.filter((event) => event.type !== "data" || event.isLast);
    assert.deepEqual(rest, [
      { type: "open", stream: 1, headers: new Map([["streamtype", "error"]]), isLast: false },
      { type: "ping", id: 7 },
      {
        type: "open",
        stream: 3,
        headers: new Map([["streamtype", "data"], ["port", "80"]]),
        isLast: false,
      },
      { type: "data", stream: 3, bytes: new Uint8Array(), isLast: true },
    ]);
  }));
});

Deno.test("what is no SPDY, too long or cut off is refused", () => {
  const table: [string, Uint8Array][] = [
    ["another version", Uint8Array.of(0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1)],
    ["HTTP/2", new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff")],
    ["a long control frame", Uint8Array.of(0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff)],
    ["a short ping", control(6, new Uint8Array(3))],
    ["a stream without an id", control(1, new Uint8Array(2))],
    ["headers that are not compressed", control(1, concat([u32(1, 0), new Uint8Array(20)]))],
  ];
  for (const [name, bytes] of table) {
    if (name === "HTTP/2") assert.doesNotThrow(() => read(bytes), name); // data of a stream that nobody knows
    else assert.throws(() => read(bytes), SpdyError, name);
  }
});

Deno.test("no bytes make the reader throw anything else", () => {
  const frames = new SpdyClientFrames().open(1, { streamtype: "data", port: "80" });
  const noise = fc.array(fc.tuple(fc.nat(frames.length - 1), fc.nat(255)), { maxLength: 5 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), noise, (bytes, changes) => {
    const damaged = frames.slice();
    for (const [at, byte] of changes) damaged[at] = byte;
    for (const input of [bytes, damaged]) {
      try {
        read(input, 5);
      } catch (error) {
        assert.ok(error instanceof SpdyError, String(error));
      }
    }
  }));
});
