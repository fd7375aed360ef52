import { msOf } from "../../lib/timestamp.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { FailedAttempt, Refusal } from "../plugin.ts";
import type { NodeState, Snapshot } from "../snapshot.ts";
import { isGoing, priorityOf } from "../evictable_pods.ts";
import type { Budgets } from "./budgets.ts";

/** Kubernetes: what a node says on which no pod has a lower priority. */
const NO_VICTIMS = "No preemption victims found for incoming pod";

/** Pods on a node without which another pod fits there. */
export interface Candidate {
  node: string;
  /** The most important one first. */
  victims: readonly Pod[];
  /** How many of them a disruption budget would keep. */
  violations: number;
}

/**
 * The fewest and least important pods of a node that must go so that the pod fits: all that have a lower priority are
 * taken away, then each one is let back in that still fits, those first that a budget protects, and in each part the
 * most important ones first. A refusal says why not even that would help.
 *
 * Kubernetes: `SelectVictimsOnNode` in `plugins/defaultpreemption`.
 */
export function victimsOn(
  node: NodeState,
  pod: Pod,
  snapshot: Snapshot,
  { refusalOn }: Pick<FailedAttempt, "refusalOn">,
  budgets: Budgets,
): Candidate | Refusal {
  const lower = [...node.pods.values()].filter((other) => priorityOf(other) < priorityOf(pod))
    .sort((a, b) => byImportance(a, b, snapshot));
  if (lower.length === 0) return { reasons: [NO_VICTIMS], preemptionMayHelp: false };
  return snapshot.tryOn(node, (trial) => {
    for (const other of lower) trial.remove(other);
    const refusal = refusalOn(node);
    if (refusal !== undefined) return refusal;
    const violating = budgets.violatedBy(lower);
    const ordered = [
      ...lower.filter((other) => violating.has(other)),
      ...lower.filter((other) => !violating.has(other)),
    ];
    const victims = ordered.filter((other) => {
      trial.add(other);
      if (refusalOn(node) === undefined) return false;
      trial.remove(other);
      return true;
    });
    const sorted = victims.sort((a, b) => byImportance(a, b, snapshot));
    return { node: node.name, victims: sorted, violations: budgets.violatedBy(sorted).size };
  });
}

/** Kubernetes: `MoreImportantPod`. Pods that end anyway are the least important ones: nothing is lost by them. */
function byImportance(a: Pod, b: Pod, { condemned }: Snapshot): number {
  const [isGoingA, isGoingB] = [isGoing(a, condemned), isGoing(b, condemned)];
  if (isGoingA !== isGoingB) return isGoingA ? 1 : -1;
  return priorityOf(b) - priorityOf(a) || startMsOf(a) - startMsOf(b);
}

/** A pod that has not started yet counts as started now, at the end of all times. */
export function startMsOf({ status: { startTime } }: Pod): number {
  return startTime === undefined ? Number.MAX_SAFE_INTEGER : msOf(startTime);
}
