import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Why a pod cannot run on a node, in Kubernetes' words. */
export interface Refusal {
  reasons: readonly string[];
  /** Whether it could, if other pods left the node. */
  preemptionMayHelp: boolean;
}

export type Filter<T = unknown> = (node: NodeState, tally: T) => Refusal | undefined;
export type Score<T = unknown> = (node: NodeState, tally: T) => number;

/** How a plugin sums up a node and the pods on it. The scheduler keeps the sum current, pod by pod. */
export interface Tally<T> {
  /** For a node without pods. When a node changes, its tally begins anew and every pod is added again. */
  begin(node: Node): T;
  /** Counts a pod in, in place. It reads names, spec, labels, owners and the time of deletion: the rest may be old. */
  add(tally: T, pod: Pod): void;
  /** Undoes `add`. */
  remove(tally: T, pod: Pod): void;
}

/** Whether a pod that the plugin has refused may fit after something has changed on a node. */
export type NodeHint<T = unknown> = (
  pod: Pod,
  snapshot: Snapshot,
  changed: NodeState,
  tally: T,
) => boolean;

/**
 * By kind of change: whether it may make a pod fit that the plugin has refused. A kind that is missing never does.
 * A hint that is wrongly `false` leaves the pod waiting; one that is wrongly `true` costs a look at it.
 *
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
 */
export interface WakeHints<T = unknown> {
  nodeAdded?: NodeHint<T>;
  /** Its labels, taints or amounts, or whether pods may be scheduled on it. */
  nodeChanged?: NodeHint<T>;
  podAdded?: NodeHint<T>;
  /** What counts of a pod on the node: its spec, labels, owners, or that it is being deleted. */
  podChanged?: NodeHint<T>;
  podRemoved?: NodeHint<T>;
  /** An object of {@linkcode Plugin.reads} has come, changed or gone. */
  objectChanged?: (pod: Pod, snapshot: Snapshot, changed: KubeObject) => boolean;
}

/** Pods to evict, so that a pod that fits nowhere will fit on a node. */
export interface Preemption {
  node: string;
  victims: readonly Pod[];
}

/**
 * One consideration in where a pod goes. All functions but those of the tally are pure.
 *
 * `filter` and `score` are asked once per pod and answer with a function that is asked once per node, so what
 * depends on the pod alone is worked out once. `undefined` means: no opinion on this pod.
 */
export interface Plugin<T = unknown> {
  /** As in Kubernetes, where there is one like it. */
  name: string;
  /** How much its score counts; 1 when absent. */
  weight?: number;
  tally?: Tally<T>;
  /** Kinds that it reads through the snapshot's view, besides nodes and pods. */
  reads?: readonly AnyResource[];
  /** Why the pod cannot run on a node; `undefined` when it can. */
  filter?(pod: Pod, snapshot: Snapshot): Filter<T> | undefined;
  /** What wakes the pods that the filter has refused; when absent, every change does. */
  wakes?: WakeHints<T>;
  /** How well the pod would be placed: 0 worst, 100 best. */
  score?(pod: Pod, snapshot: Snapshot): Score<T> | undefined;
  /** Asked for a pod that fits nowhere. The first plugin with an answer decides. */
  preempt?(pod: Pod, snapshot: Snapshot): Preemption | undefined;
}

/** A plugin with a tally, as an entry of a list. */
export function tallyingPlugin<T>(plugin: Plugin<T> & { tally: Tally<T> }): Plugin {
  return plugin as Plugin; // the scheduler gives each plugin no tallies but its own
}

/** A refusal that does not depend on other pods. */
export function refusal(reason: string): Refusal {
  return { reasons: [reason], preemptionMayHelp: false };
}

/** The hint of a filter that depends on the pod and one node only: whether that node is refused no longer. */
export function acceptedNow<T>(filter: NonNullable<Plugin<T>["filter"]>): NodeHint<T> {
  return (pod, snapshot, changed, tally) => filter(pod, snapshot)?.(changed, tally) === undefined;
}
