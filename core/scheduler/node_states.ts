import { isEqual } from "../lib/equality.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { Plugin, WakeHints } from "./plugin.ts";
import type { NodeState } from "./snapshot.ts";

/** Something that has changed on a node. `state` is as it is now. */
export interface NodeChange {
  type: Exclude<keyof WakeHints, "objectChanged">;
  state: NodeState;
}

/** A node, or the name of one that does not exist (yet, or any more) and still has pods. */
interface Kept {
  name: string;
  node: Node | undefined;
  pods: Map<string, Pod>;
  tallies: unknown[];
}

/**
 * The nodes, the pods that count on each, and what the plugins keep of them, up to date change by change, so that
 * placing a pod does not look at all other pods. A pod can be counted before its binding can be seen.
 */
export class NodeStates {
  readonly #plugins: readonly Plugin[];
  readonly #states = new Map<string, Kept>();
  /** By the uid of a pod. */
  readonly #places = new Map<string, Kept>();
  #known: readonly NodeState[] | undefined;

  constructor(plugins: readonly Plugin[]) {
    this.#plugins = plugins;
  }

  /** The nodes that exist, always in the same order while none comes or goes. */
  all(): readonly NodeState[] {
    this.#known ??= [...this.#states.values()].filter(isKnown)
      .sort((a, b) => a.name < b.name ? -1 : 1);
    return this.#known;
  }

  /** Gives the change if it is one that can matter to pods. */
  setNode(node: Node): NodeChange | undefined {
    const state = this.#stateOf(node.metadata.name);
    const before = state.node;
    state.node = node;
    state.tallies = this.#plugins.map(({ tally }) => {
      const begun = tally?.begin(node);
      for (const pod of state.pods.values()) tally?.add(begun, pod);
      return begun;
    });
    if (before === undefined) this.#known = undefined;
    else if (isEqual(whatMatters(before), whatMatters(node))) return undefined;
    return changeOf(before === undefined ? "nodeAdded" : "nodeChanged", state);
  }

  removeNode(name: string): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    state.node = undefined;
    this.#known = undefined;
    this.#forgetIfEmpty(state);
  }

  /** Counts a pod on a node, and no longer where, or as what, it was counted before. */
  place(pod: Pod, nodeName: string): readonly NodeChange[] {
    const { uid } = pod.metadata;
    const before = this.#places.get(uid);
    if (before?.name !== nodeName) {
      return [this.release(uid), this.#add(pod, this.#stateOf(nodeName))].filter(isChange);
    }
    if (countsAlike(before.pods.get(uid)!, pod)) {
      before.pods.set(uid, pod);
      return [];
    }
    this.#remove(uid, before);
    this.#add(pod, before);
    return [changeOf("podChanged", before)].filter(isChange);
  }

  /** Counts a pod nowhere. Gives the change if it was counted. */
  release(uid: string): NodeChange | undefined {
    const state = this.#places.get(uid);
    if (state === undefined) return undefined;
    this.#remove(uid, state);
    this.#places.delete(uid);
    this.#forgetIfEmpty(state);
    return changeOf("podRemoved", state);
  }

  #add(pod: Pod, state: Kept): NodeChange | undefined {
    state.pods.set(pod.metadata.uid, pod);
    this.#places.set(pod.metadata.uid, state);
    if (state.node === undefined) return undefined;
    this.#plugins.forEach(({ tally }, index) => tally?.add(state.tallies[index], pod));
    return changeOf("podAdded", state);
  }

  #remove(uid: string, state: Kept): void {
    const pod = state.pods.get(uid)!;
    state.pods.delete(uid);
    if (state.node === undefined) return;
    this.#plugins.forEach(({ tally }, index) => tally?.remove(state.tallies[index], pod));
  }

  #stateOf(name: string): Kept {
    const state = this.#states.get(name) ??
      { name, node: undefined, pods: new Map<string, Pod>(), tallies: [] };
    this.#states.set(name, state);
    return state;
  }

  #forgetIfEmpty({ name, node, pods }: Kept): void {
    if (node === undefined && pods.size === 0) this.#states.delete(name);
  }
}

function isKnown(state: Kept): state is Kept & { node: Node } {
  return state.node !== undefined;
}

/** What happens on a node that does not exist makes no pod fit. */
function changeOf(type: NodeChange["type"], state: Kept): NodeChange | undefined {
  return isKnown(state) ? { type, state } : undefined;
}

function isChange(change: NodeChange | undefined): change is NodeChange {
  return change !== undefined;
}

/** What of a node can keep a pod away. */
function whatMatters(
  { metadata: { labels }, spec: { taints, unschedulable }, status }: Node,
): unknown {
  const { allocatable, capacity } = status;
  return { labels, taints, unschedulable, amounts: allocatable ?? capacity };
}

/** Whether two versions of a pod have the same of what tallies may read. */
function countsAlike(a: Pod, b: Pod): boolean {
  return isEqual(countedPart(a), countedPart(b));
}

/** Whether the node is chosen or bound makes no difference. */
function countedPart({ spec, metadata }: Pod): unknown {
  const { labels, ownerReferences, deletionTimestamp } = metadata;
  return { ...spec, nodeName: undefined, labels, ownerReferences, deletionTimestamp };
}
