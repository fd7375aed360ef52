import { durationFrom, timestampFrom } from "../functions/times.ts";
import type { Shape } from "./shapes.ts";
import { Failure, ListValue, MapValue, Uint, type Value } from "../values/values.ts";

/** The value of JSON that has a shape. Lists and objects are read when they are asked. */
export function shapedValue(json: unknown, shape: Shape): Value {
  if (json === null || json === undefined) {
    return shape.isNullable
      ? null
      : new Failure("invalid data, got null for schema with nullable=false");
  }
  switch (shape.type.kind) {
    case "list":
      return Array.isArray(json) ? new ShapedList(json, shape) : mismatch("array", json);
    case "map":
      return isObject(json) ? new ShapedMap(json, shape.values!) : mismatch("map", json);
    case "struct":
      return isObject(json) ? new ShapedObject(json, shape) : mismatch("object", json);
    case "int":
      return typeof json === "number" && Number.isInteger(json)
        ? BigInt(json)
        : mismatch("integer", json);
    case "double":
      return typeof json === "number" ? json : mismatch("number", json);
    case "bool":
      return typeof json === "boolean" ? json : mismatch("boolean", json);
    case "dyn":
      return plainValue(json);
    default:
      return typeof json === "string" ? textValue(json, shape) : mismatch("string", json);
  }
}

function mismatch(wanted: string, json: unknown): Failure {
  return new Failure(
    `invalid data, expected ${wanted} value to match the provided schema with type=${wanted}, got ${typeof json}`,
  );
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function textValue(text: string, { type, format }: Shape): Value {
  switch (type.kind) {
    case "duration":
      return durationFrom(text) ?? new Failure(`Invalid duration ${text}`);
    case "timestamp":
      return timestampFrom(format === "date" ? `${text}T00:00:00Z` : text.toUpperCase()) ??
        new Failure(`Invalid date formatted string ${text}`);
    case "bytes":
      return bytesFrom(text);
    default:
      return text;
  }
}

function bytesFrom(text: string): Value {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Failure(`Invalid byte formatted string ${text}`); // no base64
  }
}

/** The value of JSON of which nothing is known: whole numbers are ints. */
export function plainValue(json: unknown): Value {
  switch (typeof json) {
    case "number":
      return Number.isInteger(json) ? BigInt(json) : json;
    case "string":
    case "boolean":
      return json;
  }
  if (Array.isArray(json)) return new PlainList(json);
  return isObject(json) ? new PlainMap(json) : null;
}

class ShapedList extends ListValue {
  readonly #json: readonly unknown[];
  readonly #items: Shape;
  readonly #values: Value[] = [];
  override readonly semantics: ListValue["semantics"];

  constructor(json: readonly unknown[], shape: Shape) {
    super();
    this.#json = json;
    this.#items = shape.items!;
    this.semantics = shape.semantics;
  }

  get size(): number {
    return this.#json.length;
  }

  at(index: number): Value {
    return this.#values[index] ??= shapedValue(this.#json[index], this.#items);
  }
}

class PlainList extends ListValue {
  readonly #json: readonly unknown[];
  readonly #values: Value[] = [];

  constructor(json: readonly unknown[]) {
    super();
    this.#json = json;
  }

  get size(): number {
    return this.#json.length;
  }

  at(index: number): Value {
    return this.#values[index] ??= plainValue(this.#json[index]);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** An object of JSON; its values are made once each. */
abstract class JsonMap extends MapValue {
  readonly json: Json;
  readonly #values = new Map<string, Value>();
  #keys: readonly string[] | undefined;

  constructor(json: Json) {
    super();
    this.json = json;
  }

  protected get properties(): readonly string[] {
    return this.#keys ??= Object.keys(this.json);
  }

  get size(): number {
    return this.properties.length;
  }

  keys(): Iterable<Value> {
    return this.properties;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== "string") return undefined;
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = this.read(key);
    if (value !== undefined) this.#values.set(key, value);
    return value;
  }

  protected abstract read(key: string): Value | undefined;
}

class PlainMap extends JsonMap {
  protected read(key: string): Value | undefined {
    return Object.hasOwn(this.json, key) ? plainValue(this.json[key]) : undefined;
  }
}

class ShapedMap extends JsonMap {
  readonly #shape: Shape;

  constructor(json: Json, values: Shape) {
    super(json);
    this.#shape = values;
  }

  protected read(key: string): Value | undefined {
    return Object.hasOwn(this.json, key) ? shapedValue(this.json[key], this.#shape) : undefined;
  }
}

/** An object whose fields go by the names that expressions use; null counts as absent where it is not allowed. */
class ShapedObject extends JsonMap {
  readonly #shape: Shape;

  constructor(json: Json, shape: Shape) {
    super(json);
    this.#shape = shape;
  }

  protected override get properties(): readonly string[] {
    return [...this.#shape.fields!].filter(([name, { property }]) =>
      (name === property || !this.#shape.fields!.has(property)) &&
      Object.hasOwn(this.json, property)
    ).map(([name]) => name);
  }

  override get size(): number {
    return Object.keys(this.json).length;
  }

  protected read(key: string): Value | undefined {
    const field = this.#shape.fields!.get(key);
    if (!field || !Object.hasOwn(this.json, field.property)) return undefined;
    const json = this.json[field.property];
    return json === null && !field.shape.isNullable ? undefined : shapedValue(json, field.shape);
  }
}

/** For tests and bindings: a value of our own as JSON; `undefined` for what JSON has no word for. */
export function jsonOf(value: Value): unknown {
  if (value instanceof ListValue) {
    return Array.from({ length: value.size }, (_, index) => jsonOf(value.at(index)));
  }
  if (value instanceof MapValue) {
    return Object.fromEntries(
      [...value.keys()].map((key) => [String(key), jsonOf(value.get(key)!)]),
    );
  }
  if (value instanceof Uint) return Number(value.value);
  return typeof value === "bigint" ? Number(value) : value;
}
