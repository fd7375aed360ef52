import { msOf } from "../../lib/timestamp.ts";
import type { ObjectName, View } from "../../client/client.ts";
import type { Moment } from "../../lib/clock.ts";
import { type Node, nodes, type Taint } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type ControllerWithMemory,
  NOTHING,
  type Plan,
  plan,
  remove,
  sooner,
} from "../runtime/controller.ts";
import { isActive } from "../../resources/core/pods/pod_states.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { withDefaultTolerations } from "../../resources/core/pods/spec/default_tolerations.ts";
import { tolerates } from "./taints.ts";

/** Since when the taints of a node, and its pods, are there, on a clock that does not jump, by what tells them apart. */
type Since = ReadonlyMap<string, number>;

/**
 * Deletes pods from nodes with taints of the effect NoExecute, once both have been there for as long as the
 * pods tolerate.
 *
 * How long a taint is there is asked of its `timeAdded` when it is first seen, and of a pod, when it was scheduled;
 * from then on no clock counts that anybody sets, so that a server that learns the time does not empty all nodes that
 * are away for a moment.
 *
 * Kubernetes: `pkg/controller/tainteviction`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export const evictionController: ControllerWithMemory<Node, Since> = {
  name: "taint-eviction-controller",
  resource: nodes,
  watches: [{ resource: pods, concerns: nodeOf }],
  workers: 1,
  reconcile(node, view, nowMs, { memory, elapsedMs }) {
    const { name } = node.metadata;
    const taints = expelling(node);
    if (taints.length === 0) return { ...NOTHING, remember: [[name, undefined]] };
    const staying = view.by(pods, "node", name).filter(isActive);
    const since = sinceOf(taints, staying, memory.get(name), { nowMs, elapsedMs });
    return { ...evictions(taints, staying, since, elapsedMs), remember: [[name, since]] };
  },
  gone: ({ name }) => ({ ...NOTHING, remember: [[name, undefined]] }),
};

function sinceOf(
  taints: readonly Taint[],
  staying: readonly Pod[],
  known: Since | undefined,
  { nowMs, elapsedMs }: Moment,
): Since {
  const times = [
    ...taints.map((taint) => [keyOf(taint), taint.timeAdded] as const),
    ...staying.map((pod) => [pod.metadata.uid, scheduledAt(pod)] as const),
  ];
  return new Map(times.map(([key, time]) => {
    const ageMs = time === undefined ? 0 : Math.max(0, nowMs - msOf(time));
    return [key, known?.get(key) ?? elapsedMs - ageMs];
  }));
}

/** A pod that was made for its node is there from its beginning. */
function scheduledAt({ metadata, status }: Pod): string | undefined {
  const scheduled = conditionOf(status.conditions, "PodScheduled");
  return scheduled?.lastTransitionTime ?? metadata.creationTimestamp;
}

function keyOf({ key, value = "", timeAdded = "" }: Taint): string {
  return `${key}=${value} ${timeAdded}`;
}

function nodeOf(pod: KubeObject, view: View): ObjectName[] {
  const name = (pod as Pod).spec.nodeName;
  const node = name === undefined ? undefined : view.get(nodes, { name });
  return node && expelling(node).length > 0 ? [node.metadata] : [];
}

function evictions(
  taints: readonly Taint[],
  staying: readonly Pod[],
  since: Since,
  elapsedMs: number,
): Plan {
  const due = staying.map((pod) => ({ pod, dueMs: evictionMs(pod, taints, since) }));
  const doomed = due.filter(({ dueMs }) => dueMs !== undefined && dueMs <= elapsedMs);
  const next = due.map(({ dueMs }) => dueMs).filter((dueMs) =>
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
 * for which it tolerates one is over, since both came together; `undefined` when it may stay. Of several tolerations
 * that fit a taint the first counts. Kubernetes: `GetMatchingTolerations`.
 */
function evictionMs(pod: Pod, taints: readonly Taint[], since: Since): number | undefined {
  const tolerations = withDefaultTolerations(pod.spec.tolerations);
  const dueTimes = taints.flatMap((taint) => {
    const fitting = tolerations.find((toleration) => tolerates(toleration, taint));
    if (fitting === undefined) return [-Infinity];
    const { tolerationSeconds } = fitting;
    if (tolerationSeconds === undefined) return [];
    const fromMs = Math.max(since.get(keyOf(taint))!, since.get(pod.metadata.uid)!);
    return [fromMs + Math.max(0, tolerationSeconds) * 1_000];
  });
  return dueTimes.length === 0 ? undefined : Math.min(...dueTimes);
}
