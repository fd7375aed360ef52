import assert from "node:assert/strict";
import { FRAME, frameOf, headOf, payloadOf } from "./frames.ts";
import { REFUSALS_MAX, STREAMS_MAX, UNREAD_BYTES_MAX, WINDOW_BYTES } from "./limits.ts";
import { Mux } from "./mux.ts";
import { ProtocolError } from "./mux_error.ts";
import type { MuxStream } from "./mux_stream.ts";
import { concat } from "../bytes.ts";

interface Victim {
  mux: Mux;
  opened: MuxStream[];
  /** Its time in ms. */
  now: { ms: number };
}

/** The server's end, and what it has seen opened. */
function victim(): Victim {
  const opened: MuxStream[] = [];
  const now = { ms: 0 };
  const mux = new Mux({
    side: "server",
    nowMs: () => now.ms,
    onStream: (stream) => opened.push(stream),
    onOutput: () => {},
  });
  return { mux, opened, now };
}

const open = (id: number, head = "x") => frameOf(FRAME.open, id, new TextEncoder().encode(head));
const data = (id: number, length: number) => frameOf(FRAME.data, id, new Uint8Array(length));
const credit = (id: number, bytes: number) => frameOf(FRAME.credit, id, payloadOf(bytes));

Deno.test("what the protocol forbids ends the tunnel with words", () => {
  const table: [name: string, frames: Uint8Array[], words: RegExp][] = [
    ["data of no stream", [data(1, 4)], /never opened/],
    ["an answer to a stream that this end never opened", [data(2, 4)], /never opened/],
    ["credit for the tunnel", [credit(0, 1)], /never opened/],
    ["a number twice", [open(1), open(1)], /wrong number/],
    ["a lower number", [open(3), open(1)], /wrong number/],
    ["a number of the other end", [open(2)], /wrong number/],
    ["more than the window", [open(1), ...Array(5).fill(data(1, 16_384))], /window allows/],
    ["data without data", [open(1), data(1, 0)], /without data/],
    ["data after the end", [open(1), frameOf(FRAME.end, 1), data(1, 1)], /after the end/],
    ["two ends", [open(1), frameOf(FRAME.end, 1), frameOf(FRAME.end, 1)], /ended twice/],
    ["no credit", [open(1), credit(1, 0)], /wrong credit/],
    ["endless credit", [open(1), ...Array(3).fill(credit(1, 2 ** 31))], /wrong credit/],
    ["a short credit", [open(1), frameOf(FRAME.credit, 1, Uint8Array.of(1))], /without a number/],
    ["a ping without a number", [frameOf(FRAME.ping, 0)], /without a number/],
    ["a giant head", [headOf({ type: FRAME.open, stream: 1, length: 60_000 })], /60000 bytes/],
    ["a giant frame", [open(1), headOf({ type: FRAME.data, stream: 1, length: 16_385 })], /16385/],
    ["an end with data", [headOf({ type: FRAME.end, stream: 1, length: 1 })], /1 bytes/],
    ["a head that is no text", [frameOf(FRAME.open, 1, Uint8Array.of(0xff))], /UTF-8/],
    ["a frame of later versions that must not be skipped", [frameOf(9, 0)], /unknown type 9/],
  ];
  for (const [name, frames, words] of table) {
    const { mux } = victim();
    assert.throws(() => mux.receive(concat(frames)), (error) => {
      assert.ok(error instanceof ProtocolError, name);
      assert.match(error.message, words, name);
      return true;
    });
  }
});

Deno.test("frames of later versions that may be skipped are skipped, wherever they are cut", async () => {
  const { mux, opened } = victim();
  const frames = concat([
    frameOf(128, 0),
    open(1),
    frameOf(255, 7, new Uint8Array(60_000)),
    data(1, 3),
    frameOf(FRAME.end, 1),
  ]);
  for (let at = 0; at < frames.length; at += 7) mux.receive(frames.slice(at, at + 7));
  let got = 0;
  for await (const part of opened[0]!.bytes) got += part.length;
  assert.equal(got, 3);
});

Deno.test("what comes late for a stream that this end has reset is dropped", () => {
  const { mux, opened } = victim();
  mux.receive(concat([open(1), data(1, 100)]));
  opened[0]!.reset("enough");
  mux.receive(concat([data(1, 100), credit(1, 5), frameOf(FRAME.end, 1)]));
  assert.equal(mux.size, 0);
});

Deno.test("of 100,000 streams a bounded number is opened, and their opener is cut off", () => {
  const { mux, opened } = victim();
  let sent = 0;
  assert.throws(() => {
    for (; sent < 100_000; sent++) {
      mux.receive(open(1 + 2 * sent));
      mux.take(64 * 1024); // it reads the refusals
    }
  }, /too many streams/);
  assert.equal(opened.length, STREAMS_MAX);
  assert.ok(sent <= STREAMS_MAX + REFUSALS_MAX);
});

Deno.test("who opens and resets without end is read more slowly", () => {
  const { mux, opened, now } = victim();
  let waitedMs = 0;
  for (let i = 0; i < 20_000; i++) {
    const ms = mux.receive(concat([open(1 + 2 * i), frameOf(FRAME.reset, 1 + 2 * i)]));
    waitedMs += ms;
    now.ms += ms;
    mux.take(64 * 1024);
  }
  assert.equal(opened.length, 20_000);
  assert.equal(mux.size, 0);
  assert.ok(waitedMs > 8_000, `${waitedMs} ms`);
});

Deno.test("endless pings are answered a few at a time, and read more slowly", () => {
  const { mux, now } = victim();
  const pings = concat(
    Array.from({ length: 5_000 }, (_, i) => frameOf(FRAME.ping, 0, payloadOf(i))),
  );
  let waitedMs = 0;
  for (let i = 0; i < 20; i++) {
    const ms = mux.receive(pings);
    waitedMs += ms;
    now.ms += ms;
  }
  assert.ok(waitedMs > 9_000, `${waitedMs} ms`);
  const answers = mux.take(1024 * 1024)!;
  assert.ok(answers.length < 400, `${answers.length} bytes of answers`);
});

Deno.test("endless frames to skip are read more slowly", () => {
  const { mux, now } = victim();
  const frames = concat(Array(5_000).fill(frameOf(200, 0)));
  for (let i = 0; i < 3; i++) now.ms += mux.receive(frames);
  assert.ok(now.ms > 500, `${now.ms} ms`);
});

Deno.test("one byte a frame costs no more memory than the bytes", async () => {
  const { mux, opened } = victim();
  mux.receive(open(1));
  const frame = data(1, 1);
  for (let i = 0; i < WINDOW_BYTES; i++) mux.receive(frame);
  let parts = 0;
  let bytes = 0;
  for await (const part of opened[0]!.bytes) {
    parts++;
    bytes += part.length;
    if (bytes === WINDOW_BYTES) break;
  }
  assert.ok(parts <= WINDOW_BYTES / 4096 + 1, `${parts} parts`);
});

Deno.test("what waits for readers who do not read is bounded over all streams", () => {
  const { mux, opened } = victim();
  const part = data(0, 16_384);
  let sent = 0;
  for (let i = 0; i < 1_000; i++) {
    const id = 1 + 2 * i;
    mux.receive(open(id));
    for (let n = 0; n < 4; n++) {
      mux.receive(
        concat([headOf({ type: FRAME.data, stream: id, length: 16_384 }), part.subarray(8)]),
      );
      sent += 16_384;
    }
  }
  const waiting = opened.filter(({ lost }) => !lost.aborted).length * WINDOW_BYTES;
  assert.ok(sent > 2 * UNREAD_BYTES_MAX);
  assert.ok(waiting <= UNREAD_BYTES_MAX, `${waiting} bytes`);
});

Deno.test("who never answers pings gets little more than one window of bulk", async () => {
  const { mux } = victim();
  const writers = Array.from({ length: 50 }, (_, i) => {
    const stream = mux.open(`${i}`);
    return stream.write(new Uint8Array(60_000));
  });
  let sent = 0;
  for (let bytes; (bytes = mux.take(64 * 1024)) !== undefined;) sent += bytes.length;
  await Promise.all(writers); // taken into the streams' own queues
  assert.ok(sent < 96 * 1024, `${sent} bytes`);
});

Deno.test("small messages overtake bulk, but one that is made of many does not", () => {
  const { mux } = victim();
  const stream = mux.open("many small writes");
  let sent = 0;
  for (let i = 0; i < 60; i++) {
    void stream.write(new Uint8Array(1_000));
    sent += mux.take(64 * 1024)?.length ?? 0;
  }
  assert.ok(sent < 48 * 1024, `${sent} bytes without an answer to a ping`);
  const other = mux.open("one small write");
  void other.write(new Uint8Array(300));
  assert.ok((mux.take(64 * 1024)?.length ?? 0) >= 300);
});

Deno.test("who provokes refusals and reads none is cut off", () => {
  const { mux } = victim();
  assert.throws(() => {
    for (let i = 0; i < 100_000; i++) mux.receive(open(1 + 2 * i));
  }, /too many streams|does not read/);
});
