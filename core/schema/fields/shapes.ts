import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { comparisonOf } from "./comparison.ts";
import { EMPTY, type FieldSet, union } from "./field_set.ts";
import { formOf, type ListType, type MapType, type ValueType } from "./value_type.ts";

/** Shapes of new objects that are remembered for a type. Most objects of a kind are made by few writers. */
const SHAPES_MAX = 64;
/** Longer shapes are not remembered. */
const SHAPE_CHARS_MAX = 8 * 1024;

const known = new WeakMap<ValueType, Map<string, FieldSet>>();

/**
 * The fields that a new object adds to what every object of its type has, the same frozen set for objects of one shape: as a
 * rule, an object differs from others of its kind in values alone. `zero` is the same for all objects of the type, and has
 * no values besides nulls. Throws an UnidentifiedItem.
 */
export function fieldsOfNew(type: ValueType, zero: JsonObject, object: JsonObject): FieldSet {
  const shapes = known.get(type) ?? new Map<string, FieldSet>();
  known.set(type, shapes);
  const shape = shapeOf(type, object);
  const found = shapes.get(shape);
  if (found) return found;
  const fields = deepFrozen(addedTo(type, zero, object));
  if (shape.length > SHAPE_CHARS_MAX) return fields;
  if (shapes.size >= SHAPES_MAX) shapes.delete(shapes.keys().next().value!);
  shapes.set(shape, fields);
  return fields;
}

function addedTo(type: ValueType, zero: JsonObject, object: JsonObject): FieldSet {
  const changes = comparisonOf(type, zero, object);
  return changes ? union(changes.modified, changes.added) : EMPTY;
}

function deepFrozen(set: FieldSet): FieldSet {
  if (Object.isFrozen(set)) return set;
  for (const element in set) deepFrozen(set[element]!);
  return Object.freeze(set);
}

/** A text that is equal for values that add the same fields. */
function shapeOf(type: ValueType, value: unknown): string {
  if (isBare(value)) return "0"; // which may be what the zero object has
  switch (formOf(type, value)) {
    case "map":
      return type.map!.isAtomic || !isJsonObject(value) ? "" : shapeOfMap(type.map!, value);
    case "list":
      return type.list!.isAtomic || !Array.isArray(value) ? "" : shapeOfList(type.list!, value);
    case "scalar":
      return "";
  }
}

function isBare(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === null;
  for (const _ in value) return false;
  return true;
}

function shapeOfMap(map: MapType, value: JsonObject): string {
  let shape = "{";
  for (const name in value) {
    const inner = value[name];
    if (inner === undefined) continue;
    const field = map.fields.get(name);
    const type = field?.type ?? map.others;
    if (type === undefined) continue;
    // A name that users give can be any text, so its length goes before it.
    shape += field ? name : `"${name.length}:${name}`;
    const within = shapeOf(type, inner);
    shape += within === "" ? "," : within;
  }
  return `${shape}}`;
}

function shapeOfList(list: ListType, items: readonly unknown[]): string {
  let shape = "[";
  for (const item of items) {
    if (list.keys.length === 0) shape += shapeOfKey(item);
    else if (isJsonObject(item)) {
      for (const key of list.keys) shape += shapeOfKey(item[key]);
    }
    shape += shapeOf(list.items, item) || ",";
  }
  return `${shape}]`;
}

function shapeOfKey(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return `${(typeof value)[0]}${text.length}:${text}`;
}
