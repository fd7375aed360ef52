import fc from "fast-check";
import type { Schema } from "../../core/schema/schema.ts";
import { hostileText, jsonValue } from "./json_values.ts";

/** How deep values of schemas that refer to themselves go. */
const DEPTH_MAX = 7;

const WORDS: Readonly<Record<string, readonly string[]>> = {
  "date-time": ["2026-01-01T00:00:00Z", "2024-02-29T23:59:59.5+01:00"],
  byte: ["", "AAAA", "aGVsbG8="],
  quantity: ["0", "100m", "1", "1.5Gi", "2e3", "-1k"],
  duration: ["0s", "1h30m", "-1.5ms"],
};

/** One of them at least fits whatever pattern a schema has. */
const INT_OR_STRING_TEXTS: readonly string[] = ["25%", "http", "0", "100m"];

/** Values that are valid by a schema, for testing the rules beyond it and what builds on both. */
export function valueOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if (schema["x-kubernetes-int-or-string"]) {
    const pattern = new RegExp(schema.pattern ?? "", "u");
    const texts = INT_OR_STRING_TEXTS.filter((text) => pattern.test(text));
    return fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.constantFrom(...texts));
  }
  switch (schema.type) {
    case "object":
      return objectValue(schema, depth);
    case "array":
      return listValue(schema, depth, schema.minItems ?? 0);
    case "string":
      return textValue(schema);
    case "integer":
    case "number":
      return numberValue(schema);
    case "boolean":
      return fc.boolean();
    default:
      return schema.properties
        ? objectValue(schema, depth)
        : jsonValue().map((value) => value ?? 0);
  }
}

/** What must be set must not be empty either. */
function requiredValue(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.type === "array") return listValue(schema, depth, Math.max(1, schema.minItems ?? 0));
  return valueOf(schema, depth).filter((value) =>
    value !== "" && !(Array.isArray(value) && value.length === 0)
  );
}

function listValue(schema: Schema, depth: number, minLength: number): fc.Arbitrary<unknown> {
  const { items = {}, maxItems = Infinity } = schema;
  const maxLength = Math.max(minLength, depth >= DEPTH_MAX ? 0 : Math.min(maxItems, 3));
  const limits = { minLength, maxLength };
  const keys = schema["x-kubernetes-list-map-keys"];
  const isSet = schema["x-kubernetes-list-type"] === "set";
  const item = valueOf(items, depth + 1);
  if (!isSet && keys === undefined) return fc.array(item, limits);
  const selector = keys === undefined
    ? (item: unknown) => JSON.stringify(item)
    : (item: unknown) => keyText(item as Record<string, unknown>, keys, items);
  return fc.uniqueArray(item, { ...limits, selector });
}

/** What tells the items of a list map apart, with the defaults that they will get. */
function keyText(item: Record<string, unknown>, keys: readonly string[], schema: Schema): string {
  return JSON.stringify(
    keys.map((key) => item[key] || (schema.properties?.[key]?.default ?? item[key])),
  );
}

function numberValue(schema: Schema): fc.Arbitrary<number> {
  const [min, max] = [lowest(schema), highest(schema)];
  return fc.oneof(fc.integer({ min, max: Math.min(min + 9, max) }), fc.integer({ min, max }));
}

function lowest({ minimum = 0 }: Schema): number {
  return Math.max(minimum, -(2 ** 31));
}

function highest(schema: Schema): number {
  return Math.max(lowest(schema), Math.min(schema.maximum ?? 2 ** 31 - 1, 2 ** 31 - 1));
}

function objectValue(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.additionalProperties) return mapValue(schema, schema.additionalProperties, depth);
  if (!schema.properties) {
    return fc.constantFrom({ apiVersion: "v1", kind: "Thing", metadata: { name: "a" } }, {});
  }
  const required = new Set(requiredFields(schema));
  const fields = Object.entries(schema.properties)
    .filter(([name]) => depth < DEPTH_MAX || required.has(name));
  const oneOf = schema["x-coracle-one-of-fields"];
  const isChoice = ([name]: [string, Schema]) => oneOf?.fields.includes(name) ?? false;
  const plain = Object.fromEntries(
    fields.filter((field) => !isChoice(field)).map(([name, field]) => {
      const value = valueOf(field, depth + 1);
      return [name, required.has(name) ? requiredValue(field, depth + 1) : sometimes(value, depth)];
    }),
  );
  const choices = fields.filter(isChoice).map(([name, field]) =>
    valueOf(field, depth + 1).map((value) => ({ [name]: value }))
  );
  if (choices.length === 0) return fc.record(plain).map(withoutAbsent);
  const choice = fc.oneof(...choices);
  return fc.tuple(
    fc.record(plain).map(withoutAbsent),
    oneOf?.none === undefined ? fc.option(choice, { nil: {} }) : choice,
  ).map(([rest, chosen]) => ({ ...rest, ...chosen }));
}

/** Also the objects that are always there, but of which something must be set. */
function requiredFields({ properties = {}, required = [] }: Schema): string[] {
  const isNeeded = (field: Schema) => field.default && requiredFields(field).length > 0;
  const present = Object.entries(properties).filter(([, field]) => isNeeded(field));
  return [...required, ...present.map(([name]) => name)];
}

function mapValue(schema: Schema, values: Schema, depth: number): fc.Arbitrary<unknown> {
  const { minProperties: minKeys = 0 } = schema;
  if (depth >= DEPTH_MAX) return fc.constant({});
  return fc.dictionary(fc.constantFrom(...KEYS), valueOf(values, depth + 1), {
    minKeys,
    maxKeys: Math.max(minKeys, 3),
    noNullPrototype: true,
  });
}

const KEYS = ["a", "app", "example.com/name", "cpu", "memory", "tls.crt"];

/** Deep objects are mostly empty: one that had all of its fields would have thousands. */
function sometimes(value: fc.Arbitrary<unknown>, depth: number): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: depth < 3 ? 2 : 1, arbitrary: value },
    ...depth < 3 ? [] : [{ weight: 2, arbitrary: fc.constant(undefined) }],
  );
}

function withoutAbsent(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function textValue(schema: Schema): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...schema.enum.map(String));
  const words = WORDS[schema.format ?? ""];
  if (words) return fc.constantFrom(...words);
  if (schema.pattern !== undefined) return patternText(schema.pattern);
  const { minLength = 0, maxLength = Infinity } = schema;
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength;
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom("a", "web", "web-1", "10.0.0.1", "/tmp/a", "example.com"),
    },
    { weight: 1, arbitrary: hostileText },
  ).filter(fits);
}

const PATTERN_TEXTS = new Map<string, fc.Arbitrary<string>>();

/** Texts that fit a pattern: costly to make, so made once. */
function patternText(pattern: string): fc.Arbitrary<string> {
  let text = PATTERN_TEXTS.get(pattern);
  if (!text) {
    text = fc.stringMatching(new RegExp(pattern, "u"));
    PATTERN_TEXTS.set(pattern, text);
  }
  return text;
}
