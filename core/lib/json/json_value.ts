/** A JSON object from outside: nothing is known of its fields. */
export type JsonObject = { [field: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object in a field, or an empty one. */
export function objectIn(value: JsonObject, field: string): JsonObject {
  const inner = value[field];
  return isJsonObject(inner) ? inner : {};
}

/** A deep copy that may be changed. Fields that are `undefined` are left out, as in JSON. */
export function cloneJson<T>(value: T): T {
  return cloned(value) as T;
}

function cloned(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cloned);
  const copy: JsonObject = {};
  for (const field of Object.keys(value)) {
    const inner = (value as JsonObject)[field];
    if (inner === undefined) continue;
    if (field === "__proto__") defineOwn(copy, field, cloned(inner));
    else copy[field] = cloned(inner);
  }
  return copy;
}

/** Sets a field that an assignment would not: `__proto__`. */
function defineOwn(object: JsonObject, field: string, value: unknown): void {
  Object.defineProperty(object, field, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** What our own JSON says. Never for bytes from outside: see `json_text.ts`. */
export function ownJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes));
}
const decoder = new TextDecoder();
