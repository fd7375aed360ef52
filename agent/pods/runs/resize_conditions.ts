import { conditionOf, withTransitionTime } from "../../../core/resources/conditions.ts";
import type { PodCondition } from "../../../core/resources/core/pods/pod_status.ts";
import { isFinished } from "../../../core/resources/core/pods/pod_states.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import type { ObservedPod } from "./observed_pod.ts";
import { isResizing } from "./resize_actions.ts";

const PENDING = "PodResizePending";
const IN_PROGRESS = "PodResizeInProgress";

/**
 * The conditions with those that say how far a change of amounts has come; they are there only while it is under way
 * (KEP-1287). Pure.
 */
export function withResizeConditions(
  conditions: readonly PodCondition[],
  pod: Pod,
  observed: ObservedPod,
  nowMs: number,
): PodCondition[] {
  const others = conditions.filter(({ type }) => type !== PENDING && type !== IN_PROGRESS);
  if (isFinished(pod)) return others;
  const now = [pendingOf(observed), progressOf(pod, observed)].filter((each) => each !== undefined);
  return [
    ...others,
    ...now.map((next) => withTransitionTime(next, conditionOf(conditions, next.type), nowMs)),
  ];
}

type Shown = Omit<PodCondition, "lastTransitionTime">;

function pendingOf({ pendingResize }: ObservedPod): Shown | undefined {
  if (pendingResize === undefined) return undefined;
  const { reason, message, generation } = pendingResize;
  return { type: PENDING, status: "True", reason, message, ...observedGeneration(generation) };
}

function progressOf(pod: Pod, observed: ObservedPod): Shown | undefined {
  const { failure, resizedGeneration } = observed;
  if (!isResizing(pod, observed)) return undefined;
  const error = failure?.stage === "resize" && { reason: "Error", message: failure.message };
  return {
    type: IN_PROGRESS,
    status: "True",
    ...error,
    ...observedGeneration(resizedGeneration ?? pod.metadata.generation),
  };
}

function observedGeneration(generation: number | undefined): { observedGeneration?: number } {
  return generation === undefined ? {} : { observedGeneration: generation };
}
