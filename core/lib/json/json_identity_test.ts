import assert from "node:assert/strict";
import fc from "fast-check";
import { isEqual } from "../equality.ts";
import { jsonIdentity } from "./json_identity.ts";

Deno.test("values have one identity when they are equal, and only then", () => {
  const value = fc.jsonValue({ maxDepth: 2 });
  fc.assert(fc.property(value, value, (a, b) => {
    assert.equal(jsonIdentity(a) === jsonIdentity(b), isEqual(a, b));
    assert.ok(isEqual(a, JSON.parse(JSON.stringify(a))));
    assert.equal(jsonIdentity(a), jsonIdentity(structuredClone(a)));
  }));
  assert.equal(jsonIdentity({ a: 1, b: [2] }), jsonIdentity({ b: [2], a: 1, c: undefined }));
  assert.notEqual(jsonIdentity("1"), jsonIdentity(1));
  assert.notEqual(jsonIdentity("j[]"), jsonIdentity([]));
});
