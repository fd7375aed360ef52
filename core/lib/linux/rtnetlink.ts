import { type Ipv4Range, parseIpv4, parseIpv4Range } from "../addresses/ipv4.ts";
import { attributesOf, type Field, FLAG, NetlinkMessage } from "./netlink.ts";

/** Numbers of `linux/rtnetlink.h`, `linux/if_link.h` and `linux/veth.h`. */
const NEWLINK = 16;
const DELLINK = 17;
const GETLINK = 18;
const NEWADDR = 20;
const GETADDR = 22;
const NEWROUTE = 24;
const DELROUTE = 25;
const GETROUTE = 26;
const AF_INET = 2;
const IFF_UP = 1;
const ATTRIBUTE = {
  link: {
    ...{ name: 3, mtu: 4, info: 18, alias: 20, group: 27, namespaceDescriptor: 28, filter: 29 },
  },
  linkInfo: { kind: 1, data: 2 },
  veth: { peer: 1 },
  address: { address: 1, local: 2 },
  route: { destination: 1, device: 4, gateway: 5, source: 7 },
} as const;
const ROUTE_HEAD_BYTES = 12;
const LINK_HEAD_BYTES = 16;
const ADDRESS_HEAD_BYTES = 8;
/** `RTEXT_FILTER_SKIP_STATS` */
const WITHOUT_STATISTICS = 8;
const TABLE = { main: 254, local: 255 } as const;
const TYPE = { unicast: 1, local: 2, unreachable: 7 } as const;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
/** Marks our routes (`proto 99` in `ip route`), so that other programs leave them alone and we find them again. */
export const ROUTE_PROTOCOL = 99;

/** Creates a veth pair: one end here, in a group; the other in a namespace given by its descriptor. Both are down. */
export function addVeth(
  { name, group, peerName, peerNamespace, mtu }: {
    name: string;
    group: number;
    peerName: string;
    peerNamespace: number;
    mtu: number;
  },
): NetlinkMessage {
  const { link, linkInfo, veth } = ATTRIBUTE;
  const message = new NetlinkMessage(NEWLINK, made, linkHead({ index: 0, up: false }));
  const peer = () =>
    message.text(link.name, peerName).number(link.mtu, mtu)
      .number(link.namespaceDescriptor, peerNamespace);
  message.text(link.name, name).number(link.mtu, mtu).number(link.group, group);
  return message.nested(link.info, () => {
    message.text(linkInfo.kind, "veth").nested(linkInfo.data, () => {
      message.nested(veth.peer, peer, linkHead({ index: 0, up: false }));
    });
  });
}

/** Creates a bridge without ports, which only carries an address. Unlike `dummy`, every kernel has bridges. */
export function addBridge(name: string): NetlinkMessage {
  const { link, linkInfo } = ATTRIBUTE;
  const message = new NetlinkMessage(NEWLINK, made, linkHead({ index: 0, up: true }));
  return message.text(link.name, name)
    .nested(link.info, () => void message.text(linkInfo.kind, "bridge"));
}

export function setUp(index: number): NetlinkMessage {
  return new NetlinkMessage(NEWLINK, FLAG.request | FLAG.ack, linkHead({ index, up: true }));
}

/** Sets a device up, in a group, with an alias (`ip link show`). */
export function markUp(
  index: number,
  { alias, group }: { alias: string; group: number },
): NetlinkMessage {
  const { link } = ATTRIBUTE;
  return setUp(index).bytes(link.alias, new TextEncoder().encode(alias)).number(link.group, group);
}

/** Requests all devices. */
export function getLinks(): NetlinkMessage {
  const head = linkHead({ index: 0, up: false });
  return new NetlinkMessage(GETLINK, FLAG.request | FLAG.dump, head)
    .number(ATTRIBUTE.link.filter, WITHOUT_STATISTICS);
}

export interface Link {
  index: number;
  name: string;
  isUp: boolean;
  group: number;
  /** The alias set by {@linkcode markUp}; empty for other devices. */
  alias: string;
}

/** Parses an answer to {@linkcode getLinks}. */
export function linkOf(answer: DataView): Link {
  const attributes = attributesOf(answer, LINK_HEAD_BYTES);
  const { link } = ATTRIBUTE;
  return {
    index: answer.getUint32(16 + 4, true),
    name: textOf(attributes.get(link.name)),
    isUp: (answer.getUint32(16 + 8, true) & IFF_UP) !== 0,
    group: attributes.get(link.group)?.getUint32(0, true) ?? 0,
    alias: textOf(attributes.get(link.alias)),
  };
}

export function deleteLink(name: string): NetlinkMessage {
  return new NetlinkMessage(DELLINK, FLAG.request | FLAG.ack, linkHead({ index: 0, up: false }))
    .text(ATTRIBUTE.link.name, name);
}

/** Adds an address to a device, as a single host (/32). */
export function addAddress(ip: string, index: number): NetlinkMessage {
  const head: Field[] = [[AF_INET, 1], [32, 1], [0, 1], [SCOPE.universe, 1], [index, 4]];
  return new NetlinkMessage(NEWADDR, replaced, head)
    .bytes(ATTRIBUTE.address.local, addressBytes(ip))
    .bytes(ATTRIBUTE.address.address, addressBytes(ip));
}

/** Requests all IPv4 addresses. */
export function getAddresses(): NetlinkMessage {
  const head: Field[] = [[AF_INET, 1], [0, 1], [0, 1], [0, 1], [0, 4]];
  return new NetlinkMessage(GETADDR, FLAG.request | FLAG.dump, head);
}

/** Parses an answer to {@linkcode getAddresses}: an address, and the index of its device. */
export function addressOf(answer: DataView): { ip: number | undefined; device: number } {
  const attributes = attributesOf(answer, ADDRESS_HEAD_BYTES);
  return {
    ip: attributes.get(ATTRIBUTE.address.local)?.getUint32(0),
    device: answer.getUint32(16 + 4, true),
  };
}

export interface Route {
  /** `10.42.0.7/32`, or `default`. */
  destination: string;
  /** Index of the device; absent for unreachable ranges. */
  device?: number;
  /** The next hop; absent: the destination is on the link. */
  gateway?: string;
  /** The source address of this machine's packets to there. */
  source?: string;
  /** `local`: the whole range belongs to this machine. */
  type?: "unicast" | "local" | "unreachable";
}

export function addRoute(route: Route): NetlinkMessage {
  return routeMessage(NEWROUTE, replaced, route);
}

/** Adds a route. Fails when there is one to that destination already, ours or not. */
export function addNewRoute(route: Route): NetlinkMessage {
  return routeMessage(NEWROUTE, made, route);
}

export function deleteRoute(route: Route): NetlinkMessage {
  return routeMessage(DELROUTE, FLAG.request | FLAG.ack, route);
}

/** Requests all IPv4 routes. */
export function getRoutes(): NetlinkMessage {
  const head: Field[] = [[AF_INET, 1], ...Array.from({ length: 11 }, (): Field => [0, 1])];
  return new NetlinkMessage(GETROUTE, FLAG.request | FLAG.dump, head);
}

/** A route of ours. */
export interface OwnRoute {
  destination: Ipv4Range;
  type: "unicast" | "local" | "unreachable" | "other";
  /** Index of the device. */
  device: number | undefined;
  gateway: number | undefined;
  source: number | undefined;
}

/** Parses an answer to {@linkcode getRoutes}; `undefined` when it is not a route of ours. */
export function ownRouteOf(answer: DataView): OwnRoute | undefined {
  if (answer.getUint8(16 + 5) !== ROUTE_PROTOCOL) return undefined;
  const attributes = attributesOf(answer, ROUTE_HEAD_BYTES);
  const { route } = ATTRIBUTE;
  const number = (attribute: number) => attributes.get(attribute)?.getUint32(0);
  const type = answer.getUint8(16 + 7);
  const known = (["unicast", "local", "unreachable"] as const).find((name) => TYPE[name] === type);
  return {
    destination: { first: number(route.destination) ?? 0, prefixLength: answer.getUint8(16 + 1) },
    type: known ?? "other",
    device: attributes.get(route.device)?.getUint32(0, true),
    gateway: number(route.gateway),
    source: number(route.source),
  };
}

function routeMessage(kind: number, flags: number, route: Route): NetlinkMessage {
  const { destination, device, gateway, source, type = "unicast" } = route;
  const range = destination === "default" ? undefined : parseIpv4Range(destination)!;
  const table = type === "local" ? TABLE.local : TABLE.main;
  const scope = type === "local"
    ? SCOPE.host
    : type === "unicast" && gateway === undefined
    ? SCOPE.link
    : SCOPE.universe;
  const message = new NetlinkMessage(kind, flags, [
    ...[[AF_INET, 1], [range?.prefixLength ?? 0, 1], [0, 1], [0, 1]] as Field[],
    ...[[table, 1], [ROUTE_PROTOCOL, 1], [scope, 1], [TYPE[type], 1], [0, 4]] as Field[],
  ]);
  const { route: attribute } = ATTRIBUTE;
  if (range !== undefined) message.bytes(attribute.destination, numberBytes(range.first));
  if (gateway !== undefined) message.bytes(attribute.gateway, addressBytes(gateway));
  if (source !== undefined) message.bytes(attribute.source, addressBytes(source));
  if (device !== undefined) message.number(attribute.device, device);
  return message;
}

const made = FLAG.request | FLAG.ack | FLAG.create | FLAG.exclusive;
const replaced = FLAG.request | FLAG.ack | FLAG.create | FLAG.replace;

/** `struct ifinfomsg` */
function linkHead({ index, up }: { index: number; up: boolean }): readonly Field[] {
  const flags = up ? IFF_UP : 0;
  return [[0, 1], [0, 1], [0, 2], [index, 4], [flags, 4], [flags, 4]];
}

/** Text from the kernel, which may end with a zero byte. */
function textOf(value: DataView | undefined): string {
  if (value === undefined) return "";
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new TextDecoder().decode(bytes).replace(/\0.*$/s, "");
}

function addressBytes(ip: string): Uint8Array {
  return numberBytes(parseIpv4(ip)!);
}

/** An address in network byte order. */
function numberBytes(address: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, address);
  return bytes;
}
