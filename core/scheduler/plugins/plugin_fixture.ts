import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { NodeStates } from "../node_states.ts";
import type { Plugin, Refusal } from "../plugin.ts";
import type { NodeState, Snapshot } from "../snapshot.ts";

const NO_SNAPSHOT = {} as Snapshot; // the built-in plugins read nothing but the node

/** What a test sets of a pod; all else is left out. */
export interface PodParts {
  labels?: object;
  ownerReferences?: readonly object[];
  containers?: readonly object[];
  [field: string]: unknown;
}

let podCount = 0;

export function podOf({ labels = {}, ownerReferences = [], ...spec }: PodParts = {}): Pod {
  const metadata = { name: "a", uid: `pod-${podCount++}`, labels, ownerReferences };
  return { metadata, spec: { containers: [], ...spec } } as unknown as Pod;
}

export function nodeOf(
  { labels = {}, spec = {}, allocatable = {} }: {
    labels?: object;
    spec?: object;
    allocatable?: object;
  } = {},
): Node {
  return { metadata: { name: "n", labels }, spec, status: { allocatable } } as unknown as Node;
}

/** A node with pods, and the tally that a plugin keeps of it. */
export class NodeUnderTest {
  readonly #states: NodeStates;
  readonly #state: NodeState;

  constructor(readonly plugin: Plugin, node: Node, pods: readonly Pod[] = []) {
    this.#states = new NodeStates([plugin]);
    this.#state = this.#states.setNode(node)!.state;
    for (const pod of pods) this.#states.place(pod, "n");
  }

  remove({ metadata }: Pod): void {
    this.#states.release(metadata.uid);
  }

  /** Why the plugin refuses the pod; `undefined` when it does not. */
  refusal(pod: Pod): Refusal | "no opinion" | undefined {
    const filter = this.plugin.filter!(pod, NO_SNAPSHOT);
    if (filter === undefined) return "no opinion";
    return filter(this.#state, this.#state.tallies[0]);
  }

  score(pod: Pod): number | "no opinion" {
    const score = this.plugin.score!(pod, NO_SNAPSHOT);
    return score === undefined ? "no opinion" : score(this.#state, this.#state.tallies[0]);
  }
}
