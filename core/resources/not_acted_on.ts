import { isEqual } from "../lib/equality.ts";

/**
 * Fields that are accepted and stored, and that nothing acts on yet. The path of each, `[]` for every item of a
 * list and `*` for every key of a map, with the value that needs no action: a default, usually.
 */
export type NotActedOn = Readonly<Record<string, unknown>>;

/** One `Warning` for each field of `table` that `value` sets. `field` is the path of `value`; may be empty. */
export function warningsOf(table: NotActedOn, value: unknown, field: string): string[] {
  return Object.entries(table).flatMap(([path, idle]) =>
    placesOf(value, path.split("."), field)
      .filter((place) => !isEqual(place.value, idle))
      .map((place) =>
        `${place.field}: not implemented in this version of Coracle; it is stored but ignored`
      )
  );
}

interface Place {
  field: string;
  value: unknown;
}

function placesOf(value: unknown, [part, ...rest]: readonly string[], field: string): Place[] {
  if (value === undefined) return [];
  if (part === undefined) return [{ field, value }];
  if (typeof value !== "object" || value === null) return [];
  if (part === "*") {
    return Object.entries(value).flatMap(([key, item]) => placesOf(item, rest, `${field}[${key}]`));
  }
  const name = part.replace("[]", "");
  const inner = (value as Record<string, unknown>)[name];
  const path = field ? `${field}.${name}` : name;
  if (name === part) return placesOf(inner, rest, path);
  const items = Array.isArray(inner) ? inner : [];
  return items.flatMap((item, i) => placesOf(item, rest, `${path}[${i}]`));
}
