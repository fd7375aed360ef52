import type { LabelSelector } from "../../schema/label_selector.ts";
import type { RoleRef, Subject } from "./bindings.ts";
import { CONTROLLER_ROLES } from "./controller_role_texts.ts";
import {
  DEFAULT_CLUSTER_BINDINGS,
  DEFAULT_CLUSTER_ROLES,
  DEFAULT_NAMESPACE_BINDINGS,
  DEFAULT_NAMESPACE_ROLES,
} from "./default_role_texts.ts";
import { type PolicyRule, RBAC_GROUP } from "./policy_rules.ts";

/** A role that every cluster has from the start, as it is created. */
export interface DefaultRole {
  metadata: Metadata;
  rules?: readonly PolicyRule[];
  aggregationRule?: { clusterRoleSelectors: LabelSelector[] };
}

/** A binding that every cluster has from the start, as it is created. */
export interface DefaultBinding {
  metadata: Metadata;
  roleRef: RoleRef;
  subjects: Subject[];
}

interface Metadata {
  name: string;
  namespace?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** Missing rules and subjects are put back at each start, unless it says "false". */
export const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const AGGREGATE_TO = "rbac.authorization.k8s.io/aggregate-to-";
const CONTROLLER_PREFIX = "system:controller:";
const CONTROLLER_NAMESPACE = "kube-system";
const SHORT: Readonly<Record<string, string>> = {
  READ: "get,list,watch",
  WRITE: "create,delete,deletecollection,patch,update",
};

const ROLLOUT_KINDS = "rollouts,rollouts/scale,experiments,analysistemplates," +
  "clusteranalysistemplates,analysisruns";
const ROLLOUT_WRITES = `create,delete,deletecollection,get,list,patch,update,watch argoproj.io ` +
  `${ROLLOUT_KINDS},rollouts/status`;

const ADD_ON_ROLES = `
system:aggregated-metrics-reader to=admin to=edit to=view
  READ metrics.k8s.io pods,nodes
argo-rollouts-aggregate-to-admin to=admin
  ${ROLLOUT_WRITES}
argo-rollouts-aggregate-to-edit to=edit
  ${ROLLOUT_WRITES}
argo-rollouts-aggregate-to-view to=view
  READ argoproj.io ${ROLLOUT_KINDS}
`;

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings */
export function defaultClusterRoles(): DefaultRole[] {
  return [DEFAULT_CLUSTER_ROLES, CONTROLLER_ROLES].flatMap(rolesIn);
}

/** What metrics-server and Argo Rollouts bring along in Kubernetes: rights on their kinds, for those who have such rights. */
export function addOnRoles(): DefaultRole[] {
  return rolesIn(ADD_ON_ROLES);
}

/** In their namespaces. */
export function defaultRoles(): DefaultRole[] {
  return rolesIn(DEFAULT_NAMESPACE_ROLES);
}

export function defaultClusterRoleBindings(): DefaultBinding[] {
  const ofControllers = rolesIn(CONTROLLER_ROLES).map(({ metadata: { name } }) => {
    const account = name.slice(CONTROLLER_PREFIX.length);
    return bindingOf(`${name} = account:${CONTROLLER_NAMESPACE}:${account}`, "ClusterRole");
  });
  const others = linesIn(DEFAULT_CLUSTER_BINDINGS).map((line) => bindingOf(line, "ClusterRole"));
  return [...others, ...ofControllers];
}

export function defaultRoleBindings(): DefaultBinding[] {
  return linesIn(DEFAULT_NAMESPACE_BINDINGS).map((line) => bindingOf(line, "Role"));
}

function rolesIn(text: string): DefaultRole[] {
  const roles: (DefaultRole & { rules: PolicyRule[] })[] = [];
  for (const line of linesIn(text)) {
    if (line.startsWith("  ")) roles.at(-1)!.rules.push(ruleOf(line.trim()));
    else roles.push({ ...roleOf(line), rules: [] });
  }
  return roles.map(({ rules, ...role }) => role.aggregationRule ? role : { ...role, rules });
}

function roleOf(line: string): DefaultRole {
  const [name = "", ...flags] = line.split(" ");
  const named = (flag: string) =>
    flags.filter((one) => one.startsWith(flag)).map((one) => AGGREGATE_TO + one.slice(flag.length));
  const [joins] = named("joins=");
  return {
    metadata: metadataOf(name, Object.fromEntries(named("to=").map((label) => [label, "true"]))),
    ...(joins && {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [joins]: "true" } }] },
    }),
  };
}

function ruleOf(line: string): PolicyRule {
  const [given = "", groups = "", resources = "", names] = line.split(" ");
  const verbs = (SHORT[given] ?? given).split(",");
  if (groups === "=") return { verbs, nonResourceURLs: resources.split(",") };
  return {
    verbs,
    apiGroups: groups.split(",").map((group) => group === "-" ? "" : group),
    resources: resources.split(","),
    ...(names && { resourceNames: names.split(",") }),
  };
}

function bindingOf(line: string, kind: RoleRef["kind"]): DefaultBinding {
  const [name = "", role = "", ...subjects] = line.trim().split(" ");
  const metadata = metadataOf(name);
  return {
    metadata,
    roleRef: { apiGroup: RBAC_GROUP, kind, name: role === "=" ? metadata.name : role },
    subjects: subjects.map(subjectOf),
  };
}

function subjectOf(text: string): Subject {
  const [kind = "", ...rest] = text.split(":");
  if (kind === "account") {
    const [namespace = "", name = ""] = rest;
    return { kind: "ServiceAccount", name, namespace };
  }
  return {
    apiGroup: RBAC_GROUP,
    kind: kind === "group" ? "Group" : "User",
    name: rest.join(":"),
  };
}

function metadataOf(text: string, labels: Record<string, string> = {}): Metadata {
  const [name = "", namespace] = text.split("/").toReversed();
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { [AUTOUPDATE]: "true" },
  };
}

function linesIn(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
