import { ownField } from "./own_field.ts";

/**
 * Whether two JSON values are equal, whatever the order of their fields. A field that is `undefined` counts
 * as absent.
 */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => isEqual(item, b[index]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let surplus = 0;
  for (const name in left) {
    if (left[name] === undefined) continue;
    if (!isEqual(left[name], ownField(right, name))) return false;
    surplus++;
  }
  for (const name in right) if (right[name] !== undefined) surplus--;
  return surplus === 0;
}
