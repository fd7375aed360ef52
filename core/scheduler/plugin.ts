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
  /** Adds a pod, in place. It may read the name, spec, labels, owners and deletion time; all else may be outdated. */
  add(tally: T, pod: Pod): void;
  /** Undoes `add`. */
  remove(tally: T, pod: Pod): void;
}

/** Whether a pod that the plugin refused may fit after a change on a node. */
export type NodeHint<T = unknown> = (
  pod: Pod,
  snapshot: Snapshot,
  changed: NodeState,
  tally: T,
) => boolean;

/**
 * For each type of change: whether it may make a pod fit that the plugin refused. A type that is absent never does.
 * A hint that is wrongly `false` leaves the pod waiting; one that is wrongly `true` only costs another attempt.
 *
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
 */
export interface WakeHints<T = unknown> {
  nodeAdded?: NodeHint<T>;
  /** Its labels, taints, allocatable amounts, or whether it is cordoned. */
  nodeChanged?: NodeHint<T>;
  podAdded?: NodeHint<T>;
  /** The spec, labels or owners of a pod on the node, or that it is being deleted. */
  podChanged?: NodeHint<T>;
  podRemoved?: NodeHint<T>;
  /** An object of a kind in {@linkcode Plugin.reads} was created, changed or deleted. */
  objectChanged?: (pod: Pod, snapshot: Snapshot, changed: KubeObject) => boolean;
}

/** Pods to evict so that a pod that fits nowhere will fit on `node`. */
export interface Preemption {
  node: string;
  victims: readonly Pod[];
}

/**
 * One consideration in where a pod goes. All functions but those of the tally are pure.
 *
 * `filter` and `score` are called once per pod and return a function that is called once per node, so what depends
 * on the pod alone is computed once. `undefined` means: no opinion on this pod.
 */
export interface Plugin<T = unknown> {
  /** As in Kubernetes, where there is one like it. */
  name: string;
  /** How much its score counts; 1 when absent. */
  weight?: number;
  tally?: Tally<T>;
  /** Kinds that it reads through the snapshot's view, besides nodes and pods. */
  reads?: readonly AnyResource[];
  /** Why the pod can run on no node at all; called before the filters. Its reason is the pod's message. */
  preFilter?(pod: Pod, snapshot: Snapshot): Refusal | undefined;
  /** Why the pod cannot run on a node; `undefined` when it can. */
  filter?(pod: Pod, snapshot: Snapshot): Filter<T> | undefined;
  /** Which changes wake pods that the filter refused; when absent, every change does. */
  wakes?: WakeHints<T>;
  /** How well the pod would be placed: 0 worst, 100 best. */
  score?(pod: Pod, snapshot: Snapshot): Score<T> | undefined;
  /**
   * What has to be there before the pod is bound to the node that was chosen: the writes that lead to it, or none when
   * they were done before. The pod keeps its place, and is looked at again when {@linkcode WakeHints.objectChanged} says
   * so. `undefined`: nothing is missing.
   */
  preBind?(pod: Pod, node: Node, snapshot: Snapshot): readonly Write[] | undefined;
  /** Called for a pod that fits nowhere. The first plugin that returns something decides. */
  preempt?(pod: Pod, snapshot: Snapshot): Preemption | undefined;
}

/** A plugin with a tally, typed as an entry of a list. */
export function tallyingPlugin<T>(plugin: Plugin<T> & { tally: Tally<T> }): Plugin {
  return plugin as Plugin; // the scheduler passes each plugin only its own tallies
}

/** A refusal that does not depend on other pods. */
export function refusal(reason: string): Refusal {
  return { reasons: [reason], preemptionMayHelp: false };
}

/** The hint for a filter that depends on the pod and one node alone: whether it accepts the changed node. */
export function acceptedNow<T>(filter: NonNullable<Plugin<T>["filter"]>): NodeHint<T> {
  return (pod, snapshot, changed, tally) => filter(pod, snapshot)?.(changed, tally) === undefined;
}
