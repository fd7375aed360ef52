import type { StatefulSet } from "../../../resources/apps/stateful_sets.ts";
import { isFinished } from "../../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { shareOf } from "../../../schema/shares.ts";
import { revisionOf } from "./history.ts";
import { stateAt } from "./ordinal_steps.ts";
import { isIn, rangeOf } from "./ordinals.ts";
import type { SetState } from "./replicas.ts";
import { isEnding, isRunningAndReady, isUnavailable } from "./stateful_pods.ts";

/**
 * The pods to replace now, once all pods are there: from the last one to the partition, one at a time, each when the ones
 * after it are available again. With `maxUnavailable`, as many as may be missing at once.
 *
 * Kubernetes: the end of `updateStatefulSet`, and `updateStatefulSetAfterInvariantEstablished`, in
 * `pkg/controller/statefulset/stateful_set_control.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#rolling-updates
 */
export function podsToReplace(state: SetState): Pod[] {
  const { updateStrategy: { type, rollingUpdate } } = state.set.spec;
  if (type === "OnDelete" || state.history.steps?.holds) return [];
  return rollingUpdate?.maxUnavailable === undefined ? nextOne(state) : several(state);
}

function nextOne({ set, history, pods, nowMs }: SetState): Pod[] {
  const { last } = rangeOf(set);
  for (let ordinal = last; ordinal >= lowestToUpdate(set); ordinal--) {
    const pod = pods.get(ordinal);
    if (pod === undefined) return [];
    if (isOld(pod, stateAt(history, ordinal).revision)) return [pod];
    if (isUnavailable(set, pod, nowMs)) return [];
  }
  return [];
}

function several({ set, history, pods, nowMs }: SetState): Pod[] {
  const range = rangeOf(set);
  const inRange = [...pods].filter(([ordinal]) => isIn(range, ordinal));
  const available = inRange.filter(([, pod]) => !isUnavailable(set, pod, nowMs)).length;
  const count = unavailableMax(set) - (set.spec.replicas - available);
  return inRange.filter(([ordinal]) => ordinal >= lowestToUpdate(set))
    .filter(([ordinal, pod]) => isOld(pod, stateAt(history, ordinal).revision))
    .sort(([a], [b]) => b - a)
    .slice(0, Math.max(0, count))
    .map(([, pod]) => pod);
}

/**
 * In steps: a pod that is not ready and of another state than it should be, the last one first. It is replaced whatever the
 * others do. Kubernetes waits for it, even to go back; people have to delete it then.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
 */
export function brokenPodToReplace({ set, history, pods }: SetState): Pod[] {
  const { steps } = history;
  if (set.spec.updateStrategy.type === "OnDelete" || !steps || steps.holds) return [];
  const range = rangeOf(set);
  const broken = [...pods].filter(([ordinal, pod]) =>
    isIn(range, ordinal) && ordinal >= lowestToUpdate(set) && !isFinished(pod) &&
    !isRunningAndReady(pod) && isOld(pod, stateAt(history, ordinal).revision)
  );
  return broken.sort(([a], [b]) => b - a).slice(0, 1).map(([, pod]) => pod);
}

function lowestToUpdate(set: StatefulSet): number {
  return rangeOf(set).first + (set.spec.updateStrategy.rollingUpdate?.partition ?? 0);
}

function isOld(pod: Pod, revision: string): boolean {
  return revisionOf(pod) !== revision && !isEnding(pod);
}

/** A share is rounded down, but at least one pod may be missing. Kubernetes: `getStatefulSetMaxUnavailable`. */
function unavailableMax({ spec: { replicas, updateStrategy } }: StatefulSet): number {
  const { maxUnavailable = 1 } = updateStrategy.rollingUpdate ?? {};
  const number = shareOf(maxUnavailable) ?? 1;
  const count = typeof maxUnavailable === "string" ? Math.floor(number * replicas / 100) : number;
  return Math.max(1, count);
}
