import type { ObjectName, View } from "../client/client.ts";
import { type Node, nodes, type Taint } from "../resources/nodes.ts";
import { type Pod, pods } from "../resources/pods.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type Controller, NOTHING, type Plan, plan, remove, sooner } from "./controller.ts";
import { isFinished } from "./pod_states.ts";
import { msOf } from "./status_conditions.ts";
import { withDefaultTolerations } from "../resources/pod_spec/default_tolerations.ts";
import { tolerates } from "./taints.ts";

/**
 * Deletes pods from nodes with taints of the effect NoExecute, once they have been there for as long as the
 * pods tolerate.
 *
 * Kubernetes: `pkg/controller/tainteviction`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export const evictionController: Controller<Node> = {
  name: "taint-eviction-controller",
  resource: nodes,
  watches: [{ resource: pods, concerns: nodeOf }],
  workers: 1,
  reconcile,
};

function nodeOf(pod: KubeObject, view: View): ObjectName[] {
  const name = (pod as Pod).spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node && expelling(node).length > 0 ? [node.metadata] : [];
}

function reconcile(node: Node, view: View, nowMs: number): Plan {
  const taints = expelling(node);
  if (taints.length === 0) return NOTHING;
  const staying = view.by(pods, "node", node.metadata.name).filter((pod) =>
    !isFinished(pod) && pod.metadata.deletionTimestamp === undefined
  ).map((pod) => ({ pod, dueMs: evictionMs(pod, taints, nowMs) }));
  const doomed = staying.filter(({ dueMs }) => dueMs !== undefined && dueMs <= nowMs);
  const next = staying.map(({ dueMs }) => dueMs).filter((dueMs) =>
    dueMs === undefined || dueMs > nowMs
  )
    .reduce(sooner, undefined);
  const writes = doomed.map(({ pod }) =>
    remove(pods, pod, {
      event: {
        about: pod,
        type: "Normal",
        reason: "TaintManagerEviction",
        message: `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
      },
    })
  );
  return plan(writes, next === undefined ? undefined : next - nowMs);
}

function expelling({ spec: { taints = [] } }: Node): Taint[] {
  return taints.filter(({ effect }) => effect === "NoExecute");
}

/**
 * When the pod has to go: at once when it does not tolerate one of the taints, else when the shortest time
 * for which it tolerates one is over; `undefined` when it may stay.
 */
export function evictionMs(
  pod: Pod,
  taints: readonly Taint[],
  nowMs: number,
): number | undefined {
  const tolerations = withDefaultTolerations(pod.spec.tolerations);
  const dueTimes = taints.flatMap((taint) => {
    const fitting = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (fitting.length === 0) return [-Infinity];
    const fromMs = taint.timeAdded === undefined ? nowMs : msOf(taint.timeAdded);
    return fitting.filter(({ tolerationSeconds }) => tolerationSeconds !== undefined)
      .map(({ tolerationSeconds }) => fromMs + Math.max(0, tolerationSeconds!) * 1_000);
  });
  return dueTimes.length === 0 ? undefined : Math.min(...dueTimes);
}
