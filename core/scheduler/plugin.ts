import type { Write } from "../controllers/runtime/controller.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Why a pod cannot run on a node, in Kubernetes' words. */
export interface Refusal {
  reasons: readonly string[];
  /** Whether it could if other pods left the node. */
  preemptionMayHelp: boolean;
}

export type Filter<T = unknown> = (node: NodeState, tally: T) => Refusal | undefined;
export type Score<T = unknown> = (node: NodeState, tally: T) => number;

/** How a plugin sums up a node and the pods on it. The scheduler keeps each tally current, pod by pod. */
export interface Tally<T> {
  /** The tally of a node without pods. When a node changes, its tally is rebuilt: begun, and every pod added. */
  begin(node: Node): T;
  /**
   * Adds a pod, in place. It may read the namespace, name, spec, labels, owners and deletion time; all else may be
   * outdated.
   */
  add(tally: T, pod: Pod): void;
  /** Undoes `add`. */
  remove(tally: T, pod: Pod): void;
}

/**
 * How a plugin sums up all nodes and the pods on them, for what no node can tell alone. The scheduler keeps it current,
 * node by node and pod by pod. When a node changes, its pods and the node are removed, and added again.
 */
export interface ClusterTally<C> {
  /** The tally of a cluster without nodes. */
  begin(): C;
  /** A node without pods. */
  addNode?(tally: C, node: Node): void;
  /** Undoes `addNode`. */
  removeNode?(tally: C, node: Node): void;
  /** Adds a pod that is on a node that was added. It may read of the pod what {@linkcode Tally.add} may. */
  add?(tally: C, pod: Pod, node: Node): void;
  /** Undoes `add`. */
  remove?(tally: C, pod: Pod, node: Node): void;
}

/** A change on a node, as a hint sees it. */
export interface HintedChange<T = unknown, C = unknown> {
  /** The node after the change. */
  node: NodeState;
  tally: T;
  cluster: C;
  /** The pod that came, changed or went; absent when the node itself changed. */
  pod?: Pod;
  /** What the pod, or the node, was before it changed. */
  podBefore?: Pod;
  nodeBefore?: Node;
}

/** Whether a pod that the plugin refused may fit after a change on a node. */
export type NodeHint<T = unknown, C = unknown> = (
  pod: Pod,
  snapshot: Snapshot,
  change: HintedChange<T, C>,
) => boolean;

/**
 * For each type of change: whether it may make a pod fit that the plugin refused. A type that is absent never does.
 * A hint that is wrongly `false` leaves the pod waiting; one that is wrongly `true` only costs another attempt.
 *
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
 */
export interface WakeHints<T = unknown, C = unknown> {
  nodeAdded?: NodeHint<T, C>;
  /** Its labels, taints, allocatable amounts, or whether it is cordoned. */
  nodeChanged?: NodeHint<T, C>;
  podAdded?: NodeHint<T, C>;
  /** The spec, labels or owners of a pod on the node, or that it is being deleted. */
  podChanged?: NodeHint<T, C>;
  podRemoved?: NodeHint<T, C>;
  /** An object of a kind in {@linkcode Plugin.reads} was created, changed or deleted. */
  objectChanged?: (pod: Pod, snapshot: Snapshot, changed: KubeObject) => boolean;
}

/** What is known before any node has been looked at: why none will do, or the names of the only ones that can. */
export type PreFilterResult = Refusal | ReadonlySet<string>;

/** An attempt to find a node for a pod that has failed. */
export interface FailedAttempt {
  /** Why each node was refused. */
  refusals: ReadonlyMap<string, Refusal>;
  /** Why the pod cannot run on a node, as its pods are at the moment; `undefined` when it can. */
  refusalOn(node: NodeState): Refusal | undefined;
}

/** What becomes of a pod that fits nowhere. */
export type Preemption =
  /** These pods are evicted so that the pod will fit on `node`, which is kept free for it. */
  | { node: string; victims: readonly Pod[] }
  /** Why no pods are evicted, in Kubernetes' words; the node that is kept free stays so, or is given up. */
  | { none: string; keepsNomination: boolean };

/**
 * One consideration in where a pod goes. All functions but those of the tallies are pure.
 *
 * `filter` and `score` are called once per pod and return a function that is called once per node, so what depends
 * on the pod alone is computed once. `undefined` means: no opinion on this pod. What they return may be called again
 * after pods came or went on nodes, so it reads the tallies when it is called.
 */
export interface Plugin<T = unknown, C = unknown> {
  /** As in Kubernetes, where there is one like it. */
  name: string;
  /** How much its score counts; 1 when absent. */
  weight?: number;
  tally?: Tally<T>;
  clusterTally?: ClusterTally<C>;
  /** Kinds that it reads through the snapshot's view, besides nodes and pods. */
  reads?: readonly AnyResource[];
  /** Called before the filters; `undefined` leaves all nodes to them. The reason of a refusal is the pod's message. */
  preFilter?(pod: Pod, snapshot: Snapshot): PreFilterResult | undefined;
  /** Why the pod cannot run on a node; `undefined` when it can. */
  filter?(pod: Pod, snapshot: Snapshot, cluster: C): Filter<T> | undefined;
  /** Which changes wake pods that the filter refused; when absent, every change does. */
  wakes?: WakeHints<T, C>;
  /**
   * How well the pod would be placed: 0 worst, 100 best; or any number, where there is `normalize`. `feasible`: the
   * nodes that will be compared, two or more.
   */
  score?(
    pod: Pod,
    snapshot: Snapshot,
    cluster: C,
    feasible: readonly NodeState[],
  ): Score<T> | undefined;
  /** Brings the scores of all nodes to the range from 0 to 100, in place. */
  normalize?(scores: Float64Array): void;
  /**
   * What has to be there before the pod is bound to the node that was chosen: the writes that lead to it, or none when
   * they were done before. The pod keeps its place, and is looked at again when {@linkcode WakeHints.objectChanged} says
   * so. `undefined`: nothing is missing.
   */
  preBind?(pod: Pod, node: Node, snapshot: Snapshot): readonly Write[] | undefined;
  /** Called for a pod that fits nowhere. The first plugin that has one decides. */
  preempt?(pod: Pod, snapshot: Snapshot, attempt: FailedAttempt): Preemption;
}

/** A plugin with tallies, typed as an entry of a list. */
export function tallyingPlugin<T, C = unknown>(plugin: Plugin<T, C>): Plugin {
  return plugin as Plugin; // the scheduler passes each plugin only its own tallies
}

/** A refusal that does not depend on other pods. */
export function refusal(reason: string): Refusal {
  return { reasons: [reason], preemptionMayHelp: false };
}

/** A refusal that other pods are the reason of. */
export function refusalByPods(reason: string): Refusal {
  return { reasons: [reason], preemptionMayHelp: true };
}

/** The hint for a filter that depends on the pod and one node alone: whether it accepts the changed node. */
export function acceptedNow<T, C>(
  filter: NonNullable<Plugin<T, C>["filter"]>,
): NodeHint<T, C> {
  return (pod, snapshot, { node, tally, cluster }) =>
    filter(pod, snapshot, cluster)?.(node, tally) === undefined;
}

/** Kubernetes: `DefaultNormalizeScore`. The highest score becomes 100, the others their share of it. */
export function highestIsBest(scores: Float64Array): void {
  const highest = scores.reduce((most, score) => Math.max(most, score), 0);
  if (highest === 0) return;
  for (let i = 0; i < scores.length; i++) scores[i] = Math.floor(100 * scores[i]! / highest);
}

/** Kubernetes: `DefaultNormalizeScore`, reversed. */
export function lowestIsBest(scores: Float64Array): void {
  highestIsBest(scores);
  for (let i = 0; i < scores.length; i++) scores[i] = 100 - scores[i]!;
}
