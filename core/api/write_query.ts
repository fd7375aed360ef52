import { isJsonObject } from "../lib/json_value.ts";
import type { DeleteOptions } from "../client/client.ts";
import { ApiError } from "../client/api_error.ts";
import type { ApplyOptions } from "../objects/apply.ts";
import type { WriteOptions } from "../objects/write_options.ts";
import type { ApiContext } from "./api_context.ts";
import type { ServedKind } from "./served_kinds.ts";

const FIELD_VALIDATION = ["Ignore", "Warn", "Strict"] as const;
const PROPAGATION_POLICIES = ["Orphan", "Background", "Foreground"] as const;
const FIELD_MANAGER_LENGTH_MAX = 128;

/** Reads dryRun, fieldManager and fieldValidation of a write. Throws Invalid. */
export function writeOptions(c: ApiContext, kind: ServedKind): WriteOptions {
  const fieldManager = c.req.query("fieldManager") || managerOf(c.req.header("user-agent"));
  return {
    user: c.get("user").name,
    dryRun: isDryRun(c.req.queries("dryRun") ?? []),
    ...(fieldManager ? { fieldManager: fieldManager.slice(0, FIELD_MANAGER_LENGTH_MAX) } : {}),
    fieldValidation: oneOf("fieldValidation", c.req.query("fieldValidation"), FIELD_VALIDATION) ??
      "Warn",
    ...(kind.conversion ? { served: kind.conversion } : {}),
  };
}

/** Reads the query of PUT /apply. Throws Invalid. Unknown fields are refused unless it says otherwise. */
export function applyOptions(c: ApiContext): ApplyOptions {
  const fieldValidation = oneOf(
    "fieldValidation",
    c.req.query("fieldValidation"),
    FIELD_VALIDATION,
  );
  const namespace = c.req.query("namespace");
  return {
    user: c.get("user").name,
    dryRun: isDryRun(c.req.queries("dryRun") ?? []),
    fieldValidation: fieldValidation ?? "Strict",
    ...(namespace ? { namespace } : {}),
  };
}

/** Reads DeleteOptions from the body and the query, which wins. Throws Invalid or BadRequest. */
export function deleteOptions(
  c: ApiContext,
  body: unknown,
): { deletion: DeleteOptions; isDryRun: boolean } {
  const given = isJsonObject(body) ? body : {};
  const { gracePeriodSeconds: seconds, propagationPolicy, orphanDependents, preconditions } = given;
  const grace = c.req.query("gracePeriodSeconds") ?? seconds;
  const policy = oneOf(
    "propagationPolicy",
    c.req.query("propagationPolicy") ?? propagationPolicy ?? policyOf(orphanDependents),
    PROPAGATION_POLICIES,
  );
  return {
    deletion: {
      ...(grace === undefined || grace === null
        ? {}
        : { gracePeriodSeconds: integer("gracePeriodSeconds", grace) }),
      ...(policy ? { propagationPolicy: policy } : {}),
      ...(isJsonObject(preconditions) ? { preconditions: preconditionsOf(preconditions) } : {}),
    },
    isDryRun: isDryRun([
      ...c.req.queries("dryRun") ?? [],
      ...[given["dryRun"] ?? []].flat().map(String),
    ]),
  };
}

function isDryRun(values: readonly string[]): boolean {
  for (const value of values) oneOf("dryRun", value, ["All"]);
  return values.includes("All");
}

/** The old word for the policy. */
function policyOf(orphanDependents: unknown): string | undefined {
  if (typeof orphanDependents !== "boolean") return undefined;
  return orphanDependents ? "Orphan" : "Background";
}

function preconditionsOf({ uid, resourceVersion }: Record<string, unknown>) {
  return {
    ...(typeof uid === "string" && uid ? { uid } : {}),
    ...(typeof resourceVersion === "string" && resourceVersion ? { resourceVersion } : {}),
  };
}

/** What is empty is no 0: a grace of none ends a pod at once. */
function integer(field: string, value: unknown): number {
  const isWritten = typeof value === "number" ||
    (typeof value === "string" && /^[-+]?[0-9]+$/.test(value));
  if (isWritten && Number.isSafeInteger(Number(value))) return Number(value);
  throw invalid(field, `Invalid value: ${JSON.stringify(value)}: must be an integer`);
}

function oneOf<const W extends string>(
  field: string,
  value: unknown,
  words: readonly W[],
): W | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const word = words.find((word) => word === value);
  if (word) return word;
  const supported = words.map((word) => `"${word}"`).join(", ");
  throw invalid(
    field,
    `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
  );
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("Invalid", `Options.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind: "Options",
    causes: [{ field, message, reason: "FieldValueNotSupported" }],
  });
}

/** Who writes, where it does not say: its program, as Kubernetes takes it from the User-Agent. */
function managerOf(userAgent: string | undefined): string | undefined {
  return userAgent?.split("/")[0]?.trim() || undefined;
}
