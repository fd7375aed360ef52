import { isJsonObject } from "../../lib/json/json_value.ts";
import type { DeleteOptions } from "../../client/client.ts";
import { ApiError } from "../../client/api_error.ts";
import type { ApplyOptions } from "../../objects/apply.ts";
import type { WriteOptions } from "../../client/write_options.ts";
import type { ApiContext, AuditRecord, User } from "../http/api_context.ts";
import { flag } from "../http/query_parameters.ts";
import { fieldManagerOf } from "./field_manager_query.ts";
import { invalidOption } from "./invalid_option.ts";
import type { ServedKind } from "../discovery/served_kinds.ts";

const FIELD_VALIDATION = ["", "Ignore", "Strict", "Warn"] as const;
const PROPAGATION_POLICIES = ["Foreground", "Background", "Orphan"] as const;

export type Sender = Pick<WriteOptions, "user" | "userInfo" | "annotate">;

/** Who asks for a write, and where admission's notes about it go. */
export function senderOf(user: User, audit: AuditRecord | undefined): Sender {
  return {
    ...{ user: user.name, userInfo: user },
    ...(audit && { annotate: (...annotation) => audit.annotate(...annotation) }),
  };
}

/** Reads dryRun, fieldManager and fieldValidation of a write. Throws Invalid. */
export function writeOptions(c: ApiContext, kind: ServedKind): WriteOptions {
  const fieldManager = fieldManagerOf(c);
  return {
    ...senderOf(c.get("user"), c.get("audit")),
    dryRun: isDryRun(c, c.req.queries("dryRun") ?? []),
    fieldManager,
    fieldValidation:
      oneOf(c, "fieldValidation", c.req.query("fieldValidation"), FIELD_VALIDATION) ??
        "Warn",
    ...(kind.conversion ? { served: kind.conversion } : {}),
  };
}

/** Reads the query of PUT /apply. Throws Invalid. Unknown fields are refused by default. */
export function applyOptions(c: ApiContext): ApplyOptions {
  const fieldValidation = oneOf(
    c,
    "fieldValidation",
    c.req.query("fieldValidation"),
    FIELD_VALIDATION,
  );
  const namespace = c.req.query("namespace");
  const isServerSide = isFlagged(c, "server-side");
  const isForced = isFlagged(c, "force") || isFlagged(c, "force-conflicts");
  if (isForced && !isServerSide) {
    throw invalidOption(c, "force", "Forbidden: may not be specified without server-side");
  }
  return {
    fieldManager: fieldManagerOf(c),
    ...(isServerSide && { serverSide: { isForced } }),
    ...senderOf(c.get("user"), c.get("audit")),
    dryRun: isDryRun(c, c.req.queries("dryRun") ?? []),
    fieldValidation: fieldValidation ?? "Strict",
    ...(namespace ? { namespace } : {}),
  };
}

/** A flag that may stand there without a value. */
function isFlagged(c: ApiContext, name: string): boolean {
  return c.req.query(name) === "" || flag((parameter) => c.req.query(parameter), name) === true;
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
        : { gracePeriodSeconds: integer(c, "gracePeriodSeconds", grace) }),
      ...(policy ? { propagationPolicy: policy } : {}),
      ...(preconditions ? { preconditions } : {}),
    },
    isDryRun: isDryRun(c, [
      ...c.req.queries("dryRun") ?? [],
      ...[given["dryRun"] ?? []].flat().map(String),
    ]),
  };
}

/** An empty value is refused too: else the write would be done. */
function isDryRun(c: ApiContext, values: readonly string[]): boolean {
  for (const value of values) {
    if (value !== "All") {
      throw invalidOption(
        c,
        "dryRun",
        `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
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
    c,
    "propagationPolicy",
    c.req.query("propagationPolicy") ?? given["propagationPolicy"],
    PROPAGATION_POLICIES,
    ["nil"],
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
    throw invalidOption(
      c,
      "propagationPolicy",
      `Invalid value: "${policy}": orphanDependents and deletionPropagation cannot be both set`,
      "FieldValueInvalid",
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
  throw invalidOption(c, name, "Invalid value: true: this server does not support it");
}

/** An empty text is not 0: a grace period of 0 would end a pod at once. */
function integer(c: ApiContext, field: string, value: unknown): number {
  const isWritten = typeof value === "number" ||
    (typeof value === "string" && /^[-+]?[0-9]+$/.test(value));
  if (isWritten && Number.isSafeInteger(Number(value))) return Number(value);
  throw invalidOption(c, field, `Invalid value: ${JSON.stringify(value)}: must be an integer`);
}

function oneOf<const W extends string>(
  c: ApiContext,
  field: string,
  value: unknown,
  words: readonly W[],
  /** Told among the words, as Kubernetes does, though it is none. */
  alsoTold: readonly string[] = [],
): Exclude<W, ""> | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const word = words.find((word) => word === value);
  if (word) return word as Exclude<W, "">; // an empty one was asked for above
  const supported = [...words, ...alsoTold].map((word) => `"${word}"`).join(", ");
  throw invalidOption(
    c,
    field,
    `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
  );
}
