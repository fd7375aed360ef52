import { isInRange, parseIpv4, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";
import {
  type Gateway,
  ownerOf,
  type PodWire,
  type SeenLink,
  type SeenNetwork,
  type SeenRoute,
} from "./plumbing.ts";

/** A pod's connection, and which namespace it leads to. */
export interface OwnWire extends PodWire {
  podUid: string;
  /** Number of the namespace, which distinguishes it from another of the same path. */
  inode: number;
}

/** The network that there should be. */
export interface WantedNetwork {
  gateway: Gateway;
  /** Ranges of which all addresses are this machine's own: those of services, and of load balancers. */
  localRanges: readonly string[];
  wires: readonly OwnWire[];
  /** Addresses of pods that are just being connected or taken down: what has to do with them is left alone. */
  busy: ReadonlySet<string>;
}

/** The network that there is. */
export interface ObservedNetwork extends SeenNetwork {
  /** Paths that are named as namespaces of this node's pods are, with the number of what is there, if it is one. */
  names: ReadonlyMap<string, number | undefined>;
  /** Names of devices that do not protect the node as they should. */
  unsettled: ReadonlySet<string>;
}

/** One change that brings the network closer to what it should be. */
export type Repair =
  | { do: "addGateway" }
  | { do: "addLocalRange"; range: string }
  | { do: "nameAgain" | "connect" | "mark" | "addPodRoute"; wire: OwnWire }
  | { do: "removeLink"; name: string }
  | { do: "removeRoute"; ip: string; device: string }
  | { do: "removeName"; path: string };

/**
 * The repairs that are needed, in this order. Pure. What has no owner is removed when the look before found it too
 * (`strayBefore`): the kernel needs a moment to clean up after a pod. Nothing is touched that belongs to others, another
 * server on this machine included: ours have our mark, our prefix, or lead from our gateway's address to our device.
 */
export function repairsOf(
  wanted: WantedNetwork,
  seen: ObservedNetwork,
  strayBefore: ReadonlySet<string>,
): { repairs: Repair[]; stray: ReadonlySet<string> } {
  const strays = straysIn(wanted, seen);
  return {
    repairs: [
      ...nodeRepairs(wanted, seen),
      ...wanted.wires.flatMap((wire) => wireRepairs(wire, wanted, seen)),
      ...strays.filter((stray) => strayBefore.has(keyOf(stray))),
    ],
    stray: new Set(strays.map(keyOf)),
  };
}

function nodeRepairs({ gateway, localRanges }: WantedNetwork, seen: ObservedNetwork): Repair[] {
  const { device, ip, cidr } = gateway;
  const link = seen.links.find(({ name }) => name === device);
  const isWhole = link?.isUp === true && link.addresses.includes(ip) &&
    seen.routes.some((route) => route.cidr === cidr && route.type === "unreachable");
  const foreign = localRanges.filter((range) =>
    !seen.routes.some(({ cidr, type }) => cidr === range && type === "local")
  );
  return [
    ...(isWhole ? [] : [{ do: "addGateway" } as const]),
    ...foreign.map((range) => ({ do: "addLocalRange", range } as const)),
  ];
}

function wireRepairs(
  wire: OwnWire,
  { gateway, busy }: WantedNetwork,
  seen: ObservedNetwork,
): Repair[] {
  if (busy.has(wire.ip)) return [];
  if (seen.names.get(wire.namespacePath) !== wire.inode) return [{ do: "nameAgain", wire }];
  const link = seen.links.find(({ name }) => name === wire.device);
  const isRouted = seen.routes.some((route) => isRouteOf(route, wire, gateway));
  const isConnected = link?.mark === wire.mark || (link?.mark === "" && isRouted);
  if (!isConnected) return [{ do: "connect", wire }];
  const isGood = link.mark === wire.mark && link.isUp && link.group === wire.group &&
    !seen.unsettled.has(link.name);
  return [
    ...(isGood ? [] : [{ do: "mark", wire } as const]),
    ...(isRouted ? [] : [{ do: "addPodRoute", wire } as const]),
  ];
}

function isRouteOf(route: SeenRoute, wire: PodWire, gateway: Gateway): boolean {
  return route.cidr === `${wire.ip}/32` && route.type === "unicast" &&
    route.device === wire.device && route.source === gateway.ip;
}

type Stray = Extract<Repair, { do: "removeLink" | "removeRoute" | "removeName" }>;

function straysIn(wanted: WantedNetwork, seen: ObservedNetwork): Stray[] {
  const { gateway, wires, busy } = wanted;
  const isOwn = ({ mark }: SeenLink) => ownerOf(mark) === gateway.device;
  const isBusy = (device: string) => [...busy].some((ip) => deviceOf(ip) === device);
  const links = seen.links.filter((link) =>
    isOwn(link) && !isBusy(link.name) && !wires.some(({ device }) => device === link.name)
  );
  const routes = seen.routes.flatMap(({ cidr, type, device, source }) => {
    const ip = cidr.replace(/\/32$/, "");
    const link = seen.links.find(({ name }) => name === device);
    const isOurs = type === "unicast" && source === gateway.ip && link && isOwn(link) &&
      isPodAddress(ip, gateway);
    const isWanted = wires.some((wire) => wire.ip === ip && wire.device === device);
    return isOurs && !isWanted && !busy.has(ip) ? [{ ip, device: link.name }] : [];
  });
  const paths = [...seen.names.keys()].filter((path) => {
    const ip = addressIn(path, gateway.device);
    return ip === undefined || !busy.has(ip);
  }).filter((path) => !wires.some(({ namespacePath }) => namespacePath === path));
  return [
    ...routes.map((route) => ({ do: "removeRoute", ...route } as const)),
    ...links.map(({ name }) => ({ do: "removeLink", name } as const)),
    ...paths.map((path) => ({ do: "removeName", path } as const)),
  ];
}

function keyOf(stray: Stray): string {
  return Object.values(stray).join(" ");
}

function isPodAddress(ip: string, { cidr }: Gateway): boolean {
  const address = parseIpv4(ip);
  return address !== undefined && isInRange(address, parseIpv4Range(cidr)!);
}

/** Name of the node's end of a pod's devices. */
export function deviceOf(ip: string): string {
  return `cv${hexOf(ip)}`;
}

/** Name of a pod's namespace, and mark of its device: whose it is, and which. */
export function markOf(
  { owner, ip, podUid }: { owner: string; ip: string; podUid: string },
): string {
  return `${owner}-${hexOf(ip)}-${podUid}`;
}

/** What {@linkcode markOf} has put into a name; `undefined` for the names of others. */
export function parseMark(
  name: string,
  owner: string,
): { ip: string; podUid: string } | undefined {
  if (ownerOf(name) !== owner) return undefined;
  const [, hex, podUid] = /^-([0-9a-f]{8})-(.+)$/.exec(name.slice(owner.length))!;
  const bytes = hex!.match(/../g)!.map((byte) => parseInt(byte, 16));
  return { ip: bytes.join("."), podUid: podUid! };
}

function addressIn(path: string, owner: string): string | undefined {
  return parseMark(path.slice(path.lastIndexOf("/") + 1), owner)?.ip;
}

function hexOf(ip: string): string {
  return parseIpv4(ip)!.toString(16).padStart(8, "0");
}
