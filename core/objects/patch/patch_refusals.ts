import { ApiError } from "../../client/api_error.ts";
import { badRequest } from "../../client/refusals.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { invalid } from "../../schema/causes.ts";

/** The refusal of a patch that is JSON, but not of the JSON type that it should be, in Go's words. */
export function undecodable(body: unknown, goType: string): ApiError {
  const type = body === null
    ? "null"
    : Array.isArray(body)
    ? "array"
    : typeof body === "boolean"
    ? "bool"
    : typeof body;
  return badRequest(
    `error decoding patch: json: cannot unmarshal ${type} into Go value of type ${goType}`,
  );
}

/** The refusal of a patch for fields that the kind does not have, or that it has twice, in the words of kube-apiserver. */
export function patchRefusal(
  { type, body }: { type: string; body: unknown },
  patched: unknown,
  why: string,
): ApiError {
  const isStrategic = type === "application/strategic-merge-patch+json";
  const shown = isStrategic ? goTextOf(body) : JSON.stringify(patched);
  const cause = invalid("patch", shown, why);
  const message = ` "" is invalid: patch: ${cause.message}`;
  return new ApiError("Invalid", message, { causes: [cause] });
}

/** As Go prints a value: `map[a:[1 2] b:<nil>]`. Recursion is bounded by the depth of bodies. */
function goTextOf(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goTextOf).join(" ")}]`;
  if (!isJsonObject(value)) return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1);
  return `map[${entries.map(([name, inner]) => `${name}:${goTextOf(inner)}`).join(" ")}]`;
}
