import assert from "node:assert/strict";
import { derValue, derValues, oidOf, TAGS, timeOf } from "./der.ts";
import { bits, oid, sequence, time, utf8, written } from "./der_writer.ts";

Deno.test("what is written is the one encoding that DER allows, whatever its length", () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const content = new Uint8Array(length).fill(7);
    assert.deepEqual(derValue(written(TAGS.octetString, content), 4).content, content);
  }
});

Deno.test("names of things are read back", () => {
  for (
    const text of ["2.5.29.15", "1.2.840.10045.4.3.2", "1.3.6.1.5.5.7.3.1", "0.9.2342.127.128"]
  ) {
    assert.equal(oidOf(derValue(oid(text), TAGS.oid)), text);
  }
});

Deno.test("times have two digits of the year until 2049, then four", () => {
  for (
    const [text, tag] of [
      ["1999-12-31T23:59:59Z", TAGS.utcTime],
      ["2020-01-01T00:00:00Z", TAGS.utcTime],
      ["2049-12-31T23:59:59Z", TAGS.utcTime],
      ["2050-01-01T00:00:00Z", TAGS.generalizedTime],
      ["2120-01-01T00:00:00Z", TAGS.generalizedTime],
    ] as const
  ) {
    assert.equal(timeOf(derValue(time(Date.parse(text)), tag)), Date.parse(text));
  }
});

Deno.test("a sequence holds its values in order; bits say how many of them do not count", () => {
  const [first, second] = derValues(
    derValue(sequence(utf8("é"), bits(Uint8Array.of(0x80), { unused: 7 })), TAGS.sequence).content,
  );
  assert.deepEqual([...first!.content], [0xc3, 0xa9]);
  assert.deepEqual([...second!.content], [7, 0x80]);
});
