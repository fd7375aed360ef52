import assert from "node:assert/strict";
import type { Schema } from "../../../schema/schema.ts";
import { schemaCauses } from "./schema_rules.ts";

/** What is wrong with a schema whose spec is `spec`, a line each. */
function said(spec: unknown): string[] {
  return saidOf({ type: "object", properties: { spec } });
}

function saidOf(schema: unknown, hasStatus = false): string[] {
  return schemaCauses(schema as Schema, "P", { hasStatus }).map(({ field, message }) =>
    `${field}: ${message}`
  );
}

const SPEC = "P.properties[spec]";
const text = { type: "string" };

Deno.test("what is not structural is refused in the words of Kubernetes", () => {
  const rows: [unknown, string[]][] = [
    [{}, [`${SPEC}.type: Required value: must not be empty for specified object fields`]],
    [{ type: "array" }, [`${SPEC}.items: Required value: must be specified`]],
    [{ type: "array", items: [text] }, [
      `${SPEC}.items: Forbidden: items must be a schema object and not an array`,
    ]],
    [{ type: "object", properties: { a: text }, additionalProperties: text }, [
      `${SPEC}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    ]],
    [{ type: "object", additionalProperties: false }, []],
    [{ type: "array", items: text, uniqueItems: true }, [
      `${SPEC}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ]],
    [{ $ref: "#/x" }, [`${SPEC}.$ref: Forbidden: $ref is not supported`]],
    [{ type: "object", properties: { a: text }, anyOf: [{ properties: { a: text } }] }, [
      `${SPEC}.anyOf[0].properties[a].type: Forbidden: must be empty to be structural`,
    ]],
    [
      { type: "object", properties: { a: text }, oneOf: [{ properties: { a: { default: "x" } } }] },
      [
        `${SPEC}.oneOf[0].properties[a].default: Forbidden: must be undefined to be structural`,
      ],
    ],
    [{ type: "object", properties: { a: { type: "integer", default: "x" } } }, [
      `${SPEC}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`,
    ]],
    [{ type: "object", properties: { a: { type: "object", default: { c: 1 } } } }, [
      `${SPEC}.properties[a].default: Invalid value: {"c":1}: must not have unknown fields`,
    ]],
    [{ type: "text" }, [
      `${SPEC}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ]],
    [{ type: "string", pattern: "(" }, [
      `${SPEC}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
    ]],
    [{ type: "object", "x-kubernetes-preserve-unknown-fields": false }, [
      `${SPEC}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
    ]],
    [{ type: "string", "x-kubernetes-int-or-string": true }, []],
    [{ type: "object", "x-kubernetes-embedded-resource": true }, [
      `${SPEC}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
    ]],
    [{ type: "string", "x-kubernetes-embedded-resource": true }, [
      `${SPEC}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      `${SPEC}.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true`,
    ]],
  ];
  for (const [spec, lines] of rows) assert.deepEqual(said(spec), lines, JSON.stringify(spec));
});

Deno.test("how items of lists are told apart has to make sense", () => {
  const map = { type: "array", "x-kubernetes-list-type": "map" };
  const keyed = (items: unknown, keys = ["a"]) => (
    { ...map, "x-kubernetes-list-map-keys": keys, items }
  );
  const rows: [unknown, string[]][] = [
    [{ ...map, items: { type: "object", properties: { a: text } } }, [
      `${SPEC}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ]],
    [keyed(text), [
      `${SPEC}.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
    ]],
    [keyed({ type: "object", properties: { a: text } }), [
      `${SPEC}.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ]],
    [keyed({ type: "object", properties: { a: text }, required: ["a"] }, ["b"]), [
      `${SPEC}.x-kubernetes-list-map-keys: Invalid value: ["b"]: entries must all be names of item properties`,
    ]],
    [{
      type: "array",
      "x-kubernetes-list-type": "set",
      items: { type: "object", properties: { a: text } },
    }, [
      `${SPEC}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
    ]],
    [{ type: "object", "x-kubernetes-list-type": "set" }, [
      `${SPEC}.type: Invalid value: "object": must be array if x-kubernetes-list-type is specified`,
    ]],
    [{ type: "array", items: text, "x-kubernetes-map-type": "atomic" }, [
      `${SPEC}.type: Invalid value: "array": must be object if x-kubernetes-map-type is specified`,
    ]],
    [{ type: "array", items: text, "x-kubernetes-list-type": "bag" }, [
      `${SPEC}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`,
    ]],
  ];
  for (const [spec, lines] of rows) assert.deepEqual(said(spec), lines, JSON.stringify(spec));
});

Deno.test("the root and its metadata are not for definitions to shape", () => {
  const metadata = (schema: unknown) => ({ type: "object", properties: { metadata: schema } });
  const restricted =
    "P.properties[metadata]: Forbidden: must not specify anything other than name " +
    "and generateName, but metadata is implicitly specified";
  const rows: [unknown, string[]][] = [
    [{}, ["P.type: Required value: must not be empty at the root"]],
    [metadata({ type: "object", properties: { labels: { type: "object" } } }), [restricted]],
    [metadata({ type: "object", properties: { name: { type: "string", maxLength: 5 } } }), []],
    [metadata({ type: "object", default: {} }), [
      "P.properties[metadata].default: Forbidden: must not be set in top-level metadata",
    ]],
    [{ type: "object", default: {} }, [
      "P.default.apiVersion: Required value",
      "P.default.kind: Required value",
    ]],
    [{ type: "object", nullable: true }, [
      "P.nullable: Forbidden: nullable cannot be true at the root",
    ]],
  ];
  for (const [schema, lines] of rows) {
    assert.deepEqual(saidOf(schema), lines, JSON.stringify(schema));
  }
});
