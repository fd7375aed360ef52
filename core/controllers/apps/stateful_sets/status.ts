import { isEqual } from "../../../lib/equality.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import type { StatefulSetStatus } from "../../../resources/apps/stateful_set_shape.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { updateStatus, type Write } from "../../runtime/controller.ts";
import { type History, revisionOf } from "./history.ts";
import { isAvailable, isEnding, isRunningAndReady } from "./stateful_pods.ts";

/**
 * How a set is, with these pods. Kubernetes: `computeReplicaStatus` and `completeRollingUpdate`. Like there, conditions
 * that others have written do not survive.
 */
export function statusOf(
  set: StatefulSet,
  { current, update, collisionCount, steps }: History,
  pods: readonly Pod[],
  nowMs: number,
): StatefulSetStatus {
  const { metadata: { generation }, spec } = set;
  const ready = pods.filter(isRunningAndReady);
  const staying = pods.filter((pod) => !isEnding(pod));
  const of = (revision: string) => staying.filter((pod) => revisionOf(pod) === revision).length;
  const updatedReplicas = of(update.revision);
  const isLastStep = steps === undefined || current.revision === update.revision;
  const isComplete = spec.updateStrategy.type === "RollingUpdate" && isLastStep &&
    [updatedReplicas, ready.length, pods.length].every((count) => count === spec.replicas);
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    replicas: pods.length,
    readyReplicas: ready.length,
    currentReplicas: isComplete ? updatedReplicas : of(current.revision),
    updatedReplicas,
    availableReplicas: ready.filter((pod) => isAvailable(set, pod, nowMs)).length,
    currentRevision: isComplete ? update.revision : current.revision,
    updateRevision: update.revision,
    collisionCount,
  };
}

/** Writes the status when it differs in what Kubernetes' `inconsistentStatus` compares. Some counts of 0 are not kept. */
export function statusWrites(set: StatefulSet, status: StatefulSetStatus): Write[] {
  const { conditions: _, collisionCount: _1, ...before } = withoutZeros(set.status);
  const next = withoutZeros(status);
  const { collisionCount: _2, ...after } = next;
  return isEqual(before, after) ? [] : [updateStatus(statefulSets, { ...set, status: next })];
}

function withoutZeros(
  { readyReplicas, currentReplicas, updatedReplicas, ...status }: StatefulSetStatus,
): StatefulSetStatus {
  return {
    ...status,
    ...(readyReplicas && { readyReplicas }),
    ...(currentReplicas && { currentReplicas }),
    ...(updatedReplicas && { updatedReplicas }),
  };
}
