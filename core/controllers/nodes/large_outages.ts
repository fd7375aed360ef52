import type { View } from "../../client/client.ts";
import type { Moment } from "../../lib/clock.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { isOffline } from "../../resources/core/nodes/autonomy.ts";
import { type Node, nodes, type Taint } from "../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { earliest, type Loop, type Plan, plan, type Write } from "../runtime/controller.ts";
import { ownStayMs } from "./evictions.ts";
import { NodeCensus } from "./node_census.ts";
import { evictingTaintOf, evictingTaints, withTaints } from "./node_taints.ts";
import { HEARTBEAT_GRACE_MS } from "./nodes.ts";
import {
  areAllAway,
  EVICTION_LIMITS,
  type EvictionLimits,
  evictionRate,
  type Pace,
  paceAfter,
  paceAt,
} from "./zones.ts";

/** Nodes whose taints are taken off in one plan. */
const RELIEVED_MAX = 100;
const ALL = "nodes";

/** What differs from Kubernetes' defaults. */
export interface NodeLifecycleOptions extends Partial<EvictionLimits> {
  /** `--node-monitor-grace-period`: how long the agent of a node may be silent. */
  graceMs?: number;
}

/**
 * Gives nodes that are not ready the taint that evicts their pods: node by node, at a pace that goes down when much of
 * a zone is away. When every node of every zone is away it is the server that is cut off: the taints are taken off and
 * none is given. Once one is back, and after a start of the server, everything begins anew: the others have a whole
 * grace period to come back.
 *
 * A node that is `Offline` gets the taint only if a pod on it says itself for how long it would stay.
 *
 * https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
 */
export function largeOutageLoop(
  { graceMs = HEARTBEAT_GRACE_MS, ...given }: NodeLifecycleOptions = {},
): Loop {
  const limits = { ...EVICTION_LIMITS, ...given };
  return {
    name: "node-controller",
    workers: 1,
    start(view, add) {
      const census = new NodeCensus();
      const outages = new Outages(view, census, { limits, graceMs });
      const stop = follow(view, census, () => add(ALL));
      add(ALL);
      return { reconcile: (_key, moment) => outages.look(moment), stop };
    },
  };
}

/** Keeps the census up to date. */
function follow(view: View, census: NodeCensus, look: () => void): () => void {
  const note = (node: Node) => {
    if (census.note(node, !isOffline(node) || hasPodToEvict(node, view))) look();
  };
  const stops = [
    view.subscribe(nodes, ({ type, object }) => {
      if (type !== "DELETED") return note(object);
      census.forget(object.metadata.name);
      look();
    }),
    view.subscribe(pods, ({ type, object: { spec: { nodeName } } }) => {
      if (type === "DELETED" || nodeName === undefined) return;
      const node = view.get(nodes, { name: nodeName });
      if (node && isOffline(node)) note(node);
    }),
  ];
  for (const node of view.list(nodes)) note(node);
  return () => stops.forEach((stop) => stop());
}

/** Whether a pod on a node that is left alone says itself for how long it would stay. */
function hasPodToEvict({ metadata: { name } }: Node, view: View): boolean {
  return view.by(pods, "node", name).some((pod: Pod) => ownStayMs(pod) !== undefined);
}

/** Decides whose pods are evicted next. */
class Outages {
  readonly #view: View;
  readonly #census: NodeCensus;
  readonly #limits: EvictionLimits;
  readonly #graceMs: number;
  readonly #paces = new Map<string, Pace>();
  #areAllAway = false;
  /** When everything began anew. */
  #anewMs: number | undefined;

  constructor(
    view: View,
    census: NodeCensus,
    { limits, graceMs }: { limits: EvictionLimits; graceMs: number },
  ) {
    this.#view = view;
    this.#census = census;
    this.#limits = limits;
    this.#graceMs = graceMs;
  }

  look({ nowMs, elapsedMs }: Moment): Plan {
    const wereAllAway = this.#areAllAway;
    this.#areAllAway = areAllAway(this.#census.zones.values());
    if (this.#anewMs === undefined || (wereAllAway && !this.#areAllAway)) this.#anewMs = elapsedMs;
    this.#setPaces(elapsedMs);
    if (this.#areAllAway) return plan(this.#relief());
    const quietMs = this.#anewMs + this.#graceMs - elapsedMs;
    return quietMs > 0 ? plan(this.#relief(), quietMs) : this.#evictions({ nowMs, elapsedMs });
  }

  /** A zone all whose nodes are not counted has no outages. */
  #setPaces(elapsedMs: number): void {
    const { zones, waiting } = this.#census;
    for (const [zone, { nextMs }] of this.#paces) {
      if (!zones.has(zone) && nextMs <= elapsedMs) this.#paces.delete(zone);
    }
    for (const zone of new Set([...zones.keys(), ...waiting.keys()])) {
      const rate = this.#areAllAway ? 0 : evictionRate(zones.get(zone), this.#limits);
      this.#paces.set(zone, paceAt(rate, this.#paces.get(zone), elapsedMs));
    }
  }

  /** Takes the taints off. */
  #relief(): Write[] {
    const writes: Write[] = [];
    for (const name of this.#census.tainted) {
      const node = this.#view.get(nodes, { name });
      if (node === undefined) continue;
      const taken = evictingTaints(node.spec.taints);
      writes.push(withTaints(node, node.spec.taints!.filter((taint) => !taken.includes(taint))));
      if (writes.length === RELIEVED_MAX) break;
    }
    return writes;
  }

  /** The first node of each zone whose turn it is. */
  #evictions({ nowMs, elapsedMs }: Moment): Plan {
    const writes: Write[] = [];
    let nextMs: number | undefined;
    for (const [zone, [name]] of this.#census.waiting) {
      const pace = this.#paces.get(zone)!;
      const node = this.#view.get(nodes, { name: name! });
      const taint = node && evictingTaintOf(node);
      if (pace.nextMs > elapsedMs) nextMs = earliest(nextMs, pace.nextMs);
      else if (node && taint) {
        writes.push(withEvictingTaint(node, { ...taint, timeAdded: timestamp(nowMs) }));
        this.#paces.set(zone, paceAfter(pace, elapsedMs));
      }
    }
    const waits = nextMs !== undefined && Number.isFinite(nextMs);
    return plan(writes, waits ? nextMs! - elapsedMs : undefined);
  }
}

function withEvictingTaint(node: Node, taint: Taint): Write {
  const { taints = [] } = node.spec;
  const former = evictingTaints(taints);
  return withTaints(node, [...taints.filter((each) => !former.includes(each)), taint]);
}
