import { conditionOf } from "../../resources/conditions.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { PREEMPTION_REASON, priorityOf } from "../evictable_pods.ts";
import type { FailedAttempt, Plugin, Preemption } from "../plugin.ts";
import { Budgets } from "../preemption/budgets.ts";
import { leastHarmful } from "../preemption/candidates.ts";
import { type Candidate, victimsOn } from "../preemption/victims.ts";
import { noVictims } from "../refusal_messages.ts";
import type { Snapshot } from "../snapshot.ts";

/** Kubernetes: `minCandidateNodesPercentage`. */
const CANDIDATES_PERCENT_MIN = 10;
/** Kubernetes: `minCandidateNodesAbsolute`. */
const CANDIDATES_MIN = 100;
/** Pods that are looked at for one preemption; the search ends with what it has found by then. */
const PODS_MAX = 10_000;

/**
 * Makes room for a pod that fits nowhere, by evicting pods of lower priority where that does the least harm.
 * Kubernetes: `plugins/defaultpreemption`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export const defaultPreemption: Plugin = { name: "DefaultPreemption", preempt };

function preempt(pod: Pod, snapshot: Snapshot, attempt: FailedAttempt): Preemption {
  if (pod.spec.preemptionPolicy === "Never") {
    return { none: "not eligible due to preemptionPolicy=Never.", keepsNomination: true };
  }
  if (waitsForVictims(pod, snapshot, attempt)) {
    const none = "not eligible due to a terminating pod on the nominated node.";
    return { none, keepsNomination: true };
  }
  const { candidates, reasons } = search(pod, snapshot, attempt);
  const best = leastHarmful(candidates);
  if (best !== undefined) return best;
  const { length } = snapshot.nodes;
  const unhelpful = Array<string>(length - reasons.length).fill(
    "Preemption is not helpful for scheduling",
  );
  const none = noVictims(length, [...reasons.flat(), ...unhelpful]);
  return { none, keepsNomination: false };
}

/** Whether pods that were evicted for this one have not ended yet, and leave room enough once they have. */
function waitsForVictims(pod: Pod, snapshot: Snapshot, attempt: FailedAttempt): boolean {
  const { nominatedNodeName } = pod.status;
  const { condemned } = snapshot;
  const node = nominatedNodeName ? snapshot.nodeNamed(nominatedNodeName) : undefined;
  if (node === undefined || attempt.refusals.get(node.name)?.preemptionMayHelp === false) {
    return false;
  }
  const leaving = [...node.pods.values()].filter((other) =>
    priorityOf(other) < priorityOf(pod) &&
    (condemned.has(other.metadata.uid) || isPreempted(other))
  );
  if (leaving.length === 0) return false;
  return snapshot.tryOn(node, (trial) => {
    for (const other of leaving) trial.remove(other);
    return attempt.refusalOn(node) === undefined;
  });
}

function isPreempted({ metadata: { deletionTimestamp }, status: { conditions } }: Pod): boolean {
  const condition = conditionOf(conditions, "DisruptionTarget");
  return deletionTimestamp !== undefined && condition?.status === "True" &&
    condition.reason === PREEMPTION_REASON;
}

interface Found {
  candidates: Candidate[];
  /** Why nodes where preemption could have helped are no candidates, for each of them. */
  reasons: (readonly string[])[];
}

/** Kubernetes: `DryRunPreemption`. It goes on until one was found that breaks no budget. */
function search(pod: Pod, snapshot: Snapshot, attempt: FailedAttempt): Found {
  const nodes = snapshot.nodes.filter(({ name }) => attempt.refusals.get(name)?.preemptionMayHelp);
  const enough = Math.max(CANDIDATES_MIN, Math.floor(nodes.length * CANDIDATES_PERCENT_MIN / 100));
  const budgets = new Budgets(snapshot.view, snapshot.condemned);
  const found: Found = { candidates: [], reasons: [] };
  let looked = 0;
  for (const node of nodes) {
    const result = victimsOn(node, pod, snapshot, attempt, budgets);
    looked += node.pods.size;
    if ("reasons" in result) found.reasons.push(result.reasons);
    else if (result.victims.length > 0) found.candidates.push(result);
    const isSafe = found.candidates.some(({ violations }) => violations === 0);
    if (isSafe && (found.candidates.length >= enough || looked > PODS_MAX)) break;
  }
  return found;
}
