import { ownField } from "../../lib/own_field.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";

/** JSON merge patch, RFC 7386: `null` removes, objects merge, all else replaces. Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return cloneJson(patch);
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else result[field] = mergePatch(ownField(result, field), value);
  }
  return result;
}
