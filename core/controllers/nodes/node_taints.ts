import { timestamp } from "../../lib/timestamp.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { isOffline, OFFLINE } from "../../resources/core/nodes/autonomy.ts";
import { type Node, nodes, type Taint } from "../../resources/core/nodes/nodes.ts";
import { NOT_READY, UNREACHABLE } from "../../resources/core/pods/spec/default_tolerations.ts";
import { update, type Write } from "../runtime/controller.ts";
import { UNSCHEDULABLE } from "./taints.ts";

/** Taints that follow from conditions, and the status of the condition that leads to them. */
const PRESSURES: readonly (readonly [type: string, status: "True", key: string])[] = [
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
];
const MANAGED_TAINTS = [
  NOT_READY,
  UNREACHABLE,
  UNSCHEDULABLE,
  ...PRESSURES.map(([, , key]) => key),
];

/**
 * The taints that follow from the state of the node, with the times that they have; those of others stay. A taint with
 * NoExecute that evicts its pods is kept while it is right, and follows the condition Ready, but is never added here:
 * see `large_outages.ts`.
 */
export function taintsOf(node: Node, nowMs: number): Taint[] {
  const { spec: { taints = [], unschedulable }, status: { conditions } } = node;
  const ready = conditionOf(conditions, "Ready");
  const wanted: Taint[] = [];
  const want = (taint: Taint) => wanted.push({ ...taint, timeAdded: timestamp(nowMs) });
  if (unschedulable) want({ key: UNSCHEDULABLE, effect: "NoSchedule" });
  for (const [type, status, key] of PRESSURES) {
    if (conditionOf(conditions, type)?.status === status) want({ key, effect: "NoSchedule" });
  }
  if (ready?.status !== "True") {
    const key = ready?.status === "Unknown" ? UNREACHABLE : NOT_READY;
    want({ key, effect: "NoSchedule" });
    const evicting = evictingTaintOf(node);
    if (evicting && evictingTaints(taints).some((taint) => taint.value === evicting.value)) {
      want(evicting);
    }
  }
  const others = taints.filter((taint) => !MANAGED_TAINTS.includes(taint.key));
  const kept = taints.filter((taint) =>
    others.includes(taint) || wanted.some((each) => isSame(each, taint))
  );
  return [...kept, ...wanted.filter((taint) => !kept.some((each) => isSame(each, taint)))];
}

/**
 * The taint that evicts pods from a node in this state; `undefined` when it is ready, or nothing is known. One that is
 * left alone has a value with it: then pods go only when they say themselves for how long they would stay.
 */
export function evictingTaintOf(node: Node): Taint | undefined {
  switch (conditionOf(node.status.conditions, "Ready")?.status) {
    case "False":
      return { key: NOT_READY, effect: "NoExecute" };
    case "Unknown":
      return {
        key: UNREACHABLE,
        ...(isOffline(node) && { value: OFFLINE }),
        effect: "NoExecute",
      };
    default:
      return undefined;
  }
}

/** The taints of our own that evict pods. */
export function evictingTaints(taints: readonly Taint[] = []): Taint[] {
  return taints.filter(({ key, effect }) =>
    effect === "NoExecute" && (key === NOT_READY || key === UNREACHABLE)
  );
}

export function withTaints(node: Node, taints: readonly Taint[]): Write {
  const { taints: _, ...spec } = node.spec;
  return update(nodes, {
    ...node,
    spec: taints.length > 0 ? { ...spec, taints: [...taints] } : spec,
  });
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect && (a.value ?? "") === (b.value ?? "");
}
