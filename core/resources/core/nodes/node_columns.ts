import { conditionOf } from "../../conditions.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import { isOffline } from "./autonomy.ts";
import type { NodeStatus } from "./node_status.ts";
import type { Column, KubeObject } from "../../resource.ts";

interface Node extends KubeObject {
  spec: { unschedulable?: boolean };
  status: NodeStatus;
}

/** What `kubectl get nodes` shows. After k8s.io/kubernetes/pkg/printers/internalversion/printers.go. */
export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  { name: "Status", description: "Whether it is ready, and takes new pods.", value: statusOf },
  { name: "Roles", description: "What it is there for.", value: rolesOf },
  ageColumn,
  {
    name: "Version",
    description: "Version of the agent.",
    value: ({ status }) => status.nodeInfo.kubeletVersion,
  },
  {
    name: "Internal-IP",
    description: "Its address in the cluster.",
    priority: 1,
    value: (node) => addressOf(node, "InternalIP"),
  },
  {
    name: "External-IP",
    description: "Its address outside.",
    priority: 1,
    value: (node) => addressOf(node, "ExternalIP"),
  },
  {
    name: "OS-Image",
    description: "Its operating system.",
    priority: 1,
    value: ({ status }) => status.nodeInfo.osImage || "<unknown>",
  },
  {
    name: "Kernel-Version",
    description: "Its kernel.",
    priority: 1,
    value: ({ status }) => status.nodeInfo.kernelVersion || "<unknown>",
  },
  {
    name: "Container-Runtime",
    description: "What runs its containers.",
    priority: 1,
    value: ({ status }) => status.nodeInfo.containerRuntimeVersion || "<unknown>",
  },
];

function statusOf({ spec, status }: Node): string {
  const word = isOffline({ status }) ? "Ready,Offline" : readiness(status);
  return spec.unschedulable ? `${word},SchedulingDisabled` : word;
}

function readiness({ conditions }: NodeStatus): string {
  const ready = conditionOf(conditions, "Ready")?.status;
  return ready === undefined ? "Unknown" : ready === "True" ? "Ready" : "NotReady";
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role") roles.add(value);
  }
  roles.delete("");
  return [...roles].sort().join(",") || "<none>";
}

function addressOf({ status }: Node, wanted: string): string {
  return status.addresses?.find(({ type }) => type === wanted)?.address ?? "<none>";
}
