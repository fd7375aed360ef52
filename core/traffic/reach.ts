import { parseIpv4, parseIpv4Range } from "../lib/addresses/ipv4.ts";
import type { Node } from "../resources/core/nodes/nodes.ts";

/**
 * How a node gets to pods of another one: by a plain route, through the tunnels between nodes and the server, or, at the
 * moment, not at all.
 */
export type Way = "route" | "tunnel" | "none";

/** Whom a node reaches, and how. */
export interface Reach {
  /** To a node by its name; its own pods are reached by a route. */
  wayTo(nodeName: string): Way;
  /** The same for datagrams: those go by a route, or by packets through the tunnel, which looks like one. */
  datagramsTo(nodeName: string): Exclude<Way, "tunnel">;
  /** To the API server. */
  readonly toServer: Way;
}

/** All nodes have routes to each other. */
export const ROUTED: Reach = {
  wayTo: () => "route",
  datagramsTo: () => "route",
  toServer: "route",
};

/**
 * An annotation of nodes, kept by the server: the address that a node's tunnel comes from, when that is not its InternalIP.
 * Such a node is behind a router that translates addresses, and others have a way to it only from behind the same router.
 */
export const REMOTE_ADDRESS = "coracle.dev/remote-address";

/** A node as another one sees it. */
export interface Neighbour {
  readonly name: string;
  /** Of its pods; absent when they have addresses that are valid on their machine only, or none. */
  readonly cidr?: string;
  /** Its InternalIP, an IPv4 address. */
  readonly via?: string;
  /**
   * `machine`: on the same machine. `network`: its address may be on a link that both are on. `elsewhere`: behind another
   * router, where the same address would be somebody else's.
   */
  readonly place: "machine" | "network" | "elsewhere";
  /** The server has not heard of it for a while, so that no tunnel leads to it either. */
  readonly isLost: boolean;
}

/** Every other node. Pure. */
export function neighboursOf(all: readonly Node[], nodeName: string): Neighbour[] {
  const own = all.find(({ metadata }) => metadata.name === nodeName);
  const { via: ownAddress, network: ownNetwork } = own ? placeOf(own) : NOWHERE;
  const neighbours: Neighbour[] = [];
  for (const node of all) {
    if (node === own) continue;
    const { network, ...rest } = placeOf(node);
    const place = network !== ownNetwork
      ? "elsewhere"
      : rest.via !== undefined && rest.via === ownAddress
      ? "machine"
      : "network";
    neighbours.push({ ...rest, place });
  }
  return neighbours;
}

/** What a node says of itself. */
interface NodePlace extends Omit<Neighbour, "place"> {
  /** What nodes behind one router have in common; `""`: there is none. */
  readonly network: string | undefined;
}
const NOWHERE = { via: undefined, network: undefined };

/** All nodes are looked at for each change of one, so each is read once. */
const places = new WeakMap<Node, NodePlace>();

function placeOf(node: Node): NodePlace {
  const known = places.get(node);
  if (known !== undefined) return known;
  const { metadata: { name, annotations }, spec: { podCIDR: cidr } } = node;
  const via = internalAddressOf(node);
  const isRange = cidr !== undefined && parseIpv4Range(cidr) && !cidr.startsWith("127.");
  const place = {
    name,
    network: annotations?.[REMOTE_ADDRESS] ?? "",
    isLost: isReadyUnknown(node),
    ...(isRange && { cidr }),
    ...(via !== undefined && { via }),
  };
  places.set(node, place);
  return place;
}

/** What is known when it has to be decided how nodes are reached. */
export interface ReachFacts {
  readonly neighbours: readonly Neighbour[];
  /** The ranges of pods to which the kernel has a route. */
  readonly routed: ReadonlySet<string>;
  /** Whether a tunnel leads to a node now: on the server that of the node, elsewhere the own one, which leads to all. */
  readonly hasTunnelTo: (nodeName: string) => boolean;
  /** Ranges of far pods to which packets are carried. */
  readonly carried: ReadonlySet<string>;
  /** To the API server; `route` on its own machine. */
  readonly toServer: Way;
}

/** Routes before tunnels: they cost less, and need no third party. A node that nobody knows is tried by a route. */
export function reachOf(
  { neighbours, routed, hasTunnelTo, carried, toServer }: ReachFacts,
): Reach {
  const ways = new Map(neighbours.map(({ name, cidr, place, isLost }): [string, Way] => {
    const hasRoute = place === "machine" ||
      (place === "network" && cidr !== undefined && routed.has(cidr));
    return [name, hasRoute ? "route" : !isLost && hasTunnelTo(name) ? "tunnel" : "none"];
  }));
  const isCarried = new Set(
    neighbours.flatMap(({ name, cidr }) => cidr !== undefined && carried.has(cidr) ? [name] : []),
  );
  const wayTo = (nodeName: string) => ways.get(nodeName) ?? "route";
  return {
    wayTo,
    datagramsTo(nodeName) {
      const way = wayTo(nodeName);
      return way !== "tunnel" ? way : isCarried.has(nodeName) ? "route" : "none";
    },
    toServer,
  };
}

/** Whether a node's condition `Ready` is `Unknown`. */
export function isReadyUnknown({ status }: Node): boolean {
  return status.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";
}

function internalAddressOf({ status }: Node): string | undefined {
  const address = status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  return address === undefined || parseIpv4(address) === undefined ? undefined : address;
}
