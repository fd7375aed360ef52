import { isEqual } from "../lib/equality.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { HintedChange, Plugin, WakeHints } from "./plugin.ts";
import type { NodeState, Trial } from "./snapshot.ts";

/** A change on a node. `state` is the state after it. */
export interface NodeChange extends Omit<HintedChange, "node" | "tally" | "cluster"> {
  type: Exclude<keyof WakeHints, "objectChanged">;
  state: NodeState;
}

/** A node, or the name of one that has pods but does not exist (yet, or any longer). */
interface KeptState {
  name: string;
  node: Node | undefined;
  pods: Map<string, Pod>;
  tallies: unknown[];
}

/**
 * The nodes, the pods on each, and the plugins' tallies, kept current change by change, so that placing a pod does
 * not read all other pods. A pod can be placed here before its binding is visible.
 */
export class NodeStates {
  readonly #plugins: readonly Plugin[];
  readonly #states = new Map<string, KeptState>();
  /** By the uid of a pod. */
  readonly #places = new Map<string, KeptState>();
  /** The plugins' tallies of the cluster, one for each plugin. */
  readonly clusterTallies: readonly unknown[];
  #existing: readonly NodeState[] | undefined;

  constructor(plugins: readonly Plugin[]) {
    this.#plugins = plugins;
    this.clusterTallies = plugins.map(({ clusterTally }) => clusterTally?.begin());
  }

  /** The nodes that exist, by name. The same list as long as none comes or goes. */
  all(): readonly NodeState[] {
    this.#existing ??= [...this.#states.values()].filter(exists)
      .sort((a, b) => a.name < b.name ? -1 : 1);
    return this.#existing;
  }

  /** The node of that name, if it exists. */
  get(name: string): NodeState | undefined {
    const state = this.#states.get(name);
    return state && exists(state) ? state : undefined;
  }

  /** Returns the change if it can matter to a pod. */
  setNode(node: Node): NodeChange | undefined {
    const state = this.#stateOf(node.metadata.name);
    const before = state.node;
    const isCountedAnew = before === undefined ||
      !isEqual(whatIsCounted(before), whatIsCounted(node));
    if (isCountedAnew) this.#leaveCluster(state);
    state.node = node;
    state.tallies = this.#plugins.map(({ tally }) => {
      const begun = tally?.begin(node);
      for (const pod of state.pods.values()) tally?.add(begun, pod);
      return begun;
    });
    if (isCountedAnew) this.#enterCluster(state);
    if (before === undefined) this.#existing = undefined;
    else if (isEqual(whatMatters(before), whatMatters(node))) return undefined;
    return before === undefined
      ? changeOf("nodeAdded", state)
      : changeOf("nodeChanged", state, { nodeBefore: before });
  }

  removeNode(name: string): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    this.#leaveCluster(state);
    state.node = undefined;
    this.#existing = undefined;
    this.#forgetIfEmpty(state);
  }

  /** Puts a pod on a node, in place of where, or as what version, it was before. */
  place(pod: Pod, nodeName: string): readonly NodeChange[] {
    const { uid } = pod.metadata;
    const before = this.#places.get(uid);
    if (before?.name !== nodeName) {
      return [this.release(uid), this.#add(pod, this.#stateOf(nodeName))].filter(isChange);
    }
    const podBefore = before.pods.get(uid)!;
    if (countAlike(podBefore, pod)) {
      before.pods.set(uid, pod);
      return [];
    }
    this.#remove(uid, before);
    this.#add(pod, before);
    return [changeOf("podChanged", before, { pod, podBefore })].filter(isChange);
  }

  /** Takes a pod off its node, if it has one. */
  release(uid: string): NodeChange | undefined {
    const state = this.#places.get(uid);
    if (state === undefined) return undefined;
    const pod = this.#remove(uid, state);
    this.#forgetIfEmpty(state);
    return changeOf("podRemoved", state, { pod });
  }

  /** Calls `decide` with pods added to a node, or taken from it; afterwards all is as before. */
  tryOn<R>({ name }: NodeState, decide: (trial: Trial) => R): R {
    const state = this.#states.get(name)!;
    const pods = new Map(state.pods);
    const trial: Trial = {
      add: (pod) => void this.#add(pod, state),
      remove: ({ metadata }) => void this.#remove(metadata.uid, state),
    };
    try {
      return decide(trial);
    } finally {
      this.#restore(state, pods);
    }
  }

  /** The order of the pods matters to no tally, but is kept. */
  #restore(state: KeptState, pods: Map<string, Pod>): void {
    for (const uid of [...state.pods.keys()]) if (!pods.has(uid)) this.#remove(uid, state);
    for (const [uid, pod] of pods) if (!state.pods.has(uid)) this.#add(pod, state);
    state.pods.clear();
    for (const [uid, pod] of pods) state.pods.set(uid, pod);
  }

  #add(pod: Pod, state: KeptState): NodeChange | undefined {
    state.pods.set(pod.metadata.uid, pod);
    this.#places.set(pod.metadata.uid, state);
    const { node } = state;
    if (node === undefined) return undefined;
    this.#plugins.forEach(({ tally, clusterTally }, index) => {
      tally?.add(state.tallies[index], pod);
      clusterTally?.add?.(this.clusterTallies[index], pod, node);
    });
    return changeOf("podAdded", state, { pod });
  }

  #remove(uid: string, state: KeptState): Pod {
    const pod = state.pods.get(uid)!;
    state.pods.delete(uid);
    this.#places.delete(uid);
    const { node } = state;
    if (node === undefined) return pod;
    this.#plugins.forEach(({ tally, clusterTally }, index) => {
      tally?.remove(state.tallies[index], pod);
      clusterTally?.remove?.(this.clusterTallies[index], pod, node);
    });
    return pod;
  }

  #enterCluster(state: KeptState): void {
    const { node } = state;
    if (node === undefined) return;
    this.#plugins.forEach(({ clusterTally }, index) => {
      const tally = this.clusterTallies[index];
      clusterTally?.addNode?.(tally, node);
      if (clusterTally?.add === undefined) return;
      for (const pod of state.pods.values()) clusterTally.add(tally, pod, node);
    });
  }

  #leaveCluster(state: KeptState): void {
    const { node } = state;
    if (node === undefined) return;
    this.#plugins.forEach(({ clusterTally }, index) => {
      const tally = this.clusterTallies[index];
      if (clusterTally?.remove !== undefined) {
        for (const pod of state.pods.values()) clusterTally.remove(tally, pod, node);
      }
      clusterTally?.removeNode?.(tally, node);
    });
  }

  #stateOf(name: string): KeptState {
    const state = this.#states.get(name) ??
      { name, node: undefined, pods: new Map<string, Pod>(), tallies: [] };
    this.#states.set(name, state);
    return state;
  }

  #forgetIfEmpty({ name, node, pods }: KeptState): void {
    if (node === undefined && pods.size === 0) this.#states.delete(name);
  }
}

function exists(state: KeptState): state is KeptState & { node: Node } {
  return state.node !== undefined;
}

/** A change on a node that does not exist makes no pod fit. */
function changeOf(
  type: NodeChange["type"],
  state: KeptState,
  about: Omit<NodeChange, "type" | "state"> = {},
): NodeChange | undefined {
  return exists(state) ? { type, state, ...about } : undefined;
}

function isChange(change: NodeChange | undefined): change is NodeChange {
  return change !== undefined;
}

/** The parts of a node that decide which pods it takes. */
function whatMatters(
  { metadata: { labels }, spec: { taints, unschedulable }, status }: Node,
): unknown {
  const { allocatable, capacity } = status;
  return { labels, taints, unschedulable, amounts: allocatable ?? capacity };
}

/** The parts of a node that tallies of the cluster may read. */
function whatIsCounted(
  { metadata: { labels }, spec: { taints }, status: { images } }: Node,
): unknown {
  return { labels, taints, images };
}

/**
 * Whether two versions of a pod are the same to tallies, the order of their fields included: tallies may keep what they
 * read under its JSON, and find it again only by the version that they were given.
 */
function countAlike(a: Pod, b: Pod): boolean {
  return isEqual(countedPart(a), countedPart(b)) &&
    (a.spec === b.spec && a.metadata.labels === b.metadata.labels ||
      JSON.stringify(countedPart(a)) === JSON.stringify(countedPart(b)));
}

/** What tallies may read. The pod counts the same whether its node has been chosen or bound. */
function countedPart({ spec, metadata }: Pod): unknown {
  const { labels, ownerReferences, deletionTimestamp } = metadata;
  return { ...spec, nodeName: undefined, labels, ownerReferences, deletionTimestamp };
}
