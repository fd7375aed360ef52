import { ownField } from "../../lib/own_field.ts";
import { formatOf } from "../../schema/custom/string_formats.ts";
import type { Schema } from "../../schema/schema.ts";

type Json = Record<string, unknown>;

/** Keywords that are published as they are. */
const PLAIN = [
  "type",
  "description",
  "title",
  "required",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-validations",
] as const;

/** Keywords that OpenAPI v2 does not have. */
const ONLY_V3 = ["nullable", "default", "allOf", "anyOf", "oneOf", "not"] as const;

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/** What every object has, in an object within another one. `metadata` refers to that of Kubernetes. */
export type MetaProperties = Readonly<Record<"apiVersion" | "kind" | "metadata", Json>>;

/**
 * The schema of a custom resource as OpenAPI v3 publishes it. Source: apiextensions-apiserver
 * `pkg/controller/openapi/builder`.
 */
export function customSchemaV3(schema: Schema, meta: MetaProperties): Json {
  const inner = (each: Schema) => customSchemaV3(each, meta);
  const published = plainOf(schema, inner, meta);
  if (schema["x-kubernetes-int-or-string"]) published["anyOf"] = INT_OR_STRING;
  for (const word of ONLY_V3) {
    const value = schema[word];
    if (value === undefined) continue;
    published[word] = word === "not"
      ? inner(value as Schema)
      : Array.isArray(value) && word !== "default"
      ? value.map(inner)
      : value;
  }
  return published;
}

/**
 * The same for OpenAPI v2, without what that cannot say: of a value that may be null, or whose unknown fields are kept,
 * clients would believe too much. Source: apiextensions-apiserver `pkg/controller/openapi/v2/conversion.go`.
 */
export function customSchemaV2(schema: Schema, meta: MetaProperties): Json {
  const keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const isVague = schema.nullable === true || keepsUnknown;
  const { items, properties, type, ...rest } = schema;
  const nullable = Object.entries(properties ?? {}).filter(([, field]) => field.nullable)
    .map(([name]) => name);
  const isUntyped = schema.nullable || (type === "array" && (isVague || !items)) ||
    (type === "object" && keepsUnknown);
  const required = schema.required?.filter((name) => !nullable.includes(name));
  return plainOf(
    {
      ...rest,
      ...(type && !isUntyped && { type }),
      ...(!isVague && items && { items }),
      ...(!isVague && properties && { properties }),
      ...(required?.length ? { required } : { required: undefined as never }),
    },
    (each) => customSchemaV2(each, meta),
    meta,
  );
}

function plainOf(schema: Schema, inner: (schema: Schema) => Json, meta: MetaProperties): Json {
  const published: Json = {};
  for (const word of PLAIN) if (schema[word] !== undefined) published[word] = schema[word];
  const { format, properties, items, additionalProperties } = schema;
  if (format !== undefined && (schema.type !== "string" || formatOf(schema))) {
    published["format"] = format;
  }
  if (properties) {
    published["properties"] = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, inner(field)]),
    );
  }
  if (items) published["items"] = inner(items);
  if (additionalProperties) published["additionalProperties"] = inner(additionalProperties);
  if (schema["x-kubernetes-embedded-resource"]) {
    const own = published["properties"] as Json | undefined;
    published["properties"] = { ...own, ...meta };
  }
  return published;
}

/** The schema of a whole object: with what every object has, and what kind it is. */
export function customObject(
  published: Json,
  { meta, gvk, fields }: { meta: MetaProperties; gvk: Json; fields: readonly string[] },
): Json {
  const own = ownField(published, "properties") as Json | undefined;
  return {
    ...published,
    properties: { ...meta, ...own, metadata: meta.metadata },
    "x-kubernetes-group-version-kind": [gvk],
    ...(fields.length > 0 && {
      "x-kubernetes-selectable-fields": fields.map((fieldPath) => ({ fieldPath })),
    }),
  };
}
