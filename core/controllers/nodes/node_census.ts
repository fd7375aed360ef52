import type { Node } from "../../resources/core/nodes/nodes.ts";
import { evictingTaintOf, evictingTaints } from "./node_taints.ts";
import { hasState, isCounted, isNodeReady, type ZoneCounts, zoneOf } from "./zones.ts";

/** What matters of a node in an outage. */
interface NodeState {
  zone: string;
  /** Whether it is counted in its zone, and how. */
  counted: "ready" | "notReady" | "not counted";
  /** Its pods are to be evicted, and are not yet. */
  isWaiting: boolean;
  /** It has a taint of ours that evicts its pods. */
  isTainted: boolean;
}

/** Nodes by their zones, kept up to date node by node, so that no look goes through all of them. */
export class NodeCensus {
  readonly #nodes = new Map<string, NodeState>();
  readonly #zones = new Map<string, ZoneCounts>();
  readonly #waiting = new Map<string, Set<string>>();
  readonly #tainted = new Set<string>();

  /** Zones that have nodes which are counted. */
  get zones(): ReadonlyMap<string, ZoneCounts> {
    return this.#zones;
  }

  /** By zones: names of nodes whose pods are to be evicted and are not yet, the first one first; at least one each. */
  get waiting(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#waiting;
  }

  /** Names of nodes with a taint that evicts their pods. */
  get tainted(): Iterable<string> {
    return this.#tainted;
  }

  /** Takes a node as it is now. Gives whether anything of this has changed. `mayEvict`: whether it has pods to evict. */
  note(node: Node, mayEvict: boolean): boolean {
    const { name } = node.metadata;
    const before = this.#nodes.get(name);
    const next = stateOf(node, mayEvict);
    if (before !== undefined && isSame(before, next)) return false;
    this.#count(before, -1);
    this.#count(next, 1);
    this.#nodes.set(name, next);
    if (before?.zone !== next.zone || !next.isWaiting) this.#endWait(name, before);
    if (next.isWaiting) this.#beginWait(name, next);
    if (next.isTainted) this.#tainted.add(name);
    else this.#tainted.delete(name);
    return true;
  }

  forget(name: string): void {
    const before = this.#nodes.get(name);
    this.#count(before, -1);
    this.#endWait(name, before);
    this.#nodes.delete(name);
    this.#tainted.delete(name);
  }

  #beginWait(name: string, { zone }: NodeState): void {
    const names = this.#waiting.get(zone) ?? new Set();
    this.#waiting.set(zone, names.add(name));
  }

  #endWait(name: string, before: NodeState | undefined): void {
    const names = this.#waiting.get(before?.zone ?? "");
    if (names?.delete(name) && names.size === 0) this.#waiting.delete(before!.zone);
  }

  #count(state: NodeState | undefined, by: 1 | -1): void {
    if (state === undefined || state.counted === "not counted") return;
    const { ready, notReady } = this.#zones.get(state.zone) ?? { ready: 0, notReady: 0 };
    const next = state.counted === "ready"
      ? { ready: ready + by, notReady }
      : { ready, notReady: notReady + by };
    if (next.ready + next.notReady === 0) this.#zones.delete(state.zone);
    else this.#zones.set(state.zone, next);
  }
}

/** A node that has never said anything is counted as not ready, but has no pods to evict. */
function stateOf(node: Node, mayEvict: boolean): NodeState {
  const readiness = isNodeReady(node) ? "ready" : "notReady";
  const taint = evictingTaintOf(node);
  const present = evictingTaints(node.spec.taints);
  const isDone = present.some(({ key, value }) => key === taint?.key && value === taint?.value);
  return {
    zone: zoneOf(node),
    counted: isCounted(node) ? readiness : "not counted",
    isWaiting: mayEvict && hasState(node) && taint !== undefined && !isDone,
    isTainted: present.length > 0,
  };
}

function isSame(a: NodeState, b: NodeState): boolean {
  return a.zone === b.zone && a.counted === b.counted && a.isWaiting === b.isWaiting &&
    a.isTainted === b.isTainted;
}
