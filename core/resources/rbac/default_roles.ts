import type { LabelSelector } from "../../schema/label_selector.ts";
import type { RoleRef, Subject } from "./bindings.ts";
import { type PolicyRule, RBAC_GROUP } from "./policy_rules.ts";

/** A role that every cluster has from the start. */
export interface DefaultRole {
  name: string;
  rules?: readonly PolicyRule[];
  /** It joins the rules of the cluster roles with the label `rbac.authorization.k8s.io/aggregate-to-NAME`. */
  isAggregated?: true;
  /** The aggregated role to which its rules are added. */
  aggregatedTo?: "admin" | "edit" | "view";
}

const READ = words("get list watch");
const WRITE = words("create delete deletecollection patch update");
const POD_STREAMS = "pods/attach pods/exec pods/portforward pods/proxy";

function words(text: string): string[] {
  return text.split(" ");
}

function on(apiGroup: string, resources: string, verbs: readonly string[]): PolicyRule {
  return { apiGroups: [apiGroup], resources: words(resources), verbs: [...verbs] };
}

function get(urls: string): PolicyRule {
  return { verbs: ["get"], nonResourceURLs: words(urls) };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings */
export const DEFAULT_CLUSTER_ROLES: readonly DefaultRole[] = [
  {
    name: "cluster-admin",
    rules: [on("*", "*", ["*"]), { verbs: ["*"], nonResourceURLs: ["*"] }],
  },
  { name: "admin", isAggregated: true },
  { name: "edit", isAggregated: true, aggregatedTo: "admin" },
  { name: "view", isAggregated: true, aggregatedTo: "edit" },
  {
    name: "system:aggregate-to-admin",
    aggregatedTo: "admin",
    rules: [
      on("authorization.k8s.io", "localsubjectaccessreviews", ["create"]),
      on(RBAC_GROUP, "rolebindings roles", [...READ, ...WRITE]),
    ],
  },
  {
    name: "system:aggregate-to-edit",
    aggregatedTo: "edit",
    rules: [
      on("", `${POD_STREAMS} secrets services/proxy`, READ),
      on("", "serviceaccounts", ["impersonate"]),
      on("", `pods ${POD_STREAMS}`, WRITE),
      on("", "pods/eviction", ["create"]),
      on(
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale " +
          "secrets serviceaccounts services services/proxy",
        WRITE,
      ),
      on("", "serviceaccounts/token", ["create"]),
      on(
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale " +
          "statefulsets statefulsets/scale",
        WRITE,
      ),
      on("autoscaling", "horizontalpodautoscalers", WRITE),
      on("batch", "cronjobs jobs", WRITE),
      on("policy", "poddisruptionbudgets", WRITE),
      on("networking.k8s.io", "ingresses networkpolicies", WRITE),
      on("coordination.k8s.io", "leases", [...READ, ...WRITE]),
    ],
  },
  {
    name: "system:aggregate-to-view",
    aggregatedTo: "view",
    rules: [
      on(
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers " +
          "replicationcontrollers/scale serviceaccounts services services/status",
        READ,
      ),
      on(
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status " +
          "resourcequotas resourcequotas/status",
        READ,
      ),
      on("", "namespaces", READ),
      on("discovery.k8s.io", "endpointslices", READ),
      on(
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status " +
          "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
        READ,
      ),
      on("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
      on("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
      on("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
      on("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
    ],
  },
  {
    name: "system:basic-user",
    rules: [
      on("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ["create"]),
      on("authentication.k8s.io", "selfsubjectreviews", ["create"]),
    ],
  },
  {
    name: "system:discovery",
    rules: [
      get(
        "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
      ),
    ],
  },
  {
    name: "system:monitoring",
    rules: [
      get("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"),
    ],
  },
  {
    name: "system:public-info-viewer",
    rules: [get("/healthz /livez /readyz /version /version/")],
  },
];

/** The cluster roles of that name, and the groups that have them. */
export const DEFAULT_CLUSTER_ROLE_BINDINGS: readonly { name: string; groups: string[] }[] = [
  { name: "cluster-admin", groups: ["system:masters"] },
  { name: "system:basic-user", groups: ["system:authenticated"] },
  { name: "system:discovery", groups: ["system:authenticated"] },
  { name: "system:monitoring", groups: ["system:monitoring"] },
  {
    name: "system:public-info-viewer",
    groups: ["system:authenticated", "system:unauthenticated"],
  },
];

const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };
/** Missing rules and subjects are put back at each start, unless it says "false". */
export const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const ANNOTATIONS = { [AUTOUPDATE]: "true" };
const AGGREGATE_TO = "rbac.authorization.k8s.io/aggregate-to-";

interface Metadata {
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** The ClusterRole as it is created. */
export function defaultClusterRole(
  { name, rules = [], isAggregated, aggregatedTo }: DefaultRole,
): {
  metadata: Metadata;
  rules?: readonly PolicyRule[];
  aggregationRule?: { clusterRoleSelectors: LabelSelector[] };
} {
  const labels = { ...LABELS, ...(aggregatedTo && { [AGGREGATE_TO + aggregatedTo]: "true" }) };
  const selector = { matchLabels: { [AGGREGATE_TO + name]: "true" } };
  return {
    metadata: { name, labels, annotations: ANNOTATIONS },
    ...(isAggregated ? { aggregationRule: { clusterRoleSelectors: [selector] } } : { rules }),
  };
}

/** The ClusterRoleBinding as it is created. */
export function defaultClusterRoleBinding(
  { name, groups }: { name: string; groups: string[] },
): { metadata: Metadata; roleRef: RoleRef; subjects: Subject[] } {
  return {
    metadata: { name, labels: LABELS, annotations: ANNOTATIONS },
    roleRef: { apiGroup: RBAC_GROUP, kind: "ClusterRole", name },
    subjects: groups.map((group): Subject => ({
      apiGroup: RBAC_GROUP,
      kind: "Group",
      name: group,
    })),
  };
}
