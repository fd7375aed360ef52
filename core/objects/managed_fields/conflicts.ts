import { ApiError } from "../../client/api_error.ts";
import { type FieldSet, hasPath, pathsIn } from "../../schema/fields/field_set.ts";
import { formatPath } from "../../schema/fields/path_elements.ts";
import { CAUSES_MAX } from "../../schema/report.ts";
import { identityOf, type Manager } from "./managers.ts";

/** Fields that an apply would change and another manager has. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** What cannot be applied without force. */
export class ConflictsError extends Error {
  constructor(readonly conflicts: readonly Conflict[]) {
    super("the fields are managed by others");
  }
}

interface Named {
  manager: string;
  identity: string;
  field: string;
}

/** The refusal in Kubernetes' words. `allowed`: fields that may be taken nonetheless, and are not named. */
export function conflictRefusal(conflicts: readonly Conflict[], allowed?: FieldSet): ApiError {
  const all = conflicts.flatMap(({ manager, fields }) => {
    const paths = [...pathsIn(fields)].filter((path) => !allowed || !hasPath(allowed, path));
    const name = { manager: wordsFor(manager), identity: identityOf(manager) };
    return paths.map((path): Named => ({ ...name, field: formatPath(path) }));
  });
  const causes = all.slice(0, CAUSES_MAX).map(({ manager, field }) => ({
    reason: "FieldManagerConflict" as const,
    message: `conflict with ${manager}`,
    field,
  }));
  return new ApiError("Conflict", messageFor(all), { causes });
}

function messageFor(all: readonly Named[]): string {
  const [first] = all;
  if (all.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${first!.manager}: ${first!.field}`;
  }
  const byManager = Map.groupBy(all, ({ identity }) => identity);
  const lines = [...byManager].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([, named]) => [
    `conflicts with ${named[0]!.manager}:`,
    ...named.map(({ field }) => `- ${field}`),
  ]);
  return `Apply failed with ${all.length} conflicts: ${lines.join("\n")}`;
}

function wordsFor({ manager, subresource, operation, apiVersion }: Manager): string {
  return JSON.stringify(manager) +
    (subresource ? ` with subresource ${JSON.stringify(subresource)}` : "") +
    (operation === "Update" ? ` using ${apiVersion}` : "");
}
