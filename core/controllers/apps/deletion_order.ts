import { msOf } from "../../lib/timestamp.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { isReady, readySinceMs, restartsOf } from "../../resources/core/pods/pod_states.ts";

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#pod-deletion-cost */
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/**
 * Pods in the order in which they are deleted when there are too many. First those not bound to a node, then those
 * pending, not ready, of a lower deletion cost, on a node with more related pods, ready for a shorter time, restarted
 * more often, younger.
 *
 * `related`: the pods of all ReplicaSets of the Deployment, these ones included.
 * Kubernetes: `ActivePodsWithRanks` in `pkg/controller/controller_utils.go`.
 */
export function inDeletionOrder(pods: readonly Pod[], related: readonly Pod[]): Pod[] {
  const byNode = Map.groupBy(related, ({ spec }) => spec.nodeName);
  const ranked = pods.map((pod) => ({
    pod,
    rank: rankOf(pod, byNode.get(pod.spec.nodeName)?.length ?? 0),
  }));
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ pod }) => pod);
}

type Rank = readonly (number | string)[];

/** Phases that come first; all others are alike. */
const FIRST_PHASES = ["Unknown", "Pending"];

function rankOf(pod: Pod, onNode: number): Rank {
  return [
    Number(Boolean(pod.spec.nodeName)),
    -FIRST_PHASES.indexOf(pod.status.phase),
    Number(isReady(pod)),
    Number.parseInt(pod.metadata.annotations?.[DELETION_COST] ?? "") || 0,
    -onNode,
    -(readySinceMs(pod) ?? Infinity),
    -restartsOf(pod),
    -msOf(pod.metadata.creationTimestamp),
    pod.metadata.name,
  ];
}

/** By the first part in which they differ; names always do. */
function compare(a: Rank, b: Rank): number {
  const index = a.findIndex((part, i) => part !== b[i]);
  return a[index]! < b[index]! ? -1 : 1;
}
