import { AUTOUPDATE_SPEC } from "./default_priority_levels.ts";
import type {
  FlowResourceRule,
  FlowRule,
  FlowSchemaSpec,
  FlowSubject,
} from "./flow_schema_spec.ts";

export interface DefaultFlowSchema {
  metadata: { name: string; annotations: Record<string, string> };
  spec: FlowSchemaSpec;
}

const ALL = ["*"];
const EVERYBODY = groups("system:unauthenticated", "system:authenticated");
const NODES = groups("system:nodes");
const MANAGER = "system:kube-controller-manager";
const SCHEDULER = "system:kube-scheduler";
const KUBE_SYSTEM_ACCOUNTS: FlowSubject[] = [
  { kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } },
];

/** The flow schemas of every cluster. Kubernetes: `pkg/apis/flowcontrol/bootstrap` of k8s.io/apiserver. */
export const DEFAULT_FLOW_SCHEMAS: readonly DefaultFlowSchema[] = [
  schema("exempt", "exempt", 1, undefined, everythingOf(groups("system:masters"))),
  schema("probes", "exempt", 2, undefined, {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  schema("system-leader-election", "leader-election", 100, "ByUser", {
    subjects: [...users(MANAGER, SCHEDULER), ...KUBE_SYSTEM_ACCOUNTS],
    resourceRules: [leases(["get", "create", "update"])],
  }),
  schema("system-node-high", "node-high", 400, "ByUser", {
    subjects: NODES,
    resourceRules: [
      {
        verbs: ALL,
        apiGroups: [""],
        resources: ["nodes", "nodes/status"],
        clusterScope: true,
        namespaces: ALL,
      },
      leases(ALL),
    ],
  }),
  schema("system-nodes", "system", 500, "ByUser", everythingOf(NODES)),
  schema(
    "kube-controller-manager",
    "workload-high",
    800,
    "ByNamespace",
    everythingOf(users(MANAGER)),
  ),
  schema("kube-scheduler", "workload-high", 800, "ByNamespace", everythingOf(users(SCHEDULER))),
  schema(
    "kube-system-service-accounts",
    "workload-high",
    900,
    "ByNamespace",
    everythingOf(KUBE_SYSTEM_ACCOUNTS),
  ),
  schema(
    "service-accounts",
    "workload-low",
    9000,
    "ByUser",
    everythingOf(groups("system:serviceaccounts")),
  ),
  schema("global-default", "global-default", 9900, "ByUser", everythingOf(EVERYBODY)),
  schema("catch-all", "catch-all", 10_000, "ByUser", everythingOf(EVERYBODY)),
];

function schema(
  name: string,
  level: string,
  matchingPrecedence: number,
  method: string | undefined,
  rule: FlowRule,
): DefaultFlowSchema {
  return {
    metadata: { name, annotations: { [AUTOUPDATE_SPEC]: "true" } },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(method !== undefined && { distinguisherMethod: { type: method } }),
      rules: [rule],
    },
  };
}

function everythingOf(subjects: FlowSubject[]): FlowRule {
  return {
    subjects,
    resourceRules: [
      { verbs: ALL, apiGroups: ALL, resources: ALL, clusterScope: true, namespaces: ALL },
    ],
    nonResourceRules: [{ verbs: ALL, nonResourceURLs: ALL }],
  };
}

function leases(verbs: string[]): FlowResourceRule {
  return { verbs, apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ALL };
}

function groups(...names: string[]): FlowSubject[] {
  return names.map((name) => ({ kind: "Group", group: { name } }));
}

function users(...names: string[]): FlowSubject[] {
  return names.map((name) => ({ kind: "User", user: { name } }));
}
