import { type Ipv4Range, parseIpv4, parseIpv4Range } from "../ipv4.ts";
import { attributesOf, type Field, FLAG, NetlinkMessage } from "./netlink.ts";

/** Numbers of `linux/rtnetlink.h`, `linux/if_link.h` and `linux/veth.h`. */
const NEWLINK = 16;
const DELLINK = 17;
const NEWADDR = 20;
const NEWROUTE = 24;
const DELROUTE = 25;
const GETROUTE = 26;
const AF_INET = 2;
const IFF_UP = 1;
const ATTRIBUTE = {
  link: { name: 3, mtu: 4, info: 18, namespaceDescriptor: 28 },
  linkInfo: { kind: 1, data: 2 },
  veth: { peer: 1 },
  address: { address: 1, local: 2 },
  route: { destination: 1, device: 4, gateway: 5, source: 7 },
} as const;
const ROUTE_HEAD_BYTES = 12;
const TABLE = { main: 254, local: 255 } as const;
const TYPE = { unicast: 1, local: 2, unreachable: 7 } as const;
const SCOPE = { universe: 0, link: 253, host: 254 } as const;
/** Marks our routes (`proto 99` in `ip route`): others leave them alone, and we find them again. */
export const ROUTE_PROTOCOL = 99;

/** A pair of devices: one end here, up at once; the other in a namespace given by its descriptor. */
export function addVeth(
  { name, peerName, peerNamespace, mtu }: {
    name: string;
    peerName: string;
    peerNamespace: number;
    mtu: number;
  },
): NetlinkMessage {
  const { link, linkInfo, veth } = ATTRIBUTE;
  const message = new NetlinkMessage(NEWLINK, made, linkHead({ index: 0, up: true }));
  const peer = () =>
    message.text(link.name, peerName).number(link.mtu, mtu)
      .number(link.namespaceDescriptor, peerNamespace);
  return message.text(link.name, name).number(link.mtu, mtu).nested(link.info, () => {
    message.text(linkInfo.kind, "veth").nested(linkInfo.data, () => {
      message.nested(veth.peer, peer, linkHead({ index: 0, up: false }));
    });
  });
}

/** A bridge without ports: a device that only carries an address. Unlike `dummy`, every kernel has it. */
export function addBridge(name: string): NetlinkMessage {
  const { link, linkInfo } = ATTRIBUTE;
  const message = new NetlinkMessage(NEWLINK, made, linkHead({ index: 0, up: true }));
  return message.text(link.name, name)
    .nested(link.info, () => void message.text(linkInfo.kind, "bridge"));
}

export function setUp(index: number): NetlinkMessage {
  return new NetlinkMessage(NEWLINK, FLAG.request | FLAG.ack, linkHead({ index, up: true }));
}

export function deleteLink(name: string): NetlinkMessage {
  return new NetlinkMessage(DELLINK, FLAG.request | FLAG.ack, linkHead({ index: 0, up: false }))
    .text(ATTRIBUTE.link.name, name);
}

/** Gives a device an address of its own, without a network around it. */
export function addAddress(ip: string, index: number): NetlinkMessage {
  const head: Field[] = [[AF_INET, 1], [32, 1], [0, 1], [SCOPE.universe, 1], [index, 4]];
  return new NetlinkMessage(NEWADDR, replaced, head)
    .bytes(ATTRIBUTE.address.local, addressBytes(ip))
    .bytes(ATTRIBUTE.address.address, addressBytes(ip));
}

export interface Route {
  /** `10.42.0.7/32`, or `default`. */
  destination: string;
  /** Index of the device; absent for ranges that are unreachable. */
  device?: number;
  /** The next hop. Without one the destination is on the link itself. */
  gateway?: string;
  /** The address that this machine's own packets have when they go there. */
  source?: string;
  /** `local`: the whole range is this machine itself. */
  type?: "unicast" | "local" | "unreachable";
}

export function addRoute(route: Route): NetlinkMessage {
  return routeMessage(NEWROUTE, replaced, route);
}

/** Fails when there is a route to that destination already, ours or not. */
export function addNewRoute(route: Route): NetlinkMessage {
  return routeMessage(NEWROUTE, made, route);
}

export function deleteRoute(route: Route): NetlinkMessage {
  return routeMessage(DELROUTE, FLAG.request | FLAG.ack, route);
}

/** Asks for all routes of IPv4. */
export function getRoutes(): NetlinkMessage {
  const head: Field[] = [[AF_INET, 1], ...Array.from({ length: 11 }, (): Field => [0, 1])];
  return new NetlinkMessage(GETROUTE, FLAG.request | FLAG.dump, head);
}

/** The address of an answer to {@linkcode getRoutes} when it is a route of ours to one address. */
export function hostRouteAddress(answer: DataView): number | undefined {
  const isOurs = answer.getUint8(16 + 1) === 32 && answer.getUint8(16 + 5) === ROUTE_PROTOCOL;
  if (!isOurs) return undefined;
  return attributesOf(answer, ROUTE_HEAD_BYTES).get(ATTRIBUTE.route.destination)?.getUint32(0);
}

/** A route through another machine. */
export interface GatewayRoute {
  destination: Ipv4Range;
  gateway: number;
  source: number | undefined;
}

/** What an answer to {@linkcode getRoutes} tells, when it is a route of ours through a gateway. */
export function gatewayRoute(answer: DataView): GatewayRoute | undefined {
  const prefixLength = answer.getUint8(16 + 1);
  if (answer.getUint8(16 + 5) !== ROUTE_PROTOCOL) return undefined;
  const attributes = attributesOf(answer, ROUTE_HEAD_BYTES);
  const { route } = ATTRIBUTE;
  const first = attributes.get(route.destination)?.getUint32(0);
  const gateway = attributes.get(route.gateway)?.getUint32(0);
  if (first === undefined || gateway === undefined) return undefined;
  const source = attributes.get(route.source)?.getUint32(0);
  return { destination: { first, prefixLength }, gateway, source };
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

function addressBytes(ip: string): Uint8Array {
  return numberBytes(parseIpv4(ip)!);
}

/** An address in network byte order. */
function numberBytes(address: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, address);
  return bytes;
}
