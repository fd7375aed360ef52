import type { Pod } from "../resources/core/pods/pods.ts";
import type { Filter, Plugin, Preemption, Refusal, Score } from "./plugin.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Kubernetes: `minFeasibleNodesToFind`. */
const FEASIBLE_MIN = 100;
/** Kubernetes: `minFeasibleNodesPercentageToFind`. */
const PERCENT_MIN = 5;

export type Placement = { node: string } | Unschedulable;

/** The pod fits nowhere for now. */
export interface Unschedulable {
  /** Why, in Kubernetes' words. */
  message: string;
  /** The plugins that refused at least one node; empty when there are no nodes. */
  refusers: ReadonlySet<Plugin>;
  /** What would make room for it. */
  preemption: Preemption | undefined;
}

/**
 * Chooses the best node for a pod, or says why there is none.
 *
 * The search begins at the node with index `start` and wraps around. In a large cluster it ends as soon as enough
 * feasible nodes have been found (`numFeasibleNodesToFind` of kube-scheduler), so callers advance `start`.
 * Of equally good nodes the first wins.
 */
export function place(
  pod: Pod,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  start = 0,
): Placement {
  const { nodes } = snapshot;
  const refusedEverywhere = refusedByPreFilters(pod, snapshot, plugins);
  if (refusedEverywhere !== undefined) return refusedEverywhere;
  const filters = perNode(plugins, ({ filter }) => filter?.(pod, snapshot));
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
  const scores = perNode(plugins, ({ score }) => score?.(pod, snapshot));
  return { node: best(feasible, scores).name };
}

/** The message is the plugin's reason, in place of the counts of nodes. Kubernetes: `Diagnosis.PreFilterMsg`. */
function refusedByPreFilters(
  pod: Pod,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
): Unschedulable | undefined {
  if (snapshot.nodes.length === 0) return undefined;
  for (const plugin of plugins) {
    const refusal = plugin.preFilter?.(pod, snapshot);
    if (refusal === undefined) continue;
    const refusals = snapshot.nodes.map(() => refusal);
    const message = explain(pod, refusals, refusal.reasons.join(", "));
    return { message, refusers: new Set([plugin]), preemption: undefined };
  }
  return undefined;
}

/** How many feasible nodes are enough to choose from, in a cluster of `count` nodes. */
export function feasibleMax(count: number): number {
  const percent = Math.max(PERCENT_MIN, 50 - Math.floor(count / 125));
  return Math.min(count, Math.max(FEASIBLE_MIN, Math.floor(count * percent / 100)));
}

/** A plugin's function for one pod, to be called with every node and the plugin's tally of it. */
interface PerNode<F> {
  plugin: Plugin;
  weight: number;
  /** Of the plugin, and so of its tally, in the list of each node. */
  index: number;
  call: F;
}

function perNode<F>(
  plugins: readonly Plugin[],
  of: (plugin: Plugin) => F | undefined,
): PerNode<F>[] {
  return plugins.flatMap((plugin, index) => {
    const call = of(plugin);
    return call === undefined ? [] : [{ plugin, weight: plugin.weight ?? 1, index, call }];
  });
}

interface RefusedNode extends Refusal {
  by: Plugin;
}

function refusedBy(
  filters: readonly PerNode<Filter>[],
  node: NodeState,
): RefusedNode | undefined {
  for (const filter of filters) {
    const refusal = filter.call(node, node.tallies[filter.index]);
    if (refusal !== undefined) return { ...refusal, by: filter.plugin };
  }
  return undefined;
}

function best(feasible: readonly NodeState[], scores: readonly PerNode<Score>[]): NodeState {
  let [winner, highest] = [feasible[0]!, -Infinity];
  if (feasible.length === 1) return winner;
  for (const node of feasible) {
    let total = 0;
    for (const { weight, index, call } of scores) total += weight * call(node, node.tallies[index]);
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
function explain(
  { spec }: Pod,
  refusals: readonly Refusal[],
  reasons = histogram(refusals.flatMap((refusal) => refusal.reasons)),
): string {
  const none = `0/${refusals.length} nodes are available`;
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
