import { conditionOf, isConditionTrue } from "../../resources/conditions.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";

/** The flags of Kubernetes' node lifecycle controller, with its defaults. */
export interface EvictionLimits {
  /** `--node-eviction-rate`: nodes a second whose pods are evicted, in each zone. */
  nodesPerSecond: number;
  /** `--secondary-node-eviction-rate`: the same in a large zone with an outage. */
  secondaryNodesPerSecond: number;
  /** `--unhealthy-zone-threshold`: share of nodes not ready from which on a zone has an outage. */
  unhealthyShare: number;
  /** `--large-cluster-size-threshold`: a zone with more nodes is large. */
  largeZoneNodes: number;
}

export const EVICTION_LIMITS: EvictionLimits = {
  nodesPerSecond: 0.1,
  secondaryNodesPerSecond: 0.01,
  unhealthyShare: 0.55,
  largeZoneNodes: 50,
};

/** Fewer nodes that are not ready are no outage of a zone while others of it are ready. */
const OUTAGE_NODES_MIN = 3;
/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
const EXCLUDED = "node.kubernetes.io/exclude-disruption";

export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

export interface ZoneCounts {
  ready: number;
  notReady: number;
}

/** Its region and its zone, the older labels first. Empty for a node without them. Kubernetes: `GetZoneKey`. */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const [region, zone] = ["region", "zone"].map((name) =>
    labels[`failure-domain.beta.kubernetes.io/${name}`] ??
      labels[`topology.kubernetes.io/${name}`] ?? ""
  );
  return region || zone ? `${region}:\0:${zone}` : "";
}

/** Whether it says something about its zone. */
export function isCounted({ metadata: { labels = {} } }: Node): boolean {
  return !(EXCLUDED in labels);
}

/** Kubernetes: `ComputeZoneState`. */
export function zoneStateOf(
  { ready, notReady }: ZoneCounts,
  { unhealthyShare }: Pick<EvictionLimits, "unhealthyShare">,
): ZoneState {
  if (ready === 0 && notReady > 0) return "FullDisruption";
  const share = notReady / (ready + notReady);
  return notReady >= OUTAGE_NODES_MIN && share >= unhealthyShare ? "PartialDisruption" : "Normal";
}

/** Whether every node of every zone is away: then it is the server that is cut off, as far as one can tell. */
export function areAllAway(zones: Iterable<ZoneCounts>): boolean {
  const all = [...zones];
  return all.length > 0 && all.every(({ ready }) => ready === 0);
}

/** Nodes a second whose pods are evicted in a zone, unless all zones are away. */
export function evictionRate(counts: ZoneCounts | undefined, limits: EvictionLimits): number {
  if (counts === undefined) return limits.nodesPerSecond;
  if (zoneStateOf(counts, limits) !== "PartialDisruption") return limits.nodesPerSecond;
  const isLarge = counts.ready + counts.notReady > limits.largeZoneNodes;
  return isLarge ? limits.secondaryNodesPerSecond : 0;
}

export function isNodeReady({ status }: Node): boolean {
  return isConditionTrue(status.conditions, "Ready");
}

/** Whether the state of the node is known at all. */
export function hasState({ status }: Node): boolean {
  return conditionOf(status.conditions, "Ready") !== undefined;
}

/** How fast the pods of a zone's nodes are evicted, and when the next node may be taken. */
export interface Pace {
  rate: number;
  /** On a clock that does not jump; `Infinity`: never. */
  nextMs: number;
}

/** The pace after the rate has become another one: who waits, waits anew. Kubernetes: `SwapLimiter`. */
export function paceAt(rate: number, before: Pace | undefined, elapsedMs: number): Pace {
  if (before?.rate === rate) return before;
  if (rate <= 0) return { rate, nextMs: Infinity };
  const waits = before !== undefined && before.nextMs > elapsedMs;
  return { rate, nextMs: waits ? elapsedMs + 1_000 / rate : elapsedMs };
}

/** The pace after a node has been taken. */
export function paceAfter({ rate }: Pace, elapsedMs: number): Pace {
  return { rate, nextMs: elapsedMs + 1_000 / rate };
}
