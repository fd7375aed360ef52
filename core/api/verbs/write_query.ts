import { isJsonObject } from "../../lib/json/json_value.ts";
import type { DeleteOptions } from "../../client/client.ts";
import { ApiError } from "../../client/api_error.ts";
import type { ApplyOptions } from "../../objects/apply.ts";
import type { WriteOptions } from "../../client/write_options.ts";
import type { ApiContext } from "../http/api_context.ts";
import { flag } from "../http/query_parameters.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";

const FIELD_VALIDATION = ["Ignore", "Warn", "Strict"] as const;
const PROPAGATION_POLICIES = ["Orphan", "Background", "Foreground"] as const;
const FIELD_MANAGER_LENGTH_MAX = 128;

/** Reads dryRun, fieldManager, fieldValidation and force of a write. Throws Invalid. */
export function writeOptions(c: ApiContext, kind: ServedKind): WriteOptions {
  const fieldManager = fieldManagerOf(c) || managerOf(c.req.header("user-agent"));
  refuseForce(c);
  return {
    user: c.get("user").name,
    userInfo: c.get("user"),
    dryRun: isDryRun(c.req.queries("dryRun") ?? []),
    ...(fieldManager ? { fieldManager: fieldManager.slice(0, FIELD_MANAGER_LENGTH_MAX) } : {}),
    fieldValidation: oneOf("fieldValidation", c.req.query("fieldValidation"), FIELD_VALIDATION) ??
      "Warn",
    ...(kind.conversion ? { served: kind.conversion } : {}),
  };
}

/** Reads the query of PUT /apply. Throws Invalid. Unknown fields are refused by default. */
export function applyOptions(c: ApiContext): ApplyOptions {
  const fieldValidation = oneOf(
    "fieldValidation",
    c.req.query("fieldValidation"),
    FIELD_VALIDATION,
  );
  const namespace = c.req.query("namespace");
  return {
    user: c.get("user").name,
    userInfo: c.get("user"),
    dryRun: isDryRun(c.req.queries("dryRun") ?? []),
    fieldValidation: fieldValidation ?? "Strict",
    ...(namespace ? { namespace } : {}),
  };
}

/**
 * Reads DeleteOptions from the body and the query, which wins. Throws Invalid or BadRequest.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/
 */
export function deleteOptions(
  c: ApiContext,
  body: unknown,
): { deletion: DeleteOptions; isDryRun: boolean } {
  const given = isJsonObject(body) ? body : {};
  refuseUnsafeDeletion(c, given);
  const grace = c.req.query("gracePeriodSeconds") ?? given["gracePeriodSeconds"];
  const policy = policyIn(c, given);
  const preconditions = preconditionsOf(c, given["preconditions"]);
  return {
    deletion: {
      ...(grace === undefined || grace === null
        ? {}
        : { gracePeriodSeconds: integer("gracePeriodSeconds", grace) }),
      ...(policy ? { propagationPolicy: policy } : {}),
      ...(preconditions ? { preconditions } : {}),
    },
    isDryRun: isDryRun([
      ...c.req.queries("dryRun") ?? [],
      ...[given["dryRun"] ?? []].flat().map(String),
    ]),
  };
}

/** An empty value is refused too: else the write would be done. */
function isDryRun(values: readonly string[]): boolean {
  for (const value of values) {
    if (value !== "All") {
      throw invalid(
        "dryRun",
        `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`,
      );
    }
  }
  return values.includes("All");
}

/** The policy, or the deprecated `orphanDependents`. Throws Invalid when both are given. */
function policyIn(
  c: ApiContext,
  given: Record<string, unknown>,
): DeleteOptions["propagationPolicy"] {
  const policy = oneOf(
    "propagationPolicy",
    c.req.query("propagationPolicy") ?? given["propagationPolicy"],
    PROPAGATION_POLICIES,
  );
  const orphan = flag((name) => c.req.query(name), "orphanDependents") ?? given["orphanDependents"];
  if (orphan === undefined || orphan === null) return policy;
  if (typeof orphan !== "boolean") {
    throw new ApiError(
      "BadRequest",
      `orphanDependents must be true or false, not ${JSON.stringify(orphan)}`,
    );
  }
  if (policy !== undefined) {
    throw invalid(
      "propagationPolicy",
      `Invalid value: "${policy}": orphanDependents and deletionPropagation cannot be both set`,
    );
  }
  return orphan ? "Orphan" : "Background";
}

/** Refuses invalid preconditions: ignoring them would delete without a check. */
function preconditionsOf(c: ApiContext, given: unknown): DeleteOptions["preconditions"] {
  const uidOfQuery = c.req.query("uid");
  if (given !== undefined && given !== null && !isJsonObject(given)) {
    throw new ApiError("BadRequest", "preconditions must be an object with uid or resourceVersion");
  }
  const { uid = null, resourceVersion = null } = given ?? {};
  for (const [name, value] of Object.entries({ uid, resourceVersion })) {
    if (value === null || typeof value === "string") continue;
    throw new ApiError(
      "BadRequest",
      `preconditions.${name} must be a string, not ${JSON.stringify(value)}`,
    );
  }
  const wanted = {
    ...(uidOfQuery || uid ? { uid: uidOfQuery || uid as string } : {}),
    ...(resourceVersion ? { resourceVersion: resourceVersion as string } : {}),
  };
  return Object.keys(wanted).length > 0 ? wanted : undefined;
}

/** This server does not delete objects that it cannot read. */
function refuseUnsafeDeletion(c: ApiContext, given: Record<string, unknown>): void {
  const name = "ignoreStoreReadErrorWithClusterBreakingPotential";
  if (!(flag((parameter) => c.req.query(parameter), name) ?? given[name])) return;
  throw invalid(name, "Invalid value: true: this server does not support it");
}

/** `force` is only for server-side apply. In Kubernetes' words. */
function refuseForce(c: ApiContext): void {
  if (c.req.query("force") === undefined || c.req.method !== "PATCH") return;
  if (/^application\/apply-patch\b/.test(c.req.header("content-type") ?? "")) return;
  throw invalid("force", "Forbidden: may not be specified for non-apply patch");
}

/** Throws Invalid, in Kubernetes' words. */
function fieldManagerOf(c: ApiContext): string | undefined {
  const name = c.req.query("fieldManager");
  if (!name) return undefined;
  if (name.length > FIELD_MANAGER_LENGTH_MAX) {
    throw invalid(
      "fieldManager",
      `Too long: may not be more than ${FIELD_MANAGER_LENGTH_MAX} bytes`,
    );
  }
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(name)) {
    throw invalid(
      "fieldManager",
      `Invalid value: ${JSON.stringify(name)}: should only contain printable characters`,
    );
  }
  return name;
}

/** An empty text is not 0: a grace period of 0 would end a pod at once. */
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

/** The default field manager: the program's name in the User-Agent, as in Kubernetes. */
function managerOf(userAgent: string | undefined): string | undefined {
  return userAgent?.split("/")[0]?.trim() || undefined;
}
