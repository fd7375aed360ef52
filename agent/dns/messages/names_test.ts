import assert from "node:assert/strict";
import fc from "fast-check";
import { isBelow, nameBytes, parentOf, readName, skipName } from "./names.ts";

const bytes = (...parts: (number | string)[]) =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : [...new TextEncoder().encode(part)]
    ),
  );

for (
  const [what, message, start, name] of [
    ["the root", bytes(0), 0, ""],
    ["small letters of any", bytes(3, "WeB", 2, "Ab", 0), 0, "web.ab"],
    ["a dot within a label, escaped", bytes(3, "a.b", 1, "c", 0), 0, "a\\.b.c"],
    ["a backslash, escaped", bytes(2, "a\\", 0), 0, "a\\\\"],
    ["a name that goes on before it", bytes(1, "b", 0, 1, "a", 0xc0, 0), 3, "a.b"],
    ["a pointer alone", bytes(1, "b", 0, 0xc0, 0), 3, "b"],
    ["the longest label", bytes(63, "x".repeat(63), 0), 0, "x".repeat(63)],
  ] as const
) {
  Deno.test(`a name is read: ${what}`, () => {
    assert.equal(readName(message, start)?.name, name);
  });
}

for (
  const [what, message, start] of [
    ["nothing", bytes(), 0],
    ["a label that is cut off", bytes(3, "ab"), 0],
    ["no end", bytes(1, "a"), 0],
    ["half a pointer", bytes(0xc0), 0],
    ["a pointer to itself", bytes(0xc0, 0), 0],
    ["a pointer to what follows", bytes(0xc0, 2, 0), 0],
    ["pointers that lead to each other", bytes(0xc0, 2, 0xc0, 0), 2],
    ["a label of 64 bytes", bytes(64, "x".repeat(64), 0), 0],
    ["a reserved kind of label", bytes(0x80, "a", 0), 0],
    ["256 bytes", bytes(...Array.from({ length: 127 }, () => [1, "a"]).flat(), 1, "a", 0), 0],
  ] as const
) {
  Deno.test(`no name is read from ${what}`, () => {
    assert.equal(readName(message, start), undefined);
  });
}

Deno.test("255 bytes are a name, by pointers too", () => {
  const whole = bytes(...Array.from({ length: 127 }, () => [1, "a"]).flat(), 0);
  assert.equal(whole.length, 255);
  assert.ok(readName(whole, 0));
  assert.ok(readName(bytes(...whole, 0xc0, 0), 255));
  assert.equal(readName(bytes(...whole, 1, "b", 0xc0, 0), 255), undefined);
});

Deno.test("names that are written are read as they were, and no two are the same text", () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  fc.assert(fc.property(fc.array(label, { maxLength: 3 }), (labels) => {
    const wire = bytes(...labels.flatMap((each) => [each.length, ...each]), 0);
    const read = readName(wire, 0)!;
    const lower = wire.map((byte, i) => isLetter(byte) && !isLength(wire, i) ? byte + 32 : byte);
    assert.deepEqual(nameBytes(read.name), lower);
    assert.deepEqual(read.end, wire.length);
    assert.equal(skipName(wire, 0), wire.length);
  }));
});

function isLetter(byte: number): boolean {
  return byte >= 65 && byte <= 90;
}

function isLength(wire: Uint8Array, index: number): boolean {
  let at = 0;
  while (at < index) at += wire[at]! + 1;
  return at === index;
}

Deno.test("texts that are no names cannot be written", () => {
  for (const name of ["a..b", ".", ".a", "x".repeat(64), "ä€", Array(129).fill("a").join(".")]) {
    assert.equal(nameBytes(name), undefined, name);
  }
  assert.deepEqual(nameBytes("a.b."), nameBytes("a.b"));
  assert.deepEqual(nameBytes(""), bytes(0));
});

Deno.test("what is below what", () => {
  assert.ok(isBelow("a.b.c", "b.c"));
  assert.ok(isBelow("b.c", "b.c"));
  assert.ok(isBelow("anything", ""));
  assert.ok(!isBelow("ab.c", "b.c"));
  assert.ok(!isBelow("a\\.b.c", "b.c"), "the dot belongs to a label");
  assert.ok(isBelow("a\\\\.b.c", "b.c"), "the backslash does, the dot does not");
  assert.equal(parentOf("a\\.b.c"), "c");
  assert.equal(parentOf("c"), "");
});
