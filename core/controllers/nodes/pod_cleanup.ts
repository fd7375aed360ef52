import { msOf } from "../../lib/timestamp.ts";
import type { ObjectName, View } from "../../client/client.ts";
import type { Clock } from "../../lib/clock.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  remove,
  type Write,
} from "../runtime/controller.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";

/** Kubernetes: `quarantineTime`; a node whose object was deleted by mistake has this long to come back. */
const NODE_GONE_MS = 40_000;
/** Finished pods that are kept to be looked at. Kubernetes keeps 12,500, which small machines cannot. */
export const FINISHED_PODS_MAX = 1_000;

/**
 * Removes pods that nobody will ever end: those whose node is gone, those that are to end and never got a
 * node, and the oldest finished ones when there are too many.
 *
 * Kubernetes: `pkg/controller/podgc`.
 */
export function podCleanupController(clock: Pick<Clock, "elapsed">): Controller<Pod> {
  const goneSinceMs = new Map<string, number>();
  const finished = new Set<string>();
  return {
    name: "pod-garbage-collector",
    resource: pods,
    watches: [{
      resource: nodes,
      concerns({ metadata: { name } }, view): readonly ObjectName[] {
        if (view.get(nodes, { name }) === undefined) return view.by(pods, "node", name).map(nameOf);
        goneSinceMs.delete(name);
        return [];
      },
    }],
    workers: 1,
    reconcile(pod, view): Plan {
      const { metadata, spec: { nodeName } } = pod;
      if (!isFinished(pod)) finished.delete(metadata.uid);
      else {
        finished.add(metadata.uid);
        if (finished.size > FINISHED_PODS_MAX) return plan(oldestFinished(view, finished));
      }
      if (nodeName === undefined) {
        return metadata.deletionTimestamp === undefined ? NOTHING : plan([force(pod)]);
      }
      if (view.get(nodes, { name: nodeName }) !== undefined) {
        goneSinceMs.delete(nodeName);
        return NOTHING;
      }
      const elapsedMs = clock.elapsed();
      const sinceMs = goneSinceMs.get(nodeName) ?? elapsedMs;
      goneSinceMs.set(nodeName, sinceMs);
      const restMs = sinceMs + NODE_GONE_MS - elapsedMs;
      return restMs > 0 ? plan([], restMs) : plan([force(pod)]);
    },
  };
}

function nameOf({ metadata }: KubeObject): ObjectName {
  return metadata;
}

/** Looks at all, and so corrects what was remembered of pods that have gone since. */
function oldestFinished(view: View, finished: Set<string>): Write[] {
  const all = view.list(pods).filter(isFinished);
  finished.clear();
  for (const { metadata } of all) finished.add(metadata.uid);
  return all.sort((a, b) => msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp))
    .slice(0, Math.max(0, all.length - FINISHED_PODS_MAX)).map(force);
}

function force(pod: Pod): Write {
  return remove(pods, pod, { gracePeriodSeconds: 0 });
}
