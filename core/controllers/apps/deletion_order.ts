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
  const onNode = new Map<string | undefined, number>();
  for (const { spec: { nodeName } } of related) {
    onNode.set(nodeName, (onNode.get(nodeName) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => ({
    pod,
    rank: rankOf(pod, onNode.get(pod.spec.nodeName) ?? 0),
  }));
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ pod }) => pod);
}

type Rank = readonly (number | string)[];

function rankOf(pod: Pod, onNode: number): Rank {
  return [
    pod.spec.nodeName ? 1 : 0,
    { Pending: 0, Unknown: 1, Running: 2, Succeeded: 2, Failed: 2 }[pod.status.phase],
    isReady(pod) ? 1 : 0,
    Number.parseInt(pod.metadata.annotations?.[DELETION_COST] ?? "0") || 0,
    -onNode,
    -(readySinceMs(pod) ?? 0),
    -restartsOf(pod),
    -msOf(pod.metadata.creationTimestamp),
    pod.metadata.name,
  ];
}

function compare(a: Rank, b: Rank): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return 0;
}
