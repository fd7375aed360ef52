import type { Pod } from "../resources/core/pods/pods.ts";
import type { Filter, Plugin, Preemption, Refusal, Score } from "./plugin.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Up to so many nodes, all are looked at. Kubernetes: `minFeasibleNodesToFind`. */
const FEASIBLE_MIN = 100;
const PERCENT_MIN = 5;

export type Placement = { node: string } | Unschedulable;

/** A pod fits nowhere now. */
export interface Unschedulable {
  /** Why, in Kubernetes' words. */
  message: string;
  /** The plugins that have refused a node; none when there is no node. */
  refusers: ReadonlySet<Plugin>;
  /** What would make it fit. */
  preemption: Preemption | undefined;
}

/**
 * Chooses the best node for a pod, or says why there is none.
 *
 * Nodes are looked at from the one at `start` on, round about. In a large cluster the search ends when enough
 * nodes have been found that would do (`numFeasibleNodesToFind` of kube-scheduler), so callers move `start` on.
 * Of equally good nodes the first wins.
 */
export function place(
  pod: Pod,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  start = 0,
): Placement {
  const { nodes } = snapshot;
  const filters = questionsOf(plugins, ({ filter }) => filter?.(pod, snapshot));
  const enough = feasibleMax(nodes.length);
  const feasible: NodeState[] = [];
  const refused: RefusedNode[] = [];
  for (let i = 0; i < nodes.length && feasible.length < enough; i++) {
    const node = nodes[(start + i) % nodes.length]!;
    const refusal = refusedBy(filters, node);
    if (refusal === undefined) feasible.push(node);
    else refused.push(refusal);
  }
  if (feasible.length === 0) return unschedulable(pod, snapshot, plugins, refused);
  const scores = questionsOf(plugins, ({ score }) => score?.(pod, snapshot));
  return { node: best(feasible, scores).name };
}

/** How many nodes that would do are enough to choose from. */
export function feasibleMax(count: number): number {
  if (count <= FEASIBLE_MIN) return count;
  const percent = Math.max(PERCENT_MIN, 50 - Math.floor(count / 125));
  return Math.max(FEASIBLE_MIN, Math.floor(count * percent / 100));
}

/** What a plugin asks of every node. */
interface Question<F> {
  plugin: Plugin;
  weight: number;
  /** Of the plugin's tallies. */
  index: number;
  ask: F;
}

function questionsOf<F>(
  plugins: readonly Plugin[],
  of: (plugin: Plugin) => F | undefined,
): Question<F>[] {
  return plugins.flatMap((plugin, index) => {
    const ask = of(plugin);
    return ask === undefined ? [] : [{ plugin, weight: plugin.weight ?? 1, index, ask }];
  });
}

interface RefusedNode extends Refusal {
  by: Plugin;
}

function refusedBy(
  filters: readonly Question<Filter>[],
  node: NodeState,
): RefusedNode | undefined {
  for (const filter of filters) {
    const refusal = filter.ask(node, node.tallies[filter.index]);
    if (refusal !== undefined) return { ...refusal, by: filter.plugin };
  }
  return undefined;
}

function best(feasible: readonly NodeState[], scores: readonly Question<Score>[]): NodeState {
  let [winner, highest] = [feasible[0]!, -Infinity];
  if (feasible.length === 1) return winner;
  for (const node of feasible) {
    let total = 0;
    for (const { weight, index, ask } of scores) total += weight * ask(node, node.tallies[index]);
    if (total > highest) [winner, highest] = [node, total];
  }
  return winner;
}

function unschedulable(
  pod: Pod,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  refused: readonly RefusedNode[],
): Unschedulable {
  let preemption: Preemption | undefined;
  for (const plugin of plugins) preemption ??= plugin.preempt?.(pod, snapshot);
  return {
    message: refused.length === 0 ? "no nodes available to schedule pods" : explain(pod, refused),
    refusers: new Set(refused.map(({ by }) => by)),
    preemption,
  };
}

/** Kubernetes: `FitError.Error` in `pkg/scheduler/framework/types.go`. */
function explain({ spec }: Pod, refusals: readonly Refusal[]): string {
  const none = `0/${refusals.length} nodes are available`;
  const reasons = histogram(refusals.flatMap((refusal) => refusal.reasons));
  if (spec.preemptionPolicy === "Never") {
    return `${none}: ${reasons}. preemption: not eligible due to preemptionPolicy=Never.`;
  }
  const preemption = histogram(
    refusals.map(({ preemptionMayHelp }) =>
      preemptionMayHelp
        ? "No preemption victims found for incoming pod"
        : "Preemption is not helpful for scheduling"
    ),
  );
  return `${none}: ${reasons}. preemption: ${none}: ${preemption}.`;
}

function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
}
