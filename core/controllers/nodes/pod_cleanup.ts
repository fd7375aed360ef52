import { msOf } from "../../lib/timestamp.ts";
import type { View } from "../../client/client.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  type Controller,
  type ControllerWithMemory,
  type Loop,
  NOTHING,
  plan,
  remove,
  type Write,
} from "../runtime/controller.ts";

// Removes pods that nobody will ever end. Kubernetes: `pkg/controller/podgc`.

/** Kubernetes: `quarantineTime`; a node that was deleted by mistake has this long to come back. */
const NODE_GONE_MS = 40_000;
/** Finished pods that are kept to be looked at. Kubernetes keeps 12,500, which small machines cannot. */
export const FINISHED_PODS_MAX = 1_000;

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
  gone({ name }, view, _nowMs, { memory, elapsedMs }) {
    const orphans = view.by(pods, "node", name);
    if (orphans.length === 0) return { ...NOTHING, remember: [[name, undefined]] };
    const sinceMs = memory.get(name) ?? elapsedMs;
    const restMs = sinceMs + NODE_GONE_MS - elapsedMs;
    const next = restMs > 0 ? plan([], restMs) : plan(orphans.map(removalNow));
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
    return isStuck ? plan([removalNow(pod)]) : NOTHING;
  },
};

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

function oldestFinished(view: View): Write[] {
  const all = view.list(pods).filter(isFinished);
  return all.sort((a, b) => msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp))
    .slice(0, Math.max(0, all.length - FINISHED_PODS_MAX)).map(removalNow);
}

function removalNow(pod: Pod): Write {
  return remove(pods, pod, { gracePeriodSeconds: 0 });
}
