import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../bytes.ts";
import { clientFrame } from "./client_frame_fixture.ts";
import {
  closeCodeOf,
  FRAME_RESERVE_BYTES,
  FrameError,
  type FrameEvent,
  frameInPlace,
  frameOf,
  FrameReader,
  OPCODE,
} from "./frames.ts";

/** The events, with the pieces of each message joined. */
function read(all: Uint8Array, size: number): { type: string; bytes: number[] }[] {
  const reader = new FrameReader();
  const found: { type: string; bytes: number[] }[] = [];
  let message: number[] = [];
  for (let at = 0; at < all.length; at += size) {
    for (const event of reader.push(all.slice(at, at + size)) as Iterable<FrameEvent>) {
      if (event.type !== "data") {
        found.push({ type: event.type, bytes: [...event.bytes] });
        continue;
      }
      if (event.startsMessage) message = [];
      message.push(...event.bytes);
      if (event.endsMessage) found.push({ type: "data", bytes: message });
    }
  }
  return found;
}

Deno.test("messages, fragments and control frames come whole, wherever the stream is cut", () => {
  const payload = fc.uint8Array({ maxLength: 200 });
  const message = fc.array(payload, { minLength: 1, maxLength: 3 });
  const ping = fc.uint8Array({ maxLength: 125 });
  const lists = fc.array(fc.tuple(message, ping), { maxLength: 4 });
  fc.assert(fc.property(lists, fc.integer({ min: 1, max: 40 }), (list, size) => {
    const frames = list.flatMap(([fragments, ping]) => [
      ...fragments.map((bytes, i) =>
        clientFrame(i === 0 ? OPCODE.binary : OPCODE.continuation, bytes, {
          isFinal: i === fragments.length - 1,
        })
      ),
      clientFrame(OPCODE.ping, ping),
    ]);
    const wanted = list.flatMap(([fragments, ping]) => [
      { type: "data", bytes: fragments.flatMap((each) => [...each]) },
      { type: "ping", bytes: [...ping] },
    ]);
    assert.deepEqual(read(concat(frames), size), wanted);
  }));
});

Deno.test("what is framed in place is read by the other end, masked or not", () => {
  const lengths = [0, 1, 3, 125, 126, 127, 65_535, 65_536, 70_001];
  const cuts = fc.integer({ min: 1, max: 70_100 });
  fc.assert(
    fc.property(fc.constantFrom(...lengths), cuts, fc.boolean(), (length, cut, isMasked) => {
      const data = Uint8Array.from({ length }, (_, i) => i * 7 & 0xff);
      const bytes = new Uint8Array(FRAME_RESERVE_BYTES + length);
      bytes.set(data, FRAME_RESERVE_BYTES);
      const mask = isMasked ? Uint8Array.of(1, 200, 30, 4) : undefined;
      const frame = frameInPlace(bytes, OPCODE.binary, mask);
      const reader = new FrameReader({ from: isMasked ? "client" : "server" });
      const got: Uint8Array[] = [];
      for (let at = 0; at < frame.length; at += cut) {
        for (const event of reader.push(frame.slice(at, at + cut))) got.push(event.bytes);
      }
      assert.deepEqual(concat(got), data);
    }),
  );
});

Deno.test("a masked frame of a server is refused", () => {
  const reader = new FrameReader({ from: "server" });
  assert.throws(() => [...reader.push(clientFrame(OPCODE.binary, Uint8Array.of(1)))], FrameError);
});

Deno.test("a control frame may stand between fragments", () => {
  const frames = concat([
    clientFrame(OPCODE.text, Uint8Array.of(1), { isFinal: false }),
    clientFrame(OPCODE.pong, Uint8Array.of(9)),
    clientFrame(OPCODE.continuation, Uint8Array.of(2)),
  ]);
  assert.deepEqual(read(frames, 3), [
    { type: "pong", bytes: [9] },
    { type: "data", bytes: [1, 2] },
  ]);
});

Deno.test("lengths of 16 and 64 bits are read and written", () => {
  for (const length of [125, 126, 65_535, 65_536, 100_000]) {
    const bytes = new Uint8Array(length).fill(7);
    assert.deepEqual(read(clientFrame(OPCODE.binary, bytes), 65_537)[0]?.bytes.length, length);
    const sent = frameOf(OPCODE.binary, bytes);
    assert.equal(sent.length - length, length < 126 ? 2 : length < 65_536 ? 4 : 10);
  }
});

Deno.test("what RFC 6455 forbids is refused", () => {
  const mask = [0, 0, 0, 0];
  const table: [string, number[]][] = [
    ["not masked", [0x82, 0x01, 1]],
    ["reserved bit", [0xc2, 0x80, ...mask]],
    ["unknown opcode", [0x83, 0x80, ...mask]],
    ["unknown control opcode", [0x8b, 0x80, ...mask]],
    ["fragmented ping", [0x09, 0x80, ...mask]],
    ["long ping", [0x89, 0xfe, 0, 126, ...mask]],
    ["continuation of nothing", [0x80, 0x80, ...mask]],
    ["message within a message", [0x02, 0x80, ...mask, 0x82, 0x80, ...mask]],
    ["16 bits for a short length", [0x82, 0xfe, 0, 125, ...mask]],
    ["64 bits for a short length", [0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...mask]],
    ["negative length", [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, ...mask]],
    ["length beyond exact numbers", [0x82, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, ...mask]],
  ];
  for (const [name, bytes] of table) {
    assert.throws(() => read(Uint8Array.from(bytes), 4), FrameError, name);
  }
});

Deno.test("no bytes make the reader throw anything else, or wait with much memory", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    try {
      read(bytes, 7);
    } catch (error) {
      assert.ok(error instanceof FrameError);
    }
  }));
});

Deno.test("only codes that may be sent are sent back", () => {
  const table: [number[], number][] = [
    [[], 1000],
    [[3, 232], 1000],
    [[3, 237], 1002], // 1005 stands for none
    [[3, 238], 1002],
    [[0, 0], 1002],
    [[11, 184], 3000],
    [[255, 255], 1002],
  ];
  for (const [payload, code] of table) assert.equal(closeCodeOf(Uint8Array.from(payload)), code);
});
