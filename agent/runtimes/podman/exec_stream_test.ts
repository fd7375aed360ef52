import assert from "node:assert/strict";
import fc from "fast-check";
import { outputOf } from "./exec_stream.ts";

function frame(stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

async function* cut(all: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

Deno.test("each stream gets its bytes, wherever they are cut into parts", async () => {
  const lists = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), async (list, size) => {
    const all = Uint8Array.from(list.flatMap((each, index) => [...frame(1 + index % 2, each)]));
    const got = { stdout: [] as number[], stderr: [] as number[] };
    for await (const { stream, bytes } of outputOf(cut(all, size))) got[stream].push(...bytes);
    const wanted = (parity: number) =>
      list.filter((_, i) => i % 2 === parity).flatMap((x) => [...x]);
    assert.deepEqual(got, { stdout: wanted(0), stderr: wanted(1) });
  }));
});

Deno.test("what is cut off at the end is given as far as it came", async () => {
  const part = frame(1, new Uint8Array([1, 2, 3])).subarray(0, 10);
  const got = await Array.fromAsync(outputOf(cut(part, 99)), ({ bytes }) => [...bytes]);
  assert.deepEqual(got, [[1, 2]]);
});
