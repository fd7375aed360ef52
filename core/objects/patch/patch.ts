import { ApiError } from "../../client/api_error.ts";
import type { Schema } from "../../schema/schema.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { undecodable } from "./patch_refusals.ts";
import { jsonPatch } from "./json_patch.ts";
import { mergePatch } from "./merge_patch.ts";
import { strategicMergePatch } from "./strategic_merge_patch.ts";

/** A change of a part of an object. `type` is the content type of the request. */
export interface Patch {
  type: string;
  /** Parsed JSON. */
  body: unknown;
}

/** Server-side apply, in YAML or JSON: no patch of what is there, see `Objects.apply`. */
export const APPLY_TYPE = "application/apply-patch+yaml";

export const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  APPLY_TYPE,
] as const;

/** The types that a kind takes: how the lists of custom resources merge strategically is not said anywhere. */
export function patchTypesOf({ reading }: { reading?: unknown }): readonly string[] {
  return reading ? [PATCH_TYPES[0], PATCH_TYPES[1], APPLY_TYPE] : PATCH_TYPES;
}

/**
 * What the patch makes of an object of the given shape; never changes its argument, and throws an ApiError when
 * the patch does not fit.
 */
export function patcherFor(
  { type, body }: Patch,
  schema: Schema,
): (target: unknown) => unknown {
  switch (type) {
    case "application/json-patch+json":
      return (target) => jsonPatch(target, body);
    case "application/merge-patch+json":
      if (!isJsonObject(body)) throw undecodable(body, "map[string]interface {}");
      return (target) => mergePatch(target, body);
    case "application/strategic-merge-patch+json":
      if (!isJsonObject(body)) throw undecodable(body, "map[string]interface {}");
      return (target) => strategicMergePatch(target, body, schema);
    default:
      throw new ApiError(
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: ${
          PATCH_TYPES.join(", ")
        }`,
      );
  }
}
