import { isEqual } from "../lib/equality.ts";
import { assert } from "../lib/assert.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { type Amounts, amountsOf, type Demand, demandOf, type HostPort } from "./demand.ts";

/** A node and what the pods that are, or are about to be, on it take. Read by plugins, written by NodeStates. */
export interface NodeState {
  readonly name: string;
  readonly node: Node;
  /** What pods may take in all, and what of it none has taken. */
  readonly allocatable: Amounts;
  readonly free: Amounts;
  /** The most asked for of `allocatable`, at hand. */
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly podsMax: number;
  readonly cpuMillisAssumed: number;
  readonly memoryBytesAssumed: number;
  readonly podCount: number;
  readonly hostPorts: readonly HostPort[];
  /** How many pods of each controller, by its uid. */
  readonly owners: ReadonlyMap<string, number>;
}

interface Kept {
  name: string;
  node: Node | undefined;
  allocatable: Amounts;
  /** Sums that numbers would round must be 0 again when all pods have gone. */
  used: Map<string, bigint>;
  free: Map<string, number>;
  cpuMillis: number;
  memoryBytes: number;
  podsMax: number;
  cpuMillisAssumed: number;
  memoryBytesAssumed: number;
  podCount: number;
  hostPorts: HostPort[];
  owners: Map<string, number>;
}

interface Place {
  node: string;
  demand: Demand;
  pod: Pod;
}

/**
 * What is used of each node, kept up to date change by change, so that placing a pod does not look at all
 * other pods. A pod can be counted before its binding can be seen.
 */
export class NodeStates {
  readonly #states = new Map<string, Kept>();
  readonly #places = new Map<string, Place>();
  #known: readonly NodeState[] | undefined;

  /** The nodes that exist, always in the same order while none comes or goes. */
  all(): readonly NodeState[] {
    this.#known ??= [...this.#states.values()].filter(isKnown)
      .sort((a, b) => a.name < b.name ? -1 : 1);
    return this.#known;
  }

  /** Takes note of a node. Gives whether pods that could not be placed may fit now. */
  setNode(node: Node): boolean {
    const state = this.#stateOf(node.metadata.name);
    const before = state.node;
    state.node = node;
    const allocatable = amountsOf(node.status.allocatable ?? node.status.capacity ?? {});
    state.allocatable = allocatable;
    state.cpuMillis = allocatable.get("cpu") ?? 0;
    state.memoryBytes = allocatable.get("memory") ?? 0;
    state.podsMax = allocatable.get("pods") ?? 0;
    state.free = new Map(allocatable);
    for (const [name, used] of state.used) {
      state.free.set(name, (allocatable.get(name) ?? 0) - Number(used));
    }
    if (before === undefined) this.#known = undefined;
    return before === undefined || !isEqual(whatMatters(before), whatMatters(node));
  }

  removeNode(name: string): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    state.node = undefined;
    this.#known = undefined;
    this.#forgetIfEmpty(state);
  }

  /** Counts a pod on a node, and no longer where it was counted before. */
  place(pod: Pod, nodeName: string): void {
    const before = this.#places.get(pod.metadata.uid);
    if (before?.node === nodeName && before.pod.spec === pod.spec) return;
    const demand = demandOf(pod);
    if (before !== undefined) this.#count(before, -1);
    const place = { node: nodeName, demand, pod };
    this.#places.set(pod.metadata.uid, place);
    this.#count(place, 1);
  }

  /** Counts a pod nowhere. Gives the node where it was counted. */
  release(uid: string): string | undefined {
    const place = this.#places.get(uid);
    if (place === undefined) return undefined;
    this.#places.delete(uid);
    this.#count(place, -1);
    return place.node;
  }

  #count({ node, demand }: Place, by: 1 | -1): void {
    const state = this.#stateOf(node);
    for (const [name, amount] of demand.amounts) {
      const used = (state.used.get(name) ?? 0n) + BigInt(by * amount);
      assert(used >= 0n, `${name} of node ${node} cannot be used ${used} times`);
      state.used.set(name, used);
      state.free.set(name, (state.allocatable.get(name) ?? 0) - Number(used));
    }
    state.cpuMillisAssumed += by * demand.cpuMillisAssumed;
    state.memoryBytesAssumed += by * demand.memoryBytesAssumed;
    state.podCount += by;
    if (by === 1) state.hostPorts.push(...demand.hostPorts);
    else state.hostPorts = without(state.hostPorts, demand.hostPorts);
    if (demand.owner !== undefined) {
      const count = (state.owners.get(demand.owner) ?? 0) + by;
      if (count === 0) state.owners.delete(demand.owner);
      else state.owners.set(demand.owner, count);
    }
    this.#forgetIfEmpty(state);
  }

  #stateOf(name: string): Kept {
    const state = this.#states.get(name) ?? {
      name,
      node: undefined,
      allocatable: new Map(),
      used: new Map(),
      free: new Map(),
      cpuMillis: 0,
      memoryBytes: 0,
      podsMax: 0,
      cpuMillisAssumed: 0,
      memoryBytesAssumed: 0,
      podCount: 0,
      hostPorts: [],
      owners: new Map(),
    };
    this.#states.set(name, state);
    return state;
  }

  #forgetIfEmpty(state: Kept): void {
    if (state.node === undefined && state.podCount === 0) this.#states.delete(state.name);
  }
}

function isKnown(state: Kept): state is Kept & { node: Node } {
  return state.node !== undefined;
}

/** What of a node can keep a pod away. */
function whatMatters(
  { metadata: { labels }, spec: { taints, unschedulable }, status }: Node,
): unknown {
  const { allocatable, capacity } = status;
  return { labels, taints, unschedulable, amounts: allocatable ?? capacity };
}

function without(all: readonly HostPort[], some: readonly HostPort[]): HostPort[] {
  const left = [...all];
  for (const port of some) {
    const index = left.findIndex((candidate) => isEqual(candidate, port));
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}
