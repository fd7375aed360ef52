import type { View } from "../client/client.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";

/** The cluster at the moment of a decision. Plugins read it and keep no reference to it. */
export interface Snapshot {
  /** Ordered by name. */
  readonly nodes: readonly NodeState[];
  readonly view: View;
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
