import assert from "node:assert/strict";
import fc from "fast-check";
import { AnswerReader } from "./call.ts";
import { encodedHeaders, HeaderDecoder } from "./hpack.ts";
import { huffmanText } from "./huffman.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const lines = (headers: readonly { name: string; value: string }[]) =>
  headers.map(({ name, value }) => `${name}: ${value}`);

Deno.test("texts are decompressed as in RFC 7541, appendix C", () => {
  assert.equal(huffmanText(hex("f1e3 c2e5 f23a 6ba0 ab90 f4ff")), "www.example.com");
  assert.equal(
    huffmanText(hex("d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff")),
    "Mon, 21 Oct 2013 20:13:21 GMT",
  );
  assert.equal(huffmanText(new Uint8Array()), "");
  assert.throws(() => huffmanText(hex("ff")), /padding/);
  assert.throws(() => huffmanText(hex("ffffffff")), /invalid Huffman/);
  assert.throws(() => huffmanText(hex("00")), /padding/);
});

Deno.test("the header blocks of a connection are read as in RFC 7541, C.6", () => {
  const decoder = new HeaderDecoder();
  const first = decoder.decode(hex(
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e " +
      "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
  ));
  assert.deepEqual(lines(first), [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ]);
  assert.deepEqual(lines(decoder.decode(hex("4883 640e ffc1 c0bf"))), [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ]);
});

Deno.test("the table of a connection gets no larger than it may, and can be emptied", () => {
  const decoder = new HeaderDecoder();
  const entry = Uint8Array.of(0x40, 1, 97, 1, 98);
  assert.deepEqual(lines(decoder.decode(entry)), ["a: b"]);
  assert.deepEqual(lines(decoder.decode(hex("be"))), ["a: b"]);
  decoder.decode(hex("20"));
  assert.throws(() => decoder.decode(hex("be")), /no such entry/);
  assert.throws(() => decoder.decode(hex("3fe2 1f")), /may not be so large/);
  for (let count = 0; count < 1_000; count++) decoder.decode(hex("3fe1 1f"));
  for (let count = 0; count < 1_000; count++) decoder.decode(entry);
  const last = 61 + Math.floor(4_096 / 34);
  const at = (index: number) => decoder.decode(Uint8Array.of(0xff, ...varint(index - 127)));
  assert.deepEqual(lines(at(last)), ["a: b"]);
  assert.throws(() => at(last + 1), /no such entry/);
});

Deno.test("what is written can be read, and whatever comes is read or refused", () => {
  const text = fc.string({ unit: fc.constantFrom(..."abc-:/ xyz019"), maxLength: 300 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: text, value: text }, { noNullPrototype: true })),
      (headers) => {
        assert.deepEqual(new HeaderDecoder().decode(encodedHeaders(headers)), headers);
      },
    ),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    try {
      new HeaderDecoder().decode(bytes);
    } catch (error) {
      assert.match(String(error), /HPACK/);
    }
  }));
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (pieces) => {
    const reader = new AnswerReader();
    try {
      reader.push(hex("000000 04 00 00000000"));
      for (const piece of pieces) if (reader.push(piece)) return;
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof TypeError));
    }
  }));
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, value >> 7];
}
