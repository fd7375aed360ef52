import type { Pod } from "../resources/core/pods/pods.ts";

/** The reason in the condition DisruptionTarget of a pod that makes room for another one. */
export const PREEMPTION_REASON = "PreemptionByScheduler";

/** Pods of a lower priority make room for those of a higher one. */
export function priorityOf({ spec }: Pod): number {
  return spec.priority ?? 0;
}

/** Whether the pod ends anyway; `condemned`: pods that are about to be evicted, by uid. */
export function isGoing(
  { metadata: { deletionTimestamp, uid } }: Pod,
  condemned: ReadonlyMap<string, unknown>,
): boolean {
  return deletionTimestamp !== undefined || condemned.has(uid);
}
