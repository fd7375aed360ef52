import assert from "node:assert/strict";
import fc from "fast-check";
import { check } from "./check.ts";
import type { Schema } from "./schema.ts";

const NAMES = ["a", "b", "c", "name", "__proto__", "constructor"];
const name = fc.constantFrom(...NAMES.filter((name) => name !== "__proto__"));

const scalar: fc.Arbitrary<Schema> = fc.oneof(
  fc.record({
    type: fc.constant("string" as const),
    maxLength: fc.constant(3),
    "x-coracle-omit-empty": fc.constant(true as const),
  }, { requiredKeys: ["type"] }),
  fc.record({
    type: fc.constant("string" as const),
    format: fc.constantFrom(
      "quantity" as const,
      "byte" as const,
      "date-time" as const,
      "duration" as const,
    ),
  }),
  fc.constant({
    type: "string" as const,
    enum: ["A", "B"],
    default: "A",
    "x-coracle-omit-empty": true as const,
  }),
  fc.record({
    type: fc.constantFrom("integer" as const, "number" as const),
    minimum: fc.constant(0),
    default: fc.constant(1),
    "x-coracle-omit-empty": fc.constant(true as const),
  }, { requiredKeys: ["type"] }),
  fc.constant({ type: "boolean" as const }),
  fc.constant({ "x-kubernetes-int-or-string": true as const }),
);

const schema = fc.letrec<{ any: Schema; object: Schema }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    tie("object"),
    fc.record({
      type: fc.constant("array" as const),
      items: tie("any"),
      maxItems: fc.constant(3),
      "x-kubernetes-list-type": fc.constantFrom("set" as const, "atomic" as const),
    }, { requiredKeys: ["type", "items"] }),
    tie("object").map((items): Schema => ({
      type: "array",
      items,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name", "a"],
    })),
    fc.record({ type: fc.constant("object" as const), additionalProperties: tie("any") }),
  ),
  object: fc.record({
    type: fc.constant("object" as const),
    properties: fc.dictionary(name, tie("any"), { maxKeys: 4 }),
    required: fc.uniqueArray(name, { maxLength: 1 }),
    default: fc.constant({}),
    "x-coracle-omit-empty": fc.constant(true as const),
    "x-coracle-one-of-fields": fc.constant({ fields: ["a", "b"], many: "one is enough" }),
  }, { requiredKeys: ["type", "properties"] }),
}));

/** JSON that often has the fields and values that the schemas know. */
const json = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "medium" },
    fc.constantFrom<unknown>(null, true, 0, 1, -1, 2.5, "", "A", "abcd", "100m", "1h", "AAAA"),
    fc.constantFrom("2026-01-01T00:00:00Z", 2 ** 40, 1e300, [], {}),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES, "unknown"), tie("any"), { maxKeys: 5 }),
  ),
})).any.map((value) => JSON.stringify(value));

Deno.test("checking what was checked changes nothing", () => {
  fc.assert(
    fc.property(schema.any, json, (schema, text) => {
      const once = check(schema, JSON.parse(text));
      if (once.causes.length > 0) return;
      const stored = JSON.stringify(once.value);
      const twice = check(schema, JSON.parse(stored));
      assert.deepEqual(twice, { value: JSON.parse(stored), causes: [], unknown: [] });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what a schema does not know never remains, whatever else is wrong", () => {
  fc.assert(
    fc.property(schema.any, json, (schema, text) => {
      const { value, causes } = check(schema, JSON.parse(text));
      if (causes.length === 0) assertKnown(schema, value);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("every cause names a field and has a message", () => {
  fc.assert(fc.property(schema.object, json, (schema, text) => {
    for (const { field, message } of check(schema, JSON.parse(text)).causes) {
      assert.equal(typeof field, "string");
      assert.match(
        message,
        /^(Required|Invalid|Unsupported|Duplicate) value|^Forbidden|^Too (long|many)/,
      );
    }
  }));
});

/** An independent and slow reading of what the engine does. */
function assertKnown(schema: Schema, value: unknown): void {
  if (schema.type === "array") {
    for (const item of value as unknown[]) assertKnown(schema.items!, item);
  } else if (schema.type === "object") {
    for (const [key, field] of Object.entries(value as object)) {
      assert.notEqual(field, null);
      assert.notEqual(key, "__proto__");
      const known = schema.additionalProperties ?? schema.properties?.[key];
      assert.ok(known, `${key} is unknown`);
      assertKnown(known, field);
    }
    for (const [key, field] of Object.entries(schema.properties ?? {})) {
      if (field.default !== undefined) assert.ok(Object.hasOwn(value as object, key));
    }
  } else if (schema.type !== undefined) {
    assert.equal(typeof value, schema.type === "integer" ? "number" : schema.type);
  }
}
