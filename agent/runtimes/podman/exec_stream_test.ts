import assert from "node:assert/strict";
import fc from "fast-check";
import { payloads } from "./exec_stream.ts";

function frame(stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

Deno.test("payloads come whole, wherever the stream is cut into parts", async () => {
  const lists = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), async (list, size) => {
    const all = Uint8Array.from(list.flatMap((each, index) => [...frame(1 + index % 2, each)]));
    async function* parts() {
      for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
    }
    const got = await Array.fromAsync(payloads(parts()), (each) => each.slice());
    assert.deepEqual(got, list.map((each) => Uint8Array.from(each)));
  }));
});

Deno.test("what is cut off at the end is left out", async () => {
  async function* parts() {
    yield frame(1, new Uint8Array([1, 2, 3])).subarray(0, 10);
  }
  assert.deepEqual(await Array.fromAsync(payloads(parts())), []);
});
