import assert from "node:assert/strict";
import fc from "fast-check";
import { jsonMember } from "./json_member.ts";

const NAME = "metadata";
const encoder = new TextEncoder();

Deno.test("a member is what a parser of the whole says that it is", () => {
  const objects = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom(NAME, "meta\\data", '"', "\\", "ü")),
    fc.jsonValue({ maxDepth: 3 }),
  );
  fc.assert(
    fc.property(objects, fc.constantFrom(undefined, 2, "\t"), (object, indent) => {
      const text = JSON.stringify(object, null, indent);
      const expected = JSON.parse(text)[NAME];
      assert.deepEqual(jsonMember(encoder.encode(text), NAME), expected);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a member of the same name further inside is not meant", () => {
  const text =
    '{"data":{"metadata":1,"list":[{"metadata":2}]},"text":"\\",\\"metadata\\":3","metadata":4}';
  assert.equal(jsonMember(encoder.encode(text), NAME), 4);
  assert.equal(jsonMember(encoder.encode('{"data":{"metadata":1}}'), NAME), undefined);
});

Deno.test("what is cut short has no end, and reading it has one", () => {
  const whole = encoder.encode('{"data":["a\\\\",{"b":"\\""}],"metadata":{"name":"a"},"more":1}');
  for (let length = 0; length < whole.length; length++) {
    try {
      const value = jsonMember(whole.subarray(0, length), NAME);
      assert.ok(value === undefined || (value as { name: string }).name === "a");
    } catch (error) {
      assert.ok(error instanceof SyntaxError);
    }
  }
});
