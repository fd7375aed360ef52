import { isJsonObject } from "./json_value.ts";

/**
 * A key for a Map or a Set that stands for a JSON value: the same for equal values, whatever the order of their fields. A
 * field that is `undefined` counts as absent.
 */
export function jsonIdentity(value: unknown): unknown {
  if (typeof value === "string") return `s${value}`;
  return typeof value === "object" && value !== null ? `j${JSON.stringify(ordered(value))}` : value;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value).sort().map((name) => [name, ordered(value[name])] as const),
  );
}
