import { OFFLINE } from "../../resources/core/nodes/autonomy.ts";
import type { NodeCondition } from "../../resources/core/nodes/node_status.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import { conditionOf, withConditions } from "../../resources/conditions.ts";

/** Conditions that the agent reports; unknown without it. */
const REPORTED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

const LOST = {
  reason: "NodeStatusUnknown",
  message: "Kubelet stopped posting node status.",
};
const NEVER_SEEN = {
  reason: "NodeStatusNeverUpdated",
  message: "Kubelet never posted node status.",
};
const LEFT_ALONE = {
  reason: OFFLINE,
  message: "Kubelet stopped posting node status; its pods are left to it.",
};

export function isUnreachable({ status }: Node): boolean {
  return conditionOf(status.conditions, "Ready")?.status === "Unknown";
}

/** The status of a node whose agent is silent. `isLeftAlone`: its pods are neither evicted nor replaced for now. */
export function unknownStatus(
  node: Node,
  { isLeftAlone }: { isLeftAlone: boolean },
  nowMs: number,
): Node["status"] {
  const unknown = REPORTED.flatMap((type): NodeCondition[] => {
    const before = conditionOf(node.status.conditions, type);
    if (before === undefined) return [{ type, status: "Unknown", ...NEVER_SEEN }];
    const cause = type === "Ready" && isLeftAlone ? LEFT_ALONE : LOST;
    const isSaid = before.status === "Unknown" &&
      (type !== "Ready" || before.reason === cause.reason || !isOurs(before));
    return isSaid ? [] : [{ ...before, status: "Unknown", ...cause }];
  });
  if (unknown.length === 0) return node.status;
  return { ...node.status, conditions: withConditions(node.status.conditions, unknown, nowMs) };
}

/** One that never said anything is never offline: there is nothing to leave to it. */
function isOurs({ reason }: NodeCondition): boolean {
  return reason === LOST.reason || reason === LEFT_ALONE.reason;
}
