import type { DaemonSet } from "../../../resources/apps/daemon_sets.ts";
import { selectedNodes } from "../../../resources/core/nodes/node_selection.ts";
import type { Node, Taint } from "../../../resources/core/nodes/nodes.ts";
import type { PodSpec } from "../../../resources/core/pods/spec/pod_spec.ts";
import type { Toleration } from "../../../resources/core/pods/spec/scheduling.ts";
import { isEqual } from "../../../lib/equality.ts";
import { untolerated } from "../../nodes/taints.ts";

/** Whether a node gets the pod, only keeps one that it has, or must not have it. */
export type Fit = "gets" | "keeps" | "refuses";

const REPEL: readonly Taint["effect"][] = ["NoSchedule", "NoExecute"];
const EXPEL: readonly Taint["effect"][] = ["NoExecute"];

/** Kubernetes: `AddOrUpdateDaemonPodTolerations`. */
const TOLERATED: readonly Toleration[] = [
  ["not-ready", "NoExecute"],
  ["unreachable", "NoExecute"],
  ["disk-pressure", "NoSchedule"],
  ["memory-pressure", "NoSchedule"],
  ["pid-pressure", "NoSchedule"],
  ["unschedulable", "NoSchedule"],
].map(([name, effect]) => toleration(name!, effect as Taint["effect"]));
/** Besides, of pods in the network of the node. */
const NETWORK_UNAVAILABLE = toleration("network-unavailable", "NoSchedule");

function toleration(name: string, effect: Taint["effect"]): Toleration {
  return { key: `node.kubernetes.io/${name}`, operator: "Exists", effect };
}

/**
 * Which nodes a DaemonSet fits. Kubernetes: `NodeShouldRunDaemonPod` in `pkg/controller/daemon/daemon_controller.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled
 */
export function fitOf({ spec: { template } }: DaemonSet): (node: Node) => Fit {
  const { nodeName = "" } = template.spec;
  const isSelected = selectedNodes(template.spec) ?? (() => true);
  const tolerations = daemonTolerations(template.spec);
  return (node) => {
    if (nodeName !== "" && nodeName !== node.metadata.name) return "refuses";
    if (!isSelected(node)) return "refuses";
    const { taints } = node.spec;
    if (untolerated(taints, tolerations, REPEL) === undefined) return "gets";
    return untolerated(taints, tolerations, EXPEL) === undefined ? "keeps" : "refuses";
  };
}

/**
 * The tolerations of a DaemonSet's pods: its own ones, and those that let pods stay on nodes with problems.
 * https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
 */
export function daemonTolerations({ tolerations: own = [], hostNetwork }: PodSpec): Toleration[] {
  const added = [...TOLERATED, ...hostNetwork ? [NETWORK_UNAVAILABLE] : []];
  const kept = own.map((each) => added.find((other) => isSameRule(each, other)) ?? each);
  return [...kept, ...added.filter((each) => !kept.includes(each))];
}

/** Kubernetes: `MatchToleration`; how long is no part of the rule. */
function isSameRule({ tolerationSeconds: _, ...rule }: Toleration, other: Toleration): boolean {
  return isEqual(rule, other);
}
