import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import type { View } from "../../client/client.ts";
import { TestCluster } from "../../controllers/test_cluster.ts";
import { NodeStates } from "../node_states.ts";
import { Nominations } from "../nominations.ts";
import type { Plugin, Refusal } from "../plugin.ts";
import type { NodeState, Snapshot } from "../snapshot.ts";

/** A snapshot of nodes, as the scheduler would show it to plugins. */
export function snapshotOf(
  states: NodeStates,
  {
    view = new TestCluster(),
    nominations = new Nominations(),
    condemned = new Map<string, unknown>(),
  }: { view?: View; nominations?: Nominations; condemned?: ReadonlyMap<string, unknown> } = {},
): Snapshot {
  return {
    nodes: states.all(),
    view,
    condemned,
    nodeNamed: (name) => states.get(name),
    nominatedOn: (node) => nominations.on(node),
    tryOn: (node, decide) => states.tryOn(node, decide),
  };
}

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

/** Nodes with pods, and the tallies that a plugin keeps of them. The first node is the one in question. */
export class NodeUnderTest {
  readonly states: NodeStates;
  readonly snapshot: Snapshot;
  readonly #state: NodeState;

  constructor(readonly plugin: Plugin, node: Node, pods: readonly Pod[] = [], view?: View) {
    this.states = new NodeStates([plugin]);
    this.#state = this.states.setNode(node)!.state;
    for (const pod of pods) this.states.place(pod, "n");
    this.snapshot = snapshotOf(this.states, view && { view });
  }

  remove({ metadata }: Pod): void {
    this.states.release(metadata.uid);
  }

  get #cluster(): unknown {
    return this.states.clusterTallies[0];
  }

  /** Why the plugin refuses the pod; `undefined` when it does not. */
  refusal(pod: Pod): Refusal | "no opinion" | undefined {
    const filter = this.plugin.filter!(pod, this.snapshot, this.#cluster);
    if (filter === undefined) return "no opinion";
    return filter(this.#state, this.#state.tallies[0]);
  }

  /** As the plugin gives it, before all scores are brought to one range. */
  score(pod: Pod): number | "no opinion" {
    const nodes = this.states.all();
    const score = this.plugin.score!(pod, this.snapshot, this.#cluster, nodes);
    return score === undefined ? "no opinion" : score(this.#state, this.#state.tallies[0]);
  }
}
