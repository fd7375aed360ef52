import { isEqual } from "../lib/equality.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { Plugin, WakeHints } from "./plugin.ts";
import type { NodeState } from "./snapshot.ts";

/** A change on a node. `state` is the state after it. */
export interface NodeChange {
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
  #existing: readonly NodeState[] | undefined;

  constructor(plugins: readonly Plugin[]) {
    this.#plugins = plugins;
  }

  /** The nodes that exist, by name. The same list as long as none comes or goes. */
  all(): readonly NodeState[] {
    this.#existing ??= [...this.#states.values()].filter(exists)
      .sort((a, b) => a.name < b.name ? -1 : 1);
    return this.#existing;
  }

  /** Returns the change if it can matter to a pod. */
  setNode(node: Node): NodeChange | undefined {
    const state = this.#stateOf(node.metadata.name);
    const before = state.node;
    state.node = node;
    state.tallies = this.#plugins.map(({ tally }) => {
      const begun = tally?.begin(node);
      for (const pod of state.pods.values()) tally?.add(begun, pod);
      return begun;
    });
    if (before === undefined) this.#existing = undefined;
    else if (isEqual(whatMatters(before), whatMatters(node))) return undefined;
    return changeOf(before === undefined ? "nodeAdded" : "nodeChanged", state);
  }

  removeNode(name: string): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
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
    if (countAlike(before.pods.get(uid)!, pod)) {
      before.pods.set(uid, pod);
      return [];
    }
    this.#remove(uid, before);
    this.#add(pod, before);
    return [changeOf("podChanged", before)].filter(isChange);
  }

  /** Takes a pod off its node, if it has one. */
  release(uid: string): NodeChange | undefined {
    const state = this.#places.get(uid);
    if (state === undefined) return undefined;
    this.#remove(uid, state);
    this.#places.delete(uid);
    this.#forgetIfEmpty(state);
    return changeOf("podRemoved", state);
  }

  #add(pod: Pod, state: KeptState): NodeChange | undefined {
    state.pods.set(pod.metadata.uid, pod);
    this.#places.set(pod.metadata.uid, state);
    if (state.node === undefined) return undefined;
    this.#plugins.forEach(({ tally }, index) => tally?.add(state.tallies[index], pod));
    return changeOf("podAdded", state);
  }

  #remove(uid: string, state: KeptState): void {
    const pod = state.pods.get(uid)!;
    state.pods.delete(uid);
    if (state.node === undefined) return;
    this.#plugins.forEach(({ tally }, index) => tally?.remove(state.tallies[index], pod));
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
function changeOf(type: NodeChange["type"], state: KeptState): NodeChange | undefined {
  return exists(state) ? { type, state } : undefined;
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

/** Whether two versions of a pod are the same to tallies. */
function countAlike(a: Pod, b: Pod): boolean {
  return isEqual(countedPart(a), countedPart(b));
}

/** What tallies may read. The pod counts the same whether its node has been chosen or bound. */
function countedPart({ spec, metadata }: Pod): unknown {
  const { labels, ownerReferences, deletionTimestamp } = metadata;
  return { ...spec, nodeName: undefined, labels, ownerReferences, deletionTimestamp };
}
