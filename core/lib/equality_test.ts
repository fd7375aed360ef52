import assert from "node:assert/strict";
import fc from "fast-check";
import { isEqual } from "./equality.ts";

Deno.test("equal JSON is equal whatever the order of its fields", () => {
  assert.ok(isEqual({ a: 1, b: [{ c: "x" }, null] }, { b: [{ c: "x" }, null], a: 1 }));
  assert.ok(isEqual({ a: undefined }, {}));
  assert.ok(isEqual({}, { a: undefined }));
});

Deno.test("different JSON is not equal", () => {
  const pairs: [unknown, unknown][] = [
    [{ a: 1 }, {}],
    [{}, { a: 1 }],
    [{ a: null }, {}],
    [[1], [1, 2]],
    [[], {}],
    [{}, null],
    [1, "1"],
    [{ a: { b: 1 } }, { a: { b: 2 } }],
    [{}, { constructor: "x" }],
    [{ toString: "x" }, {}],
  ];
  for (const [a, b] of pairs) assert.ok(!isEqual(a, b), JSON.stringify([a, b]));
});

Deno.test("a copy is equal, and equal values have equal JSON", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    assert.ok(isEqual(a, structuredClone(a)));
    if (JSON.stringify(a) === JSON.stringify(b)) assert.ok(isEqual(a, b));
  }));
});
