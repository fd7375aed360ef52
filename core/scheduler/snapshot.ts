import type { View } from "../client/client.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";

/** The cluster at the moment of a decision. Plugins read it and keep no reference to it. */
export interface Snapshot {
  /** Ordered by name. */
  readonly nodes: readonly NodeState[];
  readonly view: View;
  /** The node of that name, if there is one. */
  nodeNamed(name: string): NodeState | undefined;
  /** Pods for which others are evicted from the node, see {@linkcode Preemption}. */
  nominatedOn(node: string): readonly Pod[];
  /** Pods that are to be evicted, by uid: they will leave their nodes. */
  readonly condemned: ReadonlyMap<string, unknown>;
  /**
   * Calls `decide` with pods added to a node, or taken from it, as it asks for; afterwards all is as before. What plugins
   * returned for a pod sees the pods that are there at the moment.
   */
  tryOn<R>(node: NodeState, decide: (trial: Trial) => R): R;
}

/** Changes of the pods on one node that are undone at the end. */
export interface Trial {
  add(pod: Pod): void;
  remove(pod: Pod): void;
}

/** A node with the pods that are bound to it, or are about to be. */
export interface NodeState {
  readonly name: string;
  readonly node: Node;
  /** By uid; without finished pods. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** One for each plugin, in the order of the list; `undefined` for a plugin that keeps none. */
  readonly tallies: readonly unknown[];
}
