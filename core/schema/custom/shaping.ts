import { cloneJson, isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { CAUSES_MAX } from "../report.ts";
import type { Schema } from "../schema.ts";
import { coercedMetadata, MetadataFault } from "./metadata_coercion.ts";

/** A value in its shape. */
export interface Shaped {
  value: unknown;
  /** Paths of the fields that the schema does not know, in order; at most 100. They are not in `value`. */
  unknown: string[];
  /** Why metadata cannot be read, in the words of Go's JSON decoder; the value must then not be used. */
  fault?: string;
}

/**
 * Gives a custom resource the shape of its schema: drops what the schema does not know and nulls that it does not allow,
 * and fills defaults. `value` is not changed, and is returned itself when nothing has to change. Fields of objects that
 * are absent get no defaults. `isStored`: metadata has been read before, and is taken as it is. Never throws on JSON that
 * is not too deep.
 *
 * Source: apiextensions-apiserver `pkg/apiserver/schema/{pruning,defaulting,objectmeta}`.
 */
export function shaped(
  schema: Schema,
  value: unknown,
  { isRoot, isStored = false }: { isRoot: boolean; isStored?: boolean },
): Shaped {
  const shaping = new Shaping({ isStored });
  try {
    const next = shaping.shape(value, isRoot ? asResource(schema) : schema);
    return { value: next, unknown: shaping.unknown.sort() };
  } catch (error) {
    if (!(error instanceof MetadataFault)) throw error;
    return { value, unknown: [], fault: error.message };
  }
}

const resources = new WeakMap<Schema, Schema>();

/** The schema of a whole object: its metadata and the like are not for the schema to shape. */
export function asResource(schema: Schema): Schema {
  if (schema["x-kubernetes-embedded-resource"]) return schema;
  let known = resources.get(schema);
  if (!known) {
    known = { ...schema, "x-kubernetes-embedded-resource": true };
    resources.set(schema, known);
  }
  return known;
}

/** What every object has. */
export function isOfResource(name: string): boolean {
  return name === "apiVersion" || name === "kind" || name === "metadata";
}

class Shaping {
  readonly unknown: string[] = [];
  readonly #path: (string | number)[] = [];
  readonly #isStored: boolean;

  constructor({ isStored }: { isStored: boolean }) {
    this.#isStored = isStored;
  }

  shape(value: unknown, schema: Schema): unknown {
    if (Array.isArray(value)) return this.#list(value, schema);
    return isJsonObject(value) ? this.#object(value, schema) : value;
  }

  #list(items: readonly unknown[], schema: Schema): unknown {
    const { items: itemSchema = {} } = schema;
    let next: unknown[] | undefined;
    for (let i = 0; i < items.length; i++) {
      const given = items[i];
      this.#path.push(i);
      const known = isUnwantedNull(given, itemSchema) ? cloneJson(itemSchema.default) : given;
      const item = this.shape(known ?? null, itemSchema);
      this.#path.pop();
      if (item !== given && !next) next = items.slice(0, i);
      next?.push(item);
    }
    return next ?? items;
  }

  #object(object: JsonObject, schema: Schema): unknown {
    let next: JsonObject | undefined;
    for (const name in object) {
      const given = object[name];
      const value = this.#field(name, given, schema);
      if (value === given) continue;
      next ??= { ...object };
      if (value === undefined) delete next[name];
      else next[name] = value;
    }
    return this.#withDefaults(next ?? object, next !== undefined, schema);
  }

  /** `undefined`: the field goes. */
  #field(name: string, given: unknown, schema: Schema): unknown {
    const { "x-kubernetes-embedded-resource": isResource } = schema;
    if (isResource && isOfResource(name)) {
      if (this.#isStored) return given;
      return name === "metadata" ? this.#metadata(given) : this.#text(name, given);
    }
    const known = ownField(schema.properties, name) ?? schema.additionalProperties;
    if (name === "__proto__" || (!known && !keepsUnknown(schema))) {
      if (this.unknown.length < CAUSES_MAX) this.unknown.push(pathOf([...this.#path, name]));
      return undefined;
    }
    if (!known) return given;
    const value = isUnwantedNull(given, known) ? cloneJson(known.default) : given;
    if (value === undefined) return undefined;
    this.#path.push(name);
    const inner = this.shape(value, known);
    this.#path.pop();
    return inner;
  }

  #metadata(given: unknown): unknown {
    try {
      const { value, unknown } = coercedMetadata(given);
      for (const name of unknown) this.unknown.push(pathOf([...this.#path, "metadata", name]));
      return value;
    } catch (error) {
      if (!(error instanceof MetadataFault) || this.#path.length === 0) throw error;
      throw this.#fault("metadata", given, error.message);
    }
  }

  #text(name: string, given: unknown): unknown {
    if (typeof given === "string") return given;
    throw this.#fault(name, given, "must be a string");
  }

  #fault(name: string, given: unknown, why: string): MetadataFault {
    const field = pathOf([...this.#path, name]);
    return new MetadataFault(`${field}: Invalid value: ${JSON.stringify(given)}: ${why}`);
  }

  #withDefaults(object: JsonObject, isOwn: boolean, schema: Schema): JsonObject {
    let next = isOwn ? object : undefined;
    for (const [name, field] of defaultedOf(schema)) {
      if (Object.hasOwn(object, name)) continue;
      next ??= { ...object };
      next[name] = this.shape(cloneJson(field.default), field);
    }
    return next ?? object;
  }
}

function keepsUnknown(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true;
}

function isUnwantedNull(value: unknown, schema: Schema): boolean {
  return value === null && !schema.nullable;
}

const defaulted = new WeakMap<Schema, readonly [string, Schema][]>();

/** The fields that have a default. */
function defaultedOf(schema: Schema): readonly [string, Schema][] {
  if (!schema.properties) return [];
  let fields = defaulted.get(schema);
  if (!fields) {
    fields = Object.entries(schema.properties).filter(([, field]) => field.default !== undefined);
    defaulted.set(schema, fields);
  }
  return fields;
}

function pathOf(parts: readonly (string | number)[]): string {
  return parts.reduce<string>(
    (path, part) =>
      typeof part === "number" ? `${path}[${part}]` : path ? `${path}.${part}` : String(part),
    "",
  );
}
