import assert from "node:assert/strict";
import fc from "fast-check";
import { PackedBytes } from "./packed_bytes.ts";

Deno.test("copies are what was copied, whatever is copied after them", () => {
  const lengths = fc.array(fc.oneof(fc.nat(300), fc.nat(40_000)), { maxLength: 60 });
  fc.assert(fc.property(lengths, (lengths) => {
    const packed = new PackedBytes();
    const copies = lengths.map((length, i) => packed.copyOf(new Uint8Array(length).fill(i)));
    copies.forEach((copy, i) => assert.deepEqual(copy, new Uint8Array(lengths[i]!).fill(i)));
  }));
});

Deno.test("short ones share memory, long ones have their own", () => {
  const packed = new PackedBytes();
  const [a, b, long] = [10, 20, 50_000].map((length) => packed.copyOf(new Uint8Array(length)));
  assert.equal(a!.buffer, b!.buffer);
  assert.equal(long!.buffer.byteLength, 50_000);
});
