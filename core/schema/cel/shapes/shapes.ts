import type { ListSemantics } from "../values/values.ts";
import { escapedName } from "./escaping.ts";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  STRING,
  structOf,
  TIMESTAMP,
} from "../types/cel_types.ts";

/** The words of a structural schema that matter here. */
export interface StructuralSchema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
}

/** What a schema makes of values: their types, how they are read, and how large they can become. */
export interface Shape {
  readonly type: CelType;
  readonly format: string | undefined;
  readonly isNullable: boolean;
  readonly items?: Shape;
  readonly semantics: ListSemantics;
  /** Of maps. */
  readonly values?: Shape;
  /** Of objects, by the name that expressions use. */
  readonly fields?: ReadonlyMap<string, Field>;
  /** Bytes that a value takes at least in JSON. */
  readonly minSize: number;
  /** Elements or characters that it has at most; `undefined` where that means nothing. */
  readonly maxElements: number | undefined;
}

export interface Field {
  readonly property: string;
  readonly shape: Shape;
}

/** Bytes that a request has at most: what limits sizes where the schema does not. */
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
const STRING_BYTES_MAX = REQUEST_BYTES_MAX - 2;
const TIME_BYTES_MAX = 32;
const DATE_BYTES = 12;
const ATOMIC: ListSemantics = { type: "atomic" };
const STRING_SCHEMA: StructuralSchema = { type: "string" };
const METADATA: StructuralSchema = {
  type: "object",
  properties: { name: STRING_SCHEMA, generateName: STRING_SCHEMA },
};

/**
 * The shape of a schema; `undefined` for what expressions cannot see: untyped values, and lists and maps of them. Of the
 * root of a resource, `apiVersion`, `kind`, `metadata.name` and `metadata.generateName` are always there.
 * Source: apiserver pkg/cel/common/schemas.go
 */
export function shapeOf(
  schema: StructuralSchema,
  { name = "selfType", isRoot = false }: { name?: string; isRoot?: boolean } = {},
): Shape | undefined {
  if (schema["x-kubernetes-int-or-string"]) {
    return { ...scalar(schema, DYN, 1), maxElements: maxCharacters(schema) };
  }
  if (isRoot || schema["x-kubernetes-embedded-resource"]) {
    return objectShape(asResource(schema), name);
  }
  switch (schema.type) {
    case "array":
      return listShape(schema, name);
    case "object":
      return typeof schema.additionalProperties === "object"
        ? mapShape(schema, schema.additionalProperties, name)
        : objectShape(schema, name);
    case "string":
      return stringShape(schema);
    case "boolean":
      return scalar(schema, BOOL, 4);
    case "number":
      return scalar(schema, DOUBLE, 1);
    case "integer":
      return scalar(schema, INT, 1);
    default:
      return undefined;
  }
}

function scalar(schema: StructuralSchema, type: CelType, minSize: number): Shape {
  return {
    type,
    format: schema.format,
    isNullable: schema.nullable === true,
    semantics: ATOMIC,
    minSize,
    maxElements: undefined,
  };
}

/** Characters count as four bytes each. */
function maxCharacters({ maxLength }: StructuralSchema): number {
  return maxLength === undefined ? STRING_BYTES_MAX : Math.max(0, maxLength) * 4;
}

function stringShape(schema: StructuralSchema): Shape {
  const { format, maxLength } = schema;
  if (format === "byte") {
    return { ...scalar(schema, BYTES, 2), maxElements: Math.max(0, maxLength ?? STRING_BYTES_MAX) };
  }
  if (format === "duration") return { ...scalar(schema, DURATION, 3), maxElements: TIME_BYTES_MAX };
  if (format === "date") {
    return { ...scalar(schema, TIMESTAMP, DATE_BYTES), maxElements: DATE_BYTES };
  }
  if (format === "date-time") {
    return { ...scalar(schema, TIMESTAMP, 21), maxElements: TIME_BYTES_MAX };
  }
  const words = (schema.enum ?? []).filter((word) => typeof word === "string");
  const longest = Math.max(0, ...words.map((word) => new TextEncoder().encode(word).length));
  const isEnum = maxLength === undefined && schema.enum !== undefined && schema.enum.length > 0;
  return { ...scalar(schema, STRING, 2), maxElements: isEnum ? longest : maxCharacters(schema) };
}

function listShape(schema: StructuralSchema, name: string): Shape | undefined {
  const items = schema.items && shapeOf(schema.items, { name: `${name}.@idx` });
  if (!items) return undefined;
  const most = Math.floor((REQUEST_BYTES_MAX - 2) / (items.minSize + 1));
  return {
    ...scalar(schema, listOf(items.type), 2),
    items,
    semantics: semanticsOf(schema),
    maxElements: schema.maxItems === undefined ? most : Math.max(0, schema.maxItems),
  };
}

function semanticsOf(schema: StructuralSchema): ListSemantics {
  const type = schema["x-kubernetes-list-type"];
  if (type === "set") return { type };
  return type === "map" ? { type, keys: schema["x-kubernetes-list-map-keys"] ?? [] } : ATOMIC;
}

function mapShape(
  schema: StructuralSchema,
  additional: StructuralSchema,
  name: string,
): Shape | undefined {
  const values = shapeOf(additional, { name: `${name}.@elem` });
  if (!values) return undefined;
  const most = Math.floor((REQUEST_BYTES_MAX - 2) / (values.minSize + 6));
  return {
    ...scalar(schema, mapOf(STRING, values.type), 2),
    values,
    maxElements: schema.maxProperties === undefined ? most : Math.max(0, schema.maxProperties),
  };
}

function asResource(schema: StructuralSchema): StructuralSchema {
  const metadata = schema.properties?.["metadata"]?.properties;
  if (metadata?.["name"] && metadata["generateName"]) return schema; // it says more of it
  const properties = {
    ...schema.properties,
    apiVersion: STRING_SCHEMA,
    kind: STRING_SCHEMA,
    metadata: METADATA,
  };
  return { ...schema, properties };
}

function objectShape(schema: StructuralSchema, name: string): Shape {
  const fields = new Map<string, Field>();
  let minSize = 2;
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    const shape = shapeOf(inner, { name: `${name}.${escapedName(property) ?? property}` });
    if (!shape) continue;
    const escaped = escapedName(property);
    if (escaped !== undefined) fields.set(escaped, { property, shape });
    if (escaped !== property && /^[a-z]+$/.test(property)) {
      fields.set(property, { property, shape });
    }
    const isNeeded = schema.required?.includes(property) && inner.default === undefined;
    if (isNeeded) minSize += property.length + shape.minSize + 4;
  }
  const types = new Map([...fields].map(([field, { shape }]) => [field, shape.type]));
  return { ...scalar(schema, structOf(name, types), minSize), fields };
}
