import { msOf } from "../../lib/timestamp.ts";
import type { View } from "../../client/client.ts";
import { isConditionTrue } from "../../resources/conditions.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { isFinished, withDisruptionTarget } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  type Controller,
  type ControllerWithMemory,
  type Loop,
  NOTHING,
  plan,
  remove,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";

// Removes pods that nobody will ever end. Kubernetes: `pkg/controller/podgc`.

/** Kubernetes: `quarantineTime`; a node that was deleted by mistake has this long to come back. */
const NODE_GONE_MS = 40_000;
/** Finished pods that are kept to be looked at: kube-controller-manager's `--terminated-pod-gc-threshold`. */
export const FINISHED_PODS_MAX = 12_500;
/** https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-out-of-service */
const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

const NODE_GONE = { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" };

/** Removes the pods of nodes that are gone. Remembers since when, by the name of the node. */
export const orphanedPodController: ControllerWithMemory<Node, number> = {
  name: "pod-garbage-collector",
  resource: nodes,
  watches: [{
    resource: pods,
    concerns(pod, view) {
      const name = (pod as Pod).spec.nodeName;
      return name === undefined || view.get(nodes, { name }) !== undefined ? [] : [{ name }];
    },
  }],
  workers: 1,
  reconcile: ({ metadata: { name } }) => ({ ...NOTHING, remember: [[name, undefined]] }),
  gone({ name }, view, nowMs, { memory, elapsedMs }) {
    const orphans = view.by(pods, "node", name);
    if (orphans.length === 0) return { ...NOTHING, remember: [[name, undefined]] };
    const sinceMs = memory.get(name) ?? elapsedMs;
    const restMs = sinceMs + NODE_GONE_MS - elapsedMs;
    const next = restMs > 0
      ? plan([], restMs)
      : plan(orphans.flatMap((pod) => removalNow(withDisruptionTarget(pod, NODE_GONE, nowMs))));
    return { ...next, remember: [[name, sinceMs]] };
  },
};

/** Removes pods that are to end and never got a node. */
export const unscheduledPodController: Controller<Pod> = {
  name: "unscheduled-pod-collector",
  resource: pods,
  watches: [],
  workers: 1,
  reconcile(pod) {
    const { metadata: { deletionTimestamp }, spec: { nodeName } } = pod;
    const isStuck = nodeName === undefined && deletionTimestamp !== undefined;
    return isStuck ? plan(removalNow(pod)) : NOTHING;
  },
};

/**
 * Removes pods that are to end on a node that is known to be down: its agent will not say that they have ended.
 * https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
 */
export const outOfServicePodController: Controller<Node> = {
  name: "out-of-service-pod-collector",
  resource: nodes,
  watches: [{
    resource: pods,
    concerns(pod, view) {
      const name = (pod as Pod).spec.nodeName;
      const node = name === undefined ? undefined : view.get(nodes, { name });
      return node && isOutOfService(node) ? [node.metadata] : [];
    },
  }],
  workers: 1,
  reconcile(node, view) {
    if (!isOutOfService(node)) return NOTHING;
    const ending = view.by(pods, "node", node.metadata.name)
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    return plan(ending.flatMap(removalNow));
  },
};

function isOutOfService({ spec: { taints = [] }, status }: Node): boolean {
  return taints.some(({ key }) => key === OUT_OF_SERVICE) &&
    !isConditionTrue(status.conditions, "Ready");
}

/** Removes the oldest finished pods when there are too many. There is one key, for all of them. */
export const finishedPodLimit: Loop = {
  name: "finished-pod-collector",
  workers: 1,
  start: (view, add) => ({
    reconcile: () => plan(oldestFinished(view)),
    stop: follow(view, add),
  }),
};

function follow(view: View, add: (key: string) => void): () => void {
  const finished = new Set<string>();
  const take = (pod: Pod) => {
    if (!isFinished(pod)) return;
    finished.add(pod.metadata.uid);
    if (finished.size > FINISHED_PODS_MAX) add("finished pods");
  };
  const stop = view.subscribe(pods, ({ type, object }) => {
    if (type === "DELETED") finished.delete(object.metadata.uid);
    else take(object);
  });
  for (const pod of view.list(pods)) take(pod);
  return stop;
}

/** Those that were evicted first, then by age. */
function oldestFinished(view: View): Write[] {
  const all = view.list(pods).filter(isFinished);
  const excess = Math.max(0, all.length - FINISHED_PODS_MAX);
  return all.sort((a, b) =>
    Number(isEvicted(b)) - Number(isEvicted(a)) ||
    msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp)
  ).slice(0, excess).flatMap(removalNow);
}

function isEvicted({ status: { phase, reason } }: Pod): boolean {
  return phase === "Failed" && reason === "Evicted";
}

/** Nobody else will say that the pod has ended: who waits for that, as a Job does, is told first. */
function removalNow(pod: Pod): Write[] {
  const removal = remove(pods, pod, { gracePeriodSeconds: 0 });
  if (isFinished(pod)) return [removal];
  const status: Pod["status"] = { ...pod.status, phase: "Failed" };
  return [updateStatus(pods, { ...pod, status }), removal];
}
