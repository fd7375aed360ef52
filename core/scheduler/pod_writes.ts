import {
  act,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  updateStatus,
  type Write,
} from "../controllers/runtime/controller.ts";
import { conditionOf, withCondition } from "../resources/conditions.ts";
import { bindingTo } from "../resources/core/pods/binding.ts";
import type { PodCondition } from "../resources/core/pods/pod_status.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { PREEMPTION_REASON } from "./evictable_pods.ts";

/** Why a pod has no node yet, as its condition PodScheduled says it. */
export type WaitReason = Required<Pick<PodCondition, "reason" | "message">>;

export const GATED: WaitReason = {
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Binds the pod to the node. */
export function bindTo(pod: Pod, node: string): Plan {
  const { namespace, name } = pod.metadata;
  return plan([
    act(pods, pod.metadata, "binding", bindingTo(node)),
    recordEvent({
      about: pod,
      type: "Normal",
      reason: "Scheduled",
      message: `Successfully assigned ${namespace}/${name} to ${node}`,
    }),
  ]);
}

/** Ends pods in favour of another one. Kubernetes: `prepareCandidate` in `pkg/scheduler/framework/preemption`. */
export function evictAll(
  victims: readonly Pod[],
  preemptor: Pod,
  node: string,
  nowMs: number,
): Write[] {
  return [
    ...victims.map((victim) => markVictim(victim, preemptor, nowMs)),
    ...victims.map((victim) => evict(victim, preemptor, node)),
  ];
}

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function markVictim(victim: Pod, { spec: { schedulerName } }: Pod, nowMs: number): Write {
  const next = conditionFor(victim, {
    type: "DisruptionTarget",
    status: "True",
    reason: PREEMPTION_REASON,
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
  });
  const conditions = withCondition(victim.status.conditions, next, nowMs);
  return updateStatus(pods, { ...victim, status: { ...victim.status, conditions } });
}

function evict(victim: Pod, { metadata: { uid } }: Pod, node: string): Write {
  const message = `Preempted by pod ${uid} on node ${node}`;
  return remove(pods, victim, {
    event: { about: victim, type: "Normal", reason: "Preempted", message },
  });
}

/** Says that no room is kept for the pod any longer. */
export function withdrawNomination(pod: Pod): Write {
  return updateStatus(pods, { ...pod, status: withNomination(pod, undefined) });
}

function withNomination({ status }: Pod, node: string | undefined): Pod["status"] {
  const { nominatedNodeName: _, ...rest } = status;
  return node === undefined ? rest : { ...rest, nominatedNodeName: node };
}

/** Reports why the pod waits, and where room is kept for it, unless its status says so already. */
export function waitBecause(
  pod: Pod,
  { reason, message }: WaitReason,
  nominated: string | undefined,
  nowMs: number,
): Plan {
  const before = conditionOf(pod.status.conditions, "PodScheduled");
  const isTold = before?.status === "False" && before.reason === reason &&
    before.message === message && pod.status.nominatedNodeName === nominated;
  if (isTold) return NOTHING;
  const conditions = withCondition(
    pod.status.conditions,
    conditionFor(pod, { type: "PodScheduled", status: "False", reason, message }),
    nowMs,
  );
  const status = { ...withNomination(pod, nominated), conditions };
  const write = updateStatus(pods, { ...pod, status });
  if (reason === GATED.reason) return plan([write]);
  return plan([
    write,
    recordEvent({ about: pod, type: "Warning", reason: "FailedScheduling", message }),
  ]);
}

function conditionFor({ metadata: { generation } }: Pod, condition: PodCondition): PodCondition {
  return { ...condition, ...(generation !== undefined && { observedGeneration: generation }) };
}
