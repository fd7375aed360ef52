import { assert } from "../lib/assert.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { Filter, Plugin, Preemption, PreFilterResult, Refusal, Score } from "./plugin.ts";
import { explain } from "./refusal_messages.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Kubernetes: `minFeasibleNodesToFind`. */
const FEASIBLE_MIN = 100;
/** Kubernetes: `minFeasibleNodesPercentageToFind`. */
const PERCENT_MIN = 5;

export type Placement = Placed | Unschedulable;

export interface Placed {
  node: string;
  /** How many nodes were looked at. */
  examined: number;
}

/** The pod fits nowhere for now. */
export interface Unschedulable {
  /** Why, in Kubernetes' words. */
  message: string;
  /** The plugins that refused at least one node; empty when there are no nodes. */
  refusers: ReadonlySet<Plugin>;
  /** What would make room for it; `undefined` when no plugin can tell. */
  preemption: Preemption | undefined;
}

/** The plugins, and what they sum up of the cluster; both in the order of the plugins' tallies on each node. */
export interface PluginRun {
  readonly plugins: readonly Plugin[];
  readonly clusterTallies: readonly unknown[];
}

/**
 * Chooses the best node for a pod, or says why there is none.
 *
 * The node that is kept free for the pod is taken when it fits. Otherwise the search begins at the node with index
 * `start` and wraps around. In a large cluster it ends as soon as enough feasible nodes have been found
 * (`numFeasibleNodesToFind` of kube-scheduler), so callers advance `start` by the number of nodes that were examined.
 * Of equally good nodes the first wins.
 */
export function place(pod: Pod, snapshot: Snapshot, run: PluginRun, start = 0): Placement {
  if (snapshot.nodes.length === 0) return noNodes();
  const attempt = new Attempt(pod, snapshot, run);
  const { nominatedNodeName } = pod.status;
  const kept = nominatedNodeName && snapshot.nodeNamed(nominatedNodeName);
  if (attempt.refusedEverywhere === undefined && kept && attempt.refusalOn(kept) === undefined) {
    return { node: kept.name, examined: 1 };
  }
  const feasible = attempt.feasibleFrom(start);
  if (feasible.length === 0) return unschedulable(attempt);
  return { node: attempt.best(feasible).name, examined: attempt.examined };
}

function noNodes(): Unschedulable {
  const message = "no nodes available to schedule pods";
  return { message, refusers: new Set(), preemption: undefined };
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

/** One search for a node, and what it found out. */
class Attempt {
  readonly refusals = new Map<string, Refusal>();
  readonly refusers = new Set<Plugin>();
  /** Set when no node had to be looked at. */
  readonly refusedEverywhere: Refusal | undefined;
  examined = 0;
  readonly #filters: readonly PerNode<Filter>[];
  /** The only nodes that can do, and the plugins that say so. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #narrowing: readonly Plugin[];

  constructor(
    readonly pod: Pod,
    readonly snapshot: Snapshot,
    readonly run: PluginRun,
  ) {
    const { nodes, only, refusal, refusers } = preFiltered(pod, snapshot, run.plugins);
    this.#only = only;
    this.#narrowing = nodes;
    this.refusedEverywhere = refusal;
    refusers.forEach((plugin) => this.refusers.add(plugin));
    this.#filters = perNode(run, ({ filter }, cluster) => filter?.(pod, snapshot, cluster));
  }

  /**
   * Why the pod cannot run on a node as it is, or as it will be once pods of its own or a higher priority are there that
   * others make room for.
   */
  refusalOn(node: NodeState): Refusal | undefined {
    const { pod, snapshot } = this;
    const expected = snapshot.nominatedOn(node.name).filter(({ metadata, spec }) =>
      metadata.uid !== pod.metadata.uid && (spec.priority ?? 0) >= (pod.spec.priority ?? 0) &&
      !node.pods.has(metadata.uid)
    );
    if (expected.length > 0) {
      const refusal = snapshot.tryOn(node, (trial) => {
        expected.forEach((each) => trial.add(each));
        return this.#refusalNow(node);
      });
      if (refusal !== undefined) return refusal;
    }
    return this.#refusalNow(node);
  }

  #refusalNow(node: NodeState): Refusal | undefined {
    for (const { call, index, plugin } of this.#filters) {
      const refusal = call(node, node.tallies[index]);
      if (refusal === undefined) continue;
      this.refusers.add(plugin);
      return refusal;
    }
    return undefined;
  }

  /** As many nodes that will do as are enough; why others will not is kept. */
  feasibleFrom(start: number): NodeState[] {
    const { nodes } = this.snapshot;
    if (this.refusedEverywhere !== undefined) return [];
    const candidates = this.#only ? this.#narrowed(this.#only) : nodes;
    const enough = feasibleMax(candidates.length);
    const feasible: NodeState[] = [];
    for (let i = 0; i < candidates.length && feasible.length < enough; i++) {
      const node = candidates[(start + i) % candidates.length]!;
      const refusal = this.refusalOn(node);
      if (refusal === undefined) feasible.push(node);
      else this.refusals.set(node.name, refusal);
    }
    this.examined = feasible.length + this.refusals.size;
    return feasible;
  }

  #narrowed(only: ReadonlySet<string>): NodeState[] {
    const reason = `node(s) didn't satisfy plugin(s) [${
      this.#narrowing.map(({ name }) => name).sort().join(" ")
    }]`;
    const refusal = { reasons: [reason], preemptionMayHelp: false };
    this.#narrowing.forEach((plugin) => this.refusers.add(plugin));
    for (const { name } of this.snapshot.nodes) {
      if (!only.has(name)) this.refusals.set(name, refusal);
    }
    return [...only].sort().map((name) => this.snapshot.nodeNamed(name)).filter((node) =>
      node !== undefined
    );
  }

  best(feasible: readonly NodeState[]): NodeState {
    assert(feasible.length > 0, "A pod cannot be placed on none of no nodes");
    if (feasible.length === 1) return feasible[0]!;
    const { pod, snapshot } = this;
    const scores = perNode(
      this.run,
      ({ score }, cluster) => score?.(pod, snapshot, cluster, feasible),
    );
    const totals = new Float64Array(feasible.length);
    for (const score of scores) addScores(totals, score, feasible);
    let winner = 0;
    for (let i = 1; i < totals.length; i++) if (totals[i]! > totals[winner]!) winner = i;
    return feasible[winner]!;
  }
}

function addScores(
  totals: Float64Array,
  { plugin, weight, index, call }: PerNode<Score>,
  nodes: readonly NodeState[],
): void {
  const scores = new Float64Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    scores[i] = call(node, node.tallies[index]);
  }
  plugin.normalize?.(scores);
  for (let i = 0; i < scores.length; i++) totals[i]! += weight * scores[i]!;
}

function perNode<F>(
  { plugins, clusterTallies }: PluginRun,
  of: (plugin: Plugin, cluster: unknown) => F | undefined,
): PerNode<F>[] {
  return plugins.flatMap((plugin, index) => {
    const call = of(plugin, clusterTallies[index]);
    return call === undefined ? [] : [{ plugin, weight: plugin.weight ?? 1, index, call }];
  });
}

interface PreFiltered {
  /** The plugins that name the only nodes, and these nodes. */
  nodes: readonly Plugin[];
  only: ReadonlySet<string> | undefined;
  refusal: Refusal | undefined;
  refusers: readonly Plugin[];
}

/** Kubernetes: `RunPreFilterPlugins`. What preemption cannot help against ends the search at once. */
function preFiltered(pod: Pod, snapshot: Snapshot, plugins: readonly Plugin[]): PreFiltered {
  const nodes: Plugin[] = [];
  let only: ReadonlySet<string> | undefined;
  let refusal: Refusal | undefined;
  const refusers: Plugin[] = [];
  for (const plugin of plugins) {
    const result = plugin.preFilter?.(pod, snapshot);
    if (result === undefined) continue;
    if (isRefusal(result)) {
      refusers.push(plugin);
      if (!result.preemptionMayHelp) return { nodes, only, refusal: result, refusers };
      refusal = result;
      continue;
    }
    nodes.push(plugin);
    only = only === undefined ? result : only.intersection(result);
    if (only.size === 0) return { nodes, only, refusal: noneLeft(nodes), refusers: nodes };
  }
  return { nodes, only, refusal, refusers };
}

function isRefusal(result: PreFilterResult): result is Refusal {
  return "reasons" in result;
}

function noneLeft(plugins: readonly Plugin[]): Refusal {
  const names = plugins.map(({ name }) => name).sort();
  const reason = names.length === 1
    ? `node(s) didn't satisfy plugin ${names[0]}`
    : `node(s) didn't satisfy plugin(s) [${names.join(" ")}] simultaneously`;
  return { reasons: [reason], preemptionMayHelp: false };
}

function unschedulable(attempt: Attempt): Unschedulable {
  const { pod, snapshot, run, refusers, refusedEverywhere } = attempt;
  const count = snapshot.nodes.length;
  const refusals = refusedEverywhere === undefined
    ? attempt.refusals
    : new Map(snapshot.nodes.map(({ name }) => [name, refusedEverywhere]));
  const asked = { refusals, refusalOn: (node: NodeState) => attempt.refusalOn(node) };
  const kept = new Set(refusers); // dry runs of the preemption meet refusals of their own
  const preempting = run.plugins.find(({ preempt }) => preempt !== undefined);
  const preemption = preempting?.preempt?.(pod, snapshot, asked);
  const reasons = refusedEverywhere?.reasons ??
    [...refusals.values()].flatMap((refusal) => refusal.reasons);
  const message = explain({
    count,
    reasons,
    isForAll: refusedEverywhere !== undefined,
    preemption,
  });
  return { message, refusers: kept, preemption };
}
