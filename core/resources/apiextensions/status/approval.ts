import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import type { Definition, DefinitionCondition } from "../definition/definition.ts";

const ANNOTATION = "api-approved.kubernetes.io";
const SEE = "see https://github.com/kubernetes/enhancements/pull/1111";
const MISSING = `protected groups must have approval annotation "${ANNOTATION}", ${SEE}`;
const INVALID =
  `protected groups must have approval annotation "${ANNOTATION}" with either a URL ` +
  `or a reason starting with "unapproved", ${SEE}`;

type Approval = "approved" | "bypassed" | "missing" | "invalid";

/** Groups that only the Kubernetes community may define kinds in. */
function isProtected(group: string): boolean {
  return ["k8s.io", "kubernetes.io"].some((root) => group === root || group.endsWith(`.${root}`));
}

function approvalOf({ metadata: { annotations = {} } }: Definition): Approval {
  const text = annotations[ANNOTATION] ?? "";
  if (text.startsWith("unapproved")) return "bypassed";
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(text)) return "approved";
  return text === "" ? "missing" : "invalid";
}

/** Why a definition of a protected group is refused. What was wrong before may stay so. */
export function approvalCauses(next: Definition, previous: Definition | undefined): Cause[] {
  if (!isProtected(next.spec.group)) return [];
  const approval = approvalOf(next);
  if (previous && approvalOf(previous) === approval) return [];
  const field = `metadata.annotations[${ANNOTATION}]`;
  if (approval === "missing") return [missing(field, MISSING)];
  if (approval !== "invalid") return [];
  return [invalid(field, next.metadata.annotations?.[ANNOTATION], INVALID)];
}

/** What the status says of the approval, for protected groups. */
export function approvalCondition(definition: Definition): DefinitionCondition[] {
  if (!isProtected(definition.spec.group)) return [];
  const text = definition.metadata.annotations?.[ANNOTATION] ?? "";
  const [status, reason, message] = ({
    approved: ["True", "ApprovedAnnotation", `approved in ${text}`],
    bypassed: ["False", "UnapprovedAnnotation", `not approved: ${JSON.stringify(text)}`],
    missing: ["False", "MissingAnnotation", MISSING],
    invalid: ["False", "InvalidAnnotation", INVALID],
  } as const)[approvalOf(definition)];
  return [{ type: "KubernetesAPIApprovalPolicyConformant", status, reason, message }];
}
