import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../bytes.ts";
import { Mux } from "./mux.ts";
import type { MuxStream } from "./mux_stream.ts";

/** Two ends, and what is on its way between them in pieces of any size. */
class Line {
  nowMs = 0;
  readonly one: Mux;
  readonly other: Mux;
  readonly opened: MuxStream[] = [];
  readonly ways: { from: Mux; to: Mux; bytes: Uint8Array[] }[];

  constructor() {
    const common = { nowMs: () => this.nowMs, onOutput: () => {} };
    const onStream = (stream: MuxStream) => void this.opened.push(stream);
    this.one = new Mux({ ...common, side: "dialler", onStream });
    this.other = new Mux({ ...common, side: "server", onStream });
    this.ways = [
      { from: this.one, to: this.other, bytes: [] },
      { from: this.other, to: this.one, bytes: [] },
    ];
  }

  /** Something is sent, and a piece of what is on its way arrives. */
  step(way: number, batch: number, piece: number): boolean {
    this.nowMs++;
    const { from, to, bytes } = this.ways[way & 1]!;
    const sent = from.take(batch);
    if (sent) bytes.push(sent);
    const [first] = bytes;
    if (!first) return false;
    to.receive(first.slice(0, piece));
    if (first.length <= piece) bytes.shift();
    else bytes[0] = first.subarray(piece);
    return true;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Sent {
  stream: MuxStream;
  bytes: Uint8Array;
}

async function writeAll({ stream, bytes }: Sent, pieces: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = pieces[i % pieces.length]!;
    await stream.write(bytes.subarray(at, at + length));
    at += length;
  }
  stream.end();
}

async function readAll(stream: MuxStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream.bytes) parts.push(part);
  return concat(parts);
}

function numbered(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + from) & 0xff);
}

Deno.test("in any interleaving every byte arrives once and in order, and nothing stays open", async () => {
  const size = fc.oneof(fc.integer({ max: 3000, min: 0 }), fc.integer({ max: 150_000, min: 0 }));
  const piece = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70_000 }));
  const pieces = fc.array(piece, { minLength: 1, maxLength: 5 });
  const plan = fc.record({
    streams: fc.array(fc.record({ size, answer: size, pieces }), { minLength: 1, maxLength: 6 }),
    steps: fc.array(fc.tuple(fc.nat(1), piece, piece), { minLength: 1, maxLength: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ streams, steps }) => {
      const line = new Line();
      const ends = streams.map(({ size, answer, pieces }, i) => {
        const bytes = numbered(size, i);
        const stream = (i % 2 === 0 ? line.one : line.other).open(`${i}`);
        return { i, stream, bytes, answer: numbered(answer, i + 100), pieces };
      });
      const sending = ends.map((each) => writeAll(each, each.pieces));
      const answers = ends.map(({ stream }) => readAll(stream));
      const others: Promise<void>[] = [];
      for (let n = 0, quiet = 0; quiet < 6; n++) {
        assert.ok(n < 200_000, "it does not come to an end");
        const [way, batch, cut] = steps[n % steps.length]!;
        // Both ways have their turn, whatever the plan says; pieces grow, so that tiny ones do not take for ever.
        const moved = [way, n].map((each) => line.step(each, batch, cut + n * 4));
        for (const stream of line.opened.splice(0)) {
          const { bytes, answer, pieces } = ends[Number(stream.head)]!;
          others.push(readAll(stream).then((got) => assert.deepEqual(got, bytes)));
          others.push(writeAll({ stream, bytes: answer }, pieces));
        }
        await turn();
        quiet = moved.some((each) => each) ? 0 : quiet + 1;
      }
      await Promise.all([...sending, ...others]);
      const got = await Promise.all(answers);
      ends.forEach(({ answer }, i) => assert.deepEqual(got[i], answer));
      assert.deepEqual([line.one.size, line.other.size], [0, 0]);
    }),
    { numRuns: 25 },
  );
});
