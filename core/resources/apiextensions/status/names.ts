import { isEqual } from "../../../lib/equality.ts";
import { isConditionTrue, withConditions } from "../../conditions.ts";
import type {
  Definition,
  DefinitionCondition,
  DefinitionStatus,
  Names,
} from "../definition/definition.ts";
import { approvalCondition } from "./approval.ts";

/** Which names are taken within the group of a definition, by others. */
export interface TakenNames {
  /** Plurals, singulars and short names. */
  hasResource(name: string): boolean;
  /** Kinds and kinds of lists. */
  hasKind(name: string): boolean;
}

/**
 * The status of a definition: which of its names are accepted, and whether it is served. Once established it stays so.
 * Source: apiextensions-apiserver `pkg/controller/status/naming_controller.go` and `establish/establishing_controller.go`.
 */
export function withNamesDecided(
  definition: Definition,
  taken: TakenNames,
  nowMs: number,
): Definition {
  const { status } = definition;
  const { accepted, conflict } = decided(definition.spec.names, status.acceptedNames, taken);
  const wasEstablished = isConditionTrue(status.conditions, "Established");
  const updates = [
    conflict ?? NO_CONFLICTS,
    ...(wasEstablished ? [] : [conflict ? NOT_ACCEPTED : ESTABLISHED]),
    ...approvalCondition(definition),
  ];
  const conditions = withConditions<DefinitionCondition>([...status.conditions], updates, nowMs);
  const next: DefinitionStatus = { ...status, conditions, acceptedNames: accepted };
  return isEqual(next, status) ? definition : { ...definition, status: next };
}

const NO_CONFLICTS: DefinitionCondition = {
  type: "NamesAccepted",
  status: "True",
  reason: "NoConflicts",
  message: "no conflicts found",
};
const ESTABLISHED: DefinitionCondition = {
  type: "Established",
  status: "True",
  reason: "InitialNamesAccepted",
  message: "the initial names have been accepted",
};
const NOT_ACCEPTED: DefinitionCondition = {
  type: "Established",
  status: "False",
  reason: "NotAccepted",
  message: "not all names are accepted",
};

/** Names that did not conflict are accepted, whatever becomes of the others; of several conflicts the last is told. */
function decided(
  wanted: Names,
  before: Names,
  taken: TakenNames,
): { accepted: Names; conflict: DefinitionCondition | undefined } {
  let conflict: DefinitionCondition | undefined;
  const accepted: Names = { ...before };
  const refuse = (what: string, names: readonly string[]) => {
    const message = names.map((name) => `${JSON.stringify(name)} is already in use`);
    conflict = {
      type: "NamesAccepted",
      status: "False",
      reason: `${what}Conflict`,
      message: message.length === 1 ? message[0]! : `[${message.join(", ")}]`,
    };
  };
  const isTaken = { plural: taken.hasResource, singular: taken.hasResource, kind: taken.hasKind };
  const single = (field: "plural" | "singular" | "kind" | "listKind", what: string) => {
    const name = wanted[field] ?? "";
    const check = field === "listKind" ? taken.hasKind : isTaken[field];
    if (name !== before[field] && check(name)) refuse(what, [name]);
    else if (name) accepted[field] = name;
  };
  single("plural", "Plural");
  single("singular", "Singular");
  const inUse = (wanted.shortNames ?? []).filter((name) =>
    !before.shortNames?.includes(name) && taken.hasResource(name)
  );
  if (inUse.length > 0) refuse("ShortNames", inUse);
  else setList(accepted, "shortNames", wanted.shortNames);
  single("kind", "Kind");
  single("listKind", "ListKind");
  setList(accepted, "categories", wanted.categories);
  return { accepted: inOrder(accepted), conflict };
}

function setList(
  names: Names,
  field: "shortNames" | "categories",
  words: string[] | undefined,
): void {
  if (words?.length) names[field] = words;
  else delete names[field];
}

function inOrder({ plural, singular, shortNames, kind, listKind, categories }: Names): Names {
  return {
    plural,
    ...(singular !== undefined && { singular }),
    ...(shortNames && { shortNames }),
    kind,
    ...(listKind !== undefined && { listKind }),
    ...(categories && { categories }),
  };
}
