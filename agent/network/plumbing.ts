import type { Clock } from "../../core/lib/clock.ts";
import type { NetworkChanges } from "../../core/lib/linux/network_changes.ts";

/** One pod's connection: a namespace, and a pair of devices between it and the node. */
export interface PodWire {
  /** Path of the network namespace, below `/run/netns`. */
  namespacePath: string;
  /** Name of the node's end. The pod's end is `eth0`. */
  device: string;
  /** The text that the node's end has when the pod is connected: whose it is, of this machine's servers too. */
  mark: string;
  /** The group that the node's end is in, by which rules know it. */
  group: number;
  ip: string;
  gatewayIP: string;
  mtu: number;
}

/** The address of the node towards its pods, on a device of its own. */
export interface Gateway {
  device: string;
  ip: string;
  /** The range of the node's pods. Addresses without a pod answer "unreachable" at once. */
  cidr: string;
}

/** The way to the pods of another node. */
export interface NodeRoute {
  /** The range of that node's pods. */
  cidr: string;
  /** That node's own address, on a link that both are on. */
  via: string;
}

/** A device of this machine, ours or not. */
export interface SeenLink {
  name: string;
  isUp: boolean;
  group: number;
  /** Empty for what has none. */
  mark: string;
  addresses: readonly string[];
}

/** A route that Coracle has made, this one or another on this machine. */
export interface SeenRoute {
  /** `10.42.0.7/32` for a pod's. */
  cidr: string;
  type: "unicast" | "local" | "unreachable" | "other";
  device?: string;
  via?: string;
  source?: string;
}

/** What there is in the kernel. */
export interface SeenNetwork {
  links: readonly SeenLink[];
  routes: readonly SeenRoute[];
}

/** How the kernel's network is changed: by netlink, or by the `ip` command. */
export interface Plumbing {
  look(): Promise<SeenNetwork>;
  /** Safe when it is there already. */
  addGateway(gateway: Gateway): Promise<void>;
  removeGateway(gateway: Gateway): Promise<void>;
  /** Makes the namespace and connects it. */
  addWire(wire: PodWire): Promise<void>;
  /**
   * Connects a namespace that is there. Left-overs of a device of that name are replaced; rejects when it has the mark
   * of another. Nothing passes before the node is protected from what is inside.
   */
  connect(wire: PodWire): Promise<void>;
  /** Protects the node from, and marks, what is connected already. */
  mark(wire: PodWire): Promise<void>;
  /** Leads the pod's address to its device. */
  addPodRoute(wire: PodWire): Promise<void>;
  /** Succeeds when it is not there. */
  removePodRoute(ip: string, device: string): Promise<void>;
  /** Succeeds when it is not there. */
  removeLink(name: string): Promise<void>;
  /** Removes the namespace; the devices go with it. Succeeds when it is not there. */
  removeWire(namespacePath: string): Promise<void>;
  /** Keeps a namespace open, so that it can be given its name again when that is removed. */
  hold(namespacePath: string): Promise<void>;
  /** Gives a namespace its name back. False when it is not held: it has gone with what was in it. */
  nameAgain(namespacePath: string): Promise<boolean>;
  /** Makes all addresses of a range this machine's own. Safe when they are already. */
  addLocalRange(cidr: string): Promise<void>;
  removeLocalRange(cidr: string): Promise<void>;
  /**
   * Adds a route; `source` is the address that this machine's own packets have there, and marks whose route it is.
   * Leaves a route to the range alone that is not ours. Rejects when `via` is on no link.
   */
  addNodeRoute(route: NodeRoute, source: string): Promise<void>;
  /** Succeeds when it is not there. */
  removeNodeRoute(route: NodeRoute, source: string): Promise<void>;
  /**
   * Sets a device of ours up and leads these ranges to it, and no others; `source` as with `addNodeRoute`. Resolves with the
   * ranges to which it cannot lead, as there is another route to them, and why.
   */
  routeByDevice(device: string, ranges: readonly string[], source: string): Promise<NotRouted>;
  /** Changes with each change of any rule of nftables; `undefined` where that is not known. */
  rulesGeneration(): number | undefined;
  /** Begins to hear what is taken away from the network; `undefined` where that is not possible. */
  listen(clock: Clock): NetworkChanges | undefined;
  close(): void;
}

/** Ranges to which there is no route of ours, and why not. */
export type NotRouted = ReadonlyMap<string, string>;

/** The routes through other machines that were added with `source`. */
export function nodeRoutesOf({ routes }: SeenNetwork, source: string): readonly NodeRoute[] {
  return routes.flatMap((route) =>
    route.via === undefined || route.source !== source ? [] : [{ cidr: route.cidr, via: route.via }]
  );
}

/** Whether a device with a mark, or none, may make room for a pod's: it is of the same server. */
export function mayReplace(found: string, wanted: string): boolean {
  return found === "" || ownerOf(found) === ownerOf(wanted);
}

/** The part of a mark that all pods of a server have; `undefined` for other texts. */
export function ownerOf(mark: string): string | undefined {
  return /^(.+?)-[0-9a-f]{8}-.+$/.exec(mark)?.[1];
}

export function foreignDevice(name: string, mark: string): Error {
  return new Error(
    `Cannot make device "${name}": there is one of "${mark}"; two servers on one machine need ranges of their own, by --pod-cidr`,
  );
}
