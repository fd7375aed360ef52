import { objectMeta } from "../metadata.ts";
import type { Schema } from "../schema.ts";
import { fieldElement, type PathElement } from "./path_elements.ts";

/**
 * What a value can be, for merging: a scalar, a list, a map, or several of them where the schema does not say. Made of a
 * structural schema as kube-openapi's `schemaconv` does.
 */
export interface ValueType {
  readonly scalar?: "string" | "numeric" | "boolean" | "untyped";
  readonly list?: ListType;
  readonly map?: MapType;
}

export interface ListType {
  readonly isAtomic: boolean;
  /** Names of the fields that tell items apart, in their order; none: a set. */
  readonly keys: readonly string[];
  readonly items: ValueType;
}

export interface MapType {
  readonly isAtomic: boolean;
  /** The fields that the schema names; their types are made at their first use. */
  readonly fields: ReadonlyMap<string, FieldType>;
  /** The type of all other fields; absent: there are none. */
  readonly others?: ValueType;
}

export interface FieldType {
  /** The element of its path. */
  readonly element: PathElement;
  readonly type: ValueType;
  readonly default: unknown;
}

/** Of what the schema says nothing: maps by their fields, lists as a whole. */
const DEDUCED: ValueType = (() => {
  const untyped: { scalar: "untyped"; list?: ListType; map?: MapType } = { scalar: "untyped" };
  untyped.list = { isAtomic: true, keys: [], items: untyped };
  untyped.map = { isAtomic: true, fields: new Map(), others: untyped };
  const deduced: { scalar: "untyped"; list: ListType; map?: MapType } = {
    scalar: "untyped",
    list: untyped.list,
  };
  deduced.map = { isAtomic: false, fields: new Map(), others: deduced };
  return deduced;
})();

const types = new WeakMap<Schema, ValueType>();
const openTypes = new WeakMap<Schema, ValueType>();

/** The type of values of the schema. Made once. `isOpen`: of what stands in an object that keeps unknown fields. */
export function valueTypeOf(schema: Schema, isOpen = false): ValueType {
  const made = isOpen ? openTypes : types;
  const known = made.get(schema);
  if (known) return known;
  const type = typeFrom(schema, isOpen || schema["x-kubernetes-preserve-unknown-fields"] === true);
  made.set(schema, type);
  return type;
}

export function isDeduced(type: ValueType): boolean {
  return type === DEDUCED;
}

function typeFrom(schema: Schema, isOpen: boolean): ValueType {
  if (schema["x-kubernetes-int-or-string"]) return { scalar: "untyped" };
  switch (schema.type) {
    case "object":
      return isFree(schema) ? { map: DEDUCED.map! } : { map: mapFrom(schema, isOpen) };
    case "array":
      return { list: listFrom(schema, isOpen) };
    case "string":
      return {
        scalar: schema.format === undefined || schema.format === "byte" ? "string" : "untyped",
      };
    case "integer":
    case "number":
      return { scalar: "numeric" };
    case "boolean":
      return { scalar: "boolean" };
    default:
      return DEDUCED;
  }
}

/** An object of which the schema says nothing but that it is one. */
function isFree(schema: Schema): boolean {
  return !schema.properties && !schema.additionalProperties &&
    !schema["x-kubernetes-embedded-resource"] && schema["x-kubernetes-map-type"] !== "atomic";
}

function mapFrom(schema: Schema, isOpen: boolean): MapType {
  const properties = {
    ...(schema["x-kubernetes-embedded-resource"] && EMBEDDED),
    ...schema.properties,
  };
  const others = othersOf(schema, isOpen);
  return {
    isAtomic: schema["x-kubernetes-map-type"] === "atomic",
    fields: new Map(
      Object.entries(properties).map(([name, field]) => [name, new LazyField(name, field, isOpen)]),
    ),
    ...(others && { others }),
  };
}

/** What every object has, where one stands in another. */
const EMBEDDED: Readonly<Record<string, Schema>> = {
  apiVersion: { type: "string" },
  kind: { type: "string" },
  metadata: objectMeta,
};

function othersOf(schema: Schema, isOpen: boolean): ValueType | undefined {
  const { additionalProperties, properties } = schema;
  if (additionalProperties) return valueTypeOf(additionalProperties, isOpen);
  return isOpen || !properties ? DEDUCED : undefined;
}

/** Kinds are large, and most of their fields are never used. */
class LazyField implements FieldType {
  readonly element: PathElement;
  readonly #schema: Schema;
  readonly #isOpen: boolean;
  #type: ValueType | undefined;

  constructor(name: string, schema: Schema, isOpen: boolean) {
    this.element = fieldElement(name);
    this.#schema = schema;
    this.#isOpen = isOpen;
  }

  get type(): ValueType {
    return this.#type ??= valueTypeOf(this.#schema, this.#isOpen);
  }

  get default(): unknown {
    return this.#schema.default;
  }
}

function listFrom(schema: Schema, isOpen: boolean): ListType {
  const items = schema.items ? valueTypeOf(schema.items, isOpen) : DEDUCED;
  return { ...identityOf(schema), items };
}

/** How items are told apart; without a list type as strategic merge patches do. */
function identityOf(schema: Schema): Pick<ListType, "isAtomic" | "keys"> {
  const listType = schema["x-kubernetes-list-type"];
  if (listType === "map") {
    return { isAtomic: false, keys: [...schema["x-kubernetes-list-map-keys"] ?? []].sort() };
  }
  if (listType === "set") return { isAtomic: false, keys: [] };
  if (listType === "atomic") return { isAtomic: true, keys: [] };
  if (!schema["x-kubernetes-patch-strategy"]?.startsWith("merge")) {
    return { isAtomic: true, keys: [] };
  }
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  return { isAtomic: false, keys: mergeKey === undefined ? [] : [mergeKey] };
}

/** The type of a field of a map; absent: the schema does not have it. */
export function typeOfField(map: MapType, name: string): ValueType | undefined {
  return map.fields.get(name)?.type ?? map.others;
}

/** A form that a value can have. */
export type Form = "map" | "scalar" | "list";

/** The form in which the type takes the value: the value's own, or else the first that the type has. */
export function formOf(type: ValueType, value: unknown): Form {
  if (value !== undefined && value !== null) {
    const own = Array.isArray(value) ? "list" : typeof value === "object" ? "map" : "scalar";
    if (type[own] !== undefined) return own;
  }
  return type.map ? "map" : type.scalar ? "scalar" : "list";
}
