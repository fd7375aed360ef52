import type { ObjectName, View } from "../client/client.ts";
import type { Clock, Moment } from "../lib/clock.ts";
import { type Node, nodes, type Taint } from "../resources/nodes.ts";
import { type Pod, pods } from "../resources/pods.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type Controller, NOTHING, type Plan, plan, remove, sooner } from "./controller.ts";
import { isFinished } from "./pod_states.ts";
import { msOf } from "./status_conditions.ts";
import { withDefaultTolerations } from "../resources/pod_spec/default_tolerations.ts";
import { tolerates } from "./taints.ts";

/** Since when the taints of a node are there, on a clock that does not jump, by what tells them apart. */
type Since = ReadonlyMap<string, number>;

/**
 * Deletes pods from nodes with taints of the effect NoExecute, once they have been there for as long as the
 * pods tolerate.
 *
 * How long a taint is there is asked of its `timeAdded` when it is first seen; from then on no clock counts that
 * anybody sets, so that a server that learns the time does not empty all nodes that are away for a moment.
 *
 * Kubernetes: `pkg/controller/tainteviction`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export function evictionController(clock: Pick<Clock, "elapsed">): Controller<Node> {
  const known = new Map<string, Since>();
  return {
    name: "taint-eviction-controller",
    resource: nodes,
    watches: [{ resource: pods, concerns: nodeOf }],
    workers: 1,
    reconcile(node, view, nowMs): Plan {
      const { name } = node.metadata;
      const elapsedMs = clock.elapsed();
      const since = sinceOf(expelling(node), known.get(name), { nowMs, elapsedMs });
      if (since.size > 0) known.set(name, since);
      else known.delete(name);
      return reconcile(node, view, since, elapsedMs);
    },
    gone({ name }): Plan {
      known.delete(name);
      return NOTHING;
    },
  };
}

function sinceOf(
  taints: readonly Taint[],
  known: Since | undefined,
  { nowMs, elapsedMs }: Moment,
): Since {
  return new Map(taints.map((taint) => {
    const { timeAdded } = taint;
    const ageMs = timeAdded === undefined ? 0 : Math.max(0, nowMs - msOf(timeAdded));
    return [keyOf(taint), known?.get(keyOf(taint)) ?? elapsedMs - ageMs];
  }));
}

function keyOf({ key, value = "", timeAdded = "" }: Taint): string {
  return `${key}=${value} ${timeAdded}`;
}

function nodeOf(pod: KubeObject, view: View): ObjectName[] {
  const name = (pod as Pod).spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node && expelling(node).length > 0 ? [node.metadata] : [];
}

function reconcile(node: Node, view: View, since: Since, elapsedMs: number): Plan {
  const taints = expelling(node);
  if (taints.length === 0) return NOTHING;
  const staying = view.by(pods, "node", node.metadata.name).filter((pod) =>
    !isFinished(pod) && pod.metadata.deletionTimestamp === undefined
  ).map((pod) => ({ pod, dueMs: evictionMs(pod, taints, since) }));
  const doomed = staying.filter(({ dueMs }) => dueMs !== undefined && dueMs <= elapsedMs);
  const next = staying.map(({ dueMs }) => dueMs).filter((dueMs) =>
    dueMs === undefined || dueMs > elapsedMs
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
  return plan(writes, next === undefined ? undefined : next - elapsedMs);
}

function expelling({ spec: { taints = [] } }: Node): Taint[] {
  return taints.filter(({ effect }) => effect === "NoExecute");
}

/**
 * When the pod has to go: at once when it does not tolerate one of the taints, else when the shortest time
 * for which it tolerates one is over; `undefined` when it may stay.
 */
function evictionMs(pod: Pod, taints: readonly Taint[], since: Since): number | undefined {
  const tolerations = withDefaultTolerations(pod.spec.tolerations);
  const dueTimes = taints.flatMap((taint) => {
    const fitting = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (fitting.length === 0) return [-Infinity];
    const fromMs = since.get(keyOf(taint))!;
    return fitting.filter(({ tolerationSeconds }) => tolerationSeconds !== undefined)
      .map(({ tolerationSeconds }) => fromMs + Math.max(0, tolerationSeconds!) * 1_000);
  });
  return dueTimes.length === 0 ? undefined : Math.min(...dueTimes);
}
