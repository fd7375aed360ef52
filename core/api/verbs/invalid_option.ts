import { ApiError } from "../../client/api_error.ts";
import type { Cause } from "../../schema/causes.ts";
import type { ApiContext } from "../http/api_context.ts";

/** What the options of a request are called in Kubernetes. */
const KINDS = new Map([
  ["POST", "CreateOptions"],
  ["PUT", "UpdateOptions"],
  ["PATCH", "PatchOptions"],
  ["DELETE", "DeleteOptions"],
]);

/** The refusal of an option of a write; `message` without the field. */
export function invalidOption(
  c: ApiContext,
  field: string,
  message: string,
  reason: Cause["reason"] = "FieldValueNotSupported",
): ApiError {
  const kind = KINDS.get(c.req.method) ?? "Options";
  return new ApiError("Invalid", `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind,
    causes: [{ field, message, reason }],
  });
}
