import type { View } from "../client/client.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";

/** The cluster at the moment of a decision. Plugins read it and keep no reference to it. */
export interface Snapshot {
  /** Ordered by name. */
  readonly nodes: readonly NodeState[];
  readonly view: View;
}

/** A node with the pods that count on it: those that are bound to it, and those that are about to be. */
export interface NodeState {
  readonly name: string;
  readonly node: Node;
  /** By uid; without those that have finished. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Of each plugin by its place in the list; `undefined` for a plugin that keeps none. */
  readonly tallies: readonly unknown[];
}
