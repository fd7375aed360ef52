import { cloneJson, isJsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { isTime } from "../formats.ts";
import { objectMeta } from "../metadata.ts";
import type { Schema } from "../schema.ts";
import { check } from "../check.ts";

/** Metadata that no decoder can read. The message is Go's. */
export class MetadataFault extends Error {
  override name = "MetadataFault";
}

/**
 * Metadata as every object has it: without what it does not know, and without what is empty. Throws a
 * {@linkcode MetadataFault} for a value of the wrong type. `metadata` is not changed.
 */
export function coercedMetadata(metadata: unknown): { value: unknown; unknown: string[] } {
  if (metadata === null || metadata === undefined) return { value: {}, unknown: [] };
  if (!isJsonObject(metadata)) {
    throw new MetadataFault(
      `json: cannot unmarshal ${jsonTypeOf(metadata)} into Go value of type v1.ObjectMeta`,
    );
  }
  refuseWrongTypes(objectMeta, metadata, { struct: "ObjectMeta", path: "" });
  const { value, unknown } = check(objectMeta, cloneJson(metadata));
  return { value: isSame(value, metadata) ? metadata : value, unknown };
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface Place {
  struct: string;
  path: string;
}

/** Goes through the fields in the order in which they were sent: the first fault is told, as Go does. */
function refuseWrongTypes(schema: Schema, value: unknown, place: Place): void {
  if (value === null || value === undefined) return;
  const refuse = () => {
    const { struct, path } = place;
    throw new MetadataFault(
      `json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${struct}${path} of type ${
        goTypeOf(schema)
      }`,
    );
  };
  switch (schema.type) {
    case "array":
      if (!Array.isArray(value)) return refuse();
      for (const item of value) refuseWrongTypes(schema.items!, item, place);
      return;
    case "object":
      if (!isJsonObject(value)) return refuse();
      for (const [name, inner] of Object.entries(value)) {
        const field = ownField(schema.properties, name);
        if (schema.additionalProperties) {
          refuseWrongTypes(schema.additionalProperties, inner, place);
        } else if (field) {
          refuseWrongTypes(field, inner, { ...place, path: `${place.path}.${name}` });
        }
      }
      return;
    case "string":
      if (typeof value !== "string") return refuse();
      return refuseWrongTime(schema, value);
    case "integer":
      return Number.isInteger(value) ? undefined : refuse();
    case "boolean":
      return typeof value === "boolean" ? undefined : refuse();
  }
}

function refuseWrongTime({ format }: Schema, text: string): void {
  if (format !== "date-time" || isTime(text)) return;
  const quoted = JSON.stringify(text);
  throw new MetadataFault(
    `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`,
  );
}

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

const GO_TYPES: Readonly<Record<string, string>> = {
  string: "string",
  boolean: "bool",
  integer: "int64",
};

function goTypeOf({ type, items, additionalProperties }: Schema): string {
  if (additionalProperties) return `map[string]${goTypeOf(additionalProperties)}`;
  if (items) return `[]${items.type === "object" ? "v1.OwnerReference" : goTypeOf(items)}`;
  return ownField(GO_TYPES, String(type)) ?? "v1.ObjectMeta";
}
