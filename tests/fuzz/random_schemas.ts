import fc from "fast-check";
import { isJsonObject } from "../../core/lib/json/json_value.ts";
import type { Schema } from "../../core/schema/schema.ts";

/** Names of fields of {@linkcode anySchema}. */
export const FIELD_NAMES = ["a", "b", "c", "name", "constructor"];

const name = fc.constantFrom(...FIELD_NAMES);

const text: fc.Arbitrary<Schema> = fc.oneof(
  fc.record({
    type: fc.constant("string" as const),
    minLength: fc.constant(1),
    maxLength: fc.integer({ min: 1, max: 300 }),
  }, { requiredKeys: ["type"] }),
  fc.record({
    type: fc.constant("string" as const),
    pattern: fc.constantFrom("^[a-z]+$", "^(a|b)*c?$", "^\\p{L}{1,3}$"),
    "x-coracle-omit-empty": fc.constant(true as const),
  }, { requiredKeys: ["type", "pattern"] }),
  fc.record({
    type: fc.constant("string" as const),
    format: fc.constantFrom(
      "quantity" as const,
      "byte" as const,
      "date-time" as const,
      "duration" as const,
    ),
  }),
  fc.constant<Schema>({
    type: "string",
    enum: ["A", "B"],
    default: "A",
    "x-coracle-omit-empty": true,
  }),
);

const number: fc.Arbitrary<Schema> = fc.record({
  type: fc.constantFrom("integer" as const, "number" as const),
  format: fc.constantFrom("int32" as const, "int64" as const, "double" as const),
  minimum: fc.constantFrom(-5, 0, 1),
  maximum: fc.constantFrom(5, 65_535),
  "x-coracle-omit-empty": fc.constant(true as const),
}, { requiredKeys: ["type"] });

/** What tells the items of a list map apart. */
const key: fc.Arbitrary<Schema> = fc.constantFrom<Schema>(
  { type: "string" },
  { type: "integer" },
  { type: "string", enum: ["A", "B"], default: "A", "x-coracle-omit-empty": true },
);

const scalar = fc.oneof(
  text,
  number,
  fc.constant<Schema>({ type: "boolean" }),
  fc.constant<Schema>({ "x-kubernetes-int-or-string": true }),
  fc.constant<Schema>({ "x-kubernetes-preserve-unknown-fields": true }),
);

/** Schemas of every sort that the engine knows, three or four levels deep. */
export const anySchema: fc.Arbitrary<Schema> =
  fc.letrec<{ any: Schema; object: Schema }>((tie) => ({
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      tie("object"),
      fc.record({
        type: fc.constant("array" as const),
        items: tie("any"),
        minItems: fc.constant(1),
        maxItems: fc.integer({ min: 1, max: 4 }),
        "x-kubernetes-list-type": fc.constantFrom("set" as const, "atomic" as const),
      }, { requiredKeys: ["type", "items"] }),
      fc.tuple(tie("object"), key, key).map(([items, name, a]): Schema => ({
        type: "array",
        items: { ...items, properties: { ...items.properties, name, a } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "a"],
      })),
      fc.record({
        type: fc.constant("object" as const),
        additionalProperties: tie("any"),
        minProperties: fc.constant(1),
        maxProperties: fc.constant(3),
      }, { requiredKeys: ["type", "additionalProperties"] }),
    ),
    object: fc.record({
      type: fc.constant("object" as const),
      properties: fc.dictionary(name, tie("any"), { maxKeys: 4, noNullPrototype: true }),
      required: fc.uniqueArray(fc.constantFrom("a", "name", "constructor"), { maxLength: 2 }),
      default: fc.constant({}),
      "x-coracle-omit-empty": fc.constant(true as const),
      "x-kubernetes-preserve-unknown-fields": fc.constant(true as const),
      "x-coracle-one-of-fields": fc.constant({ fields: ["b", "c"], many: "one is enough" }),
    }, { requiredKeys: ["type", "properties"] }).map(withTrueDefault),
  })).any;

/** A default is a value of its schema: an object that requires a field has none that is empty. */
function withTrueDefault({ default: empty, ...schema }: Schema): Schema {
  const mayBeEmpty = (schema.required ?? []).length === 0;
  return empty !== undefined && mayBeEmpty ? { ...schema, default: empty } : schema;
}

/**
 * What is wrong with a value that the engine accepted: a slow and plain reading of OpenAPI's words that shares no code with
 * the engine. `undefined`: nothing.
 */
export function brokenRule(schema: Schema, value: unknown): string | undefined {
  if (schema["x-kubernetes-int-or-string"]) {
    return typeof value === "string" || Number.isInteger(value) ? undefined : "no int or string";
  }
  switch (schema.type) {
    case "string":
      return brokenText(schema, value);
    case "integer":
    case "number":
      return brokenNumber(schema, value);
    case "boolean":
      return typeof value === "boolean" ? undefined : "no boolean";
    case "array":
      return brokenList(schema, value);
    case "object":
      return brokenObject(schema, value);
    default:
      return undefined;
  }
}

function brokenText(
  { enum: words, pattern, minLength = 0, maxLength = Infinity }: Schema,
  value: unknown,
) {
  if (typeof value !== "string") return "no string";
  if (words && !words.includes(value)) return "none of the words";
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) return "another pattern";
  const length = [...value].length;
  return length < minLength || length > maxLength ? `${length} characters` : undefined;
}

function brokenNumber({ type, minimum = -Infinity, maximum = Infinity }: Schema, value: unknown) {
  if (typeof value !== "number") return "no number";
  if (type === "integer" && !Number.isInteger(value)) return "not whole";
  return value < minimum || value > maximum ? `${value} is out of range` : undefined;
}

function brokenList(schema: Schema, value: unknown): string | undefined {
  if (!Array.isArray(value)) return "no list";
  const { items = {}, minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems || value.length > maxItems) return `${value.length} items`;
  const keys = schema["x-kubernetes-list-map-keys"];
  const isSet = schema["x-kubernetes-list-type"] === "set";
  const named = value.filter((item) => keys?.length !== 1 || item?.[keys[0]!] !== undefined)
    .map((item) => JSON.stringify(keys ? keys.map((key) => item?.[key]) : item));
  const isUnique = (keys || isSet) && !schema["x-coracle-duplicates"];
  if (isUnique && new Set(named).size < named.length) return "duplicates";
  return first(value.map((item) => brokenRule(items, item)));
}

function brokenObject(schema: Schema, value: unknown): string | undefined {
  if (!isJsonObject(value)) return "no object";
  const { additionalProperties, properties = {}, minProperties = 0, maxProperties = Infinity } =
    schema;
  const names = Object.keys(value);
  if (names.length < minProperties || names.length > maxProperties) return `${names.length} fields`;
  if (additionalProperties) {
    return first(names.map((name) => brokenRule(additionalProperties, value[name])));
  }
  const missing = schema.required?.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${missing} is missing`;
  const chosen = schema["x-coracle-one-of-fields"]?.fields.filter((name) =>
    Object.hasOwn(value, name)
  );
  if (chosen && chosen.length > 1) return "too many of one";
  const undone = Object.keys(properties).find((name) =>
    properties[name]!.default !== undefined && !Object.hasOwn(value, name)
  );
  if (undone !== undefined) return `${undone} has no default`;
  return first(names.map((name) => {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field) return brokenRule(field, value[name]);
    return schema["x-kubernetes-preserve-unknown-fields"] ? undefined : `${name} is unknown`;
  }));
}

function first(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}
