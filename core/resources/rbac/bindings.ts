import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid, missing, notSupported } from "../../schema/causes.ts";
import { pathSegmentFaults, subdomainFaults } from "../../schema/names.ts";
import {
  atomic,
  fallback,
  list,
  object,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import type { Column, KubeObject } from "../resource.ts";
import { RBAC_GROUP } from "./policy_rules.ts";

const subject = atomic(object("Who gets the rights.", {
  kind: required(string("`User`, `Group` or `ServiceAccount`.")),
  apiGroup: string("API group of the kind: empty for service accounts."),
  name: required(string("Name of the user, the group or the service account.")),
  namespace: string("Namespace of the service account."),
}));
export type Subject = TypeOf<typeof subject>;

/** What RoleBinding and ClusterRoleBinding have in common. */
export const bindingFields = {
  subjects: list("Who gets the rights.", subject),
  roleRef: required(atomic(object("The role. It cannot be changed.", {
    apiGroup: fallback(RBAC_GROUP, string("API group of the role.")),
    kind: required(string("`Role` or `ClusterRole`.")),
    name: required(string("Name of the role.")),
  }))),
};
const binding = object("Gives the rights of a role.", bindingFields);
type Shape = TypeOf<typeof binding>;
export type RoleRef = Shape["roleRef"];
type Binding = Shape & KubeObject;

const SUBJECT_KINDS = ["ServiceAccount", "User", "Group"] as const;

/** The key of a user or group in the index `subject`. */
export function subjectKey(kind: "User" | "Group", name: string): string {
  return `${kind}:${name}`;
}

/** The user name of a service account. */
export function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Keys of the subjects, for the index `subject`. `namespace`: that of service accounts that name none. */
export function subjectKeys(subjects: readonly Subject[] = [], namespace = ""): string[] {
  return subjects.map(({ kind, name, namespace: own }) =>
    kind === "ServiceAccount"
      ? subjectKey("User", serviceAccountUser(own || namespace, name))
      : subjectKey(kind === "Group" ? "Group" : "User", name)
  );
}

/** Fills in the API groups of the subjects. */
export function prepareBinding<T extends Shape>(next: T): T {
  if (!next.subjects?.some(({ kind, apiGroup }) => !apiGroup && isOfRbac(kind))) return next;
  const subjects = next.subjects.map((one) =>
    !one.apiGroup && isOfRbac(one.kind) ? { ...one, apiGroup: RBAC_GROUP } : one
  );
  return { ...next, subjects };
}

function isOfRbac(kind: string): boolean {
  return kind === "User" || kind === "Group";
}

/** Source: k8s.io/kubernetes/pkg/apis/rbac/validation. */
export function bindingCauses(
  { roleRef, subjects = [] }: Shape,
  previous: Shape | undefined,
  { isNamespaced }: { isNamespaced: boolean },
): Cause[] {
  const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const { apiGroup, kind, name } = roleRef;
  const causes = apiGroup === RBAC_GROUP
    ? []
    : [notSupported("roleRef.apiGroup", apiGroup, [RBAC_GROUP])];
  if (!kinds.includes(kind)) causes.push(notSupported("roleRef.kind", kind, kinds));
  causes.push(...nameCauses("roleRef.name", name, pathSegmentFaults));
  subjects.forEach((one, i) => causes.push(...subjectCauses(one, `subjects[${i}]`, isNamespaced)));
  if (previous && !isEqual(roleRef, previous.roleRef)) {
    causes.push(invalid("roleRef", roleRef, "cannot change roleRef"));
  }
  return causes;
}

function subjectCauses(
  { kind, apiGroup = "", name, namespace }: Subject,
  field: string,
  isNamespaced: boolean,
): Cause[] {
  if (kind === "ServiceAccount") {
    const causes = nameCauses(`${field}.name`, name, subdomainFaults);
    if (apiGroup) causes.push(notSupported(`${field}.apiGroup`, apiGroup, [""]));
    if (!isNamespaced && !namespace) causes.push(missing(`${field}.namespace`));
    return causes;
  }
  if (!isOfRbac(kind)) return [notSupported(`${field}.kind`, kind, SUBJECT_KINDS)];
  return apiGroup === RBAC_GROUP ? [] : [notSupported(`${field}.apiGroup`, apiGroup, [RBAC_GROUP])];
}

/** As k8s.io/kubernetes/pkg/printers/internalversion has them. */
export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  {
    name: "Role",
    description: "The role whose rights it gives.",
    value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
  },
  ageColumn,
  ...[
    { name: "Users", kind: "User" },
    { name: "Groups", kind: "Group" },
    { name: "ServiceAccounts", kind: "ServiceAccount" },
  ].map(({ name, kind }): Column<Binding> => ({
    name,
    description: `${name} that get the rights.`,
    priority: 1,
    value: ({ subjects = [] }) =>
      subjects.filter((one) => one.kind === kind).map(subjectText).join(", "),
  })),
];

function subjectText({ kind, name, namespace = "" }: Subject): string {
  return kind === "ServiceAccount" ? `${namespace}/${name}` : name;
}
