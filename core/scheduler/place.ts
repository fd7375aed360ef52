import type { Pod } from "../resources/core/pods/pods.ts";
import type { NodeState } from "./node_states.ts";
import type { Filter, Plugin, Refusal, Score } from "./plugin.ts";

/** Up to so many nodes, all are looked at. Kubernetes: `minFeasibleNodesToFind`. */
const FEASIBLE_MIN = 100;
const PERCENT_MIN = 5;

export type Placement = { node: string } | { unschedulable: string };

/**
 * Chooses the best node for a pod, or says why there is none, in Kubernetes' words.
 *
 * `states` are looked at from `from` on, round about. In a large cluster the search ends when enough nodes
 * have been found that would do (`numFeasibleNodesToFind` of kube-scheduler), so callers move `from` on.
 * Of equally good nodes the first wins.
 */
export function place(
  pod: Pod,
  states: readonly NodeState[],
  plugins: readonly Plugin[],
  from = 0,
): Placement {
  if (states.length === 0) return { unschedulable: "no nodes available to schedule pods" };
  const filters = plugins.flatMap((plugin) => plugin.filter?.(pod) ?? []);
  const enough = feasibleMax(states.length);
  const feasible: NodeState[] = [];
  const refusals: Refusal[] = [];
  for (let i = 0; i < states.length && feasible.length < enough; i++) {
    const state = states[(from + i) % states.length]!;
    const refusal = firstRefusal(filters, state);
    if (refusal === undefined) feasible.push(state);
    else refusals.push(refusal);
  }
  if (feasible.length === 0) return { unschedulable: explain(pod, refusals) };
  return { node: best(feasible, scoresOf(pod, plugins)).name };
}

/** How many nodes that would do are enough to choose from. */
export function feasibleMax(count: number): number {
  if (count <= FEASIBLE_MIN) return count;
  const percent = Math.max(PERCENT_MIN, 50 - Math.floor(count / 125));
  return Math.max(FEASIBLE_MIN, Math.floor(count * percent / 100));
}

function firstRefusal(filters: readonly Filter[], state: NodeState): Refusal | undefined {
  for (const filter of filters) {
    const refusal = filter(state);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function scoresOf(pod: Pod, plugins: readonly Plugin[]): Score[] {
  return plugins.flatMap(({ score, weight = 1 }) => {
    const raw = score?.(pod);
    if (raw === undefined) return [];
    return [weight === 1 ? raw : (state: NodeState) => weight * raw(state)];
  });
}

function best(feasible: readonly NodeState[], scores: readonly Score[]): NodeState {
  let [winner, highest] = [feasible[0]!, -Infinity];
  if (feasible.length === 1) return winner;
  for (const state of feasible) {
    let total = 0;
    for (const score of scores) total += score(state);
    if (total > highest) [winner, highest] = [state, total];
  }
  return winner;
}

/** Kubernetes: `FitError.Error` in `pkg/scheduler/framework/types.go`. */
function explain({ spec }: Pod, refusals: readonly Refusal[]): string {
  const none = `0/${refusals.length} nodes are available`;
  const reasons = histogram(refusals.flatMap((refusal) => refusal.reasons));
  if (spec.preemptionPolicy === "Never") {
    return `${none}: ${reasons}. preemption: not eligible due to preemptionPolicy=Never.`;
  }
  const hopes = histogram(
    refusals.map(({ couldHelpToPreempt }) =>
      couldHelpToPreempt
        ? "No preemption victims found for incoming pod"
        : "Preemption is not helpful for scheduling"
    ),
  );
  return `${none}: ${reasons}. preemption: ${none}: ${hopes}.`;
}

function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
}
