import {
  HEADLESS,
  type Service,
  SERVICE_PROXY_NAME,
  type ServicePort,
} from "../../core/resources/core/services/services.ts";
import type { View } from "../../core/client/client.ts";
import { isOwnLoadBalancer } from "../../core/traffic/load_balancers.ts";
import {
  type BackendSelection,
  forwardedProtocol,
  type Protocol,
  type ServicePortName,
} from "../../core/traffic/service_backends.ts";
import { preferenceOf } from "../../core/traffic/viewpoints.ts";
import { isInRanges } from "../connections/peers.ts";
import type { Lead, Listener, Problem } from "./route_table.ts";

/** Where Services are reached on this node. */
export interface ServicePlaces {
  /** Where node ports are opened; `undefined`: not by the proxy. */
  nodePortAddress?: string;
  /** Whether ClusterIPs are listened on: where the kernel has no rules for them. */
  listensOnClusterIPs?: boolean;
  /** Ranges of those who may connect to ClusterIPs; absent where the kernel lets nobody else get there. */
  clusterIPPeers?: readonly string[];
  /** Name of the node; absent: traffic policies and hints are not followed. */
  nodeName?: string;
  /** IPv4 addresses that this machine has: what listens on all of them. */
  ownAddresses?: readonly string[];
  /** Ranges of addresses that this machine takes for load balancers. */
  balancerRanges?: readonly string[];
  /** Ranges of the cluster's own clients, to whom `externalTrafficPolicy: Local` does not apply: pods, and the node. */
  insidePeers?: readonly string[];
}

/** What the listeners of Services need of the table. */
export interface ServiceTargets {
  /** Whom clients of a port of a Service are led to. */
  leadOf(port: ServicePortName, selection: BackendSelection): Lead;
  report(problem: Problem): void;
}

/** A place at which a port of a Service is reached. */
interface Place {
  kind: "clusterIP" | "externalIP" | "loadBalancer" | "nodePort";
  address: string;
  port: number;
  peers?: readonly string[];
}

/** Whether a Service is left to another proxy, or to none: as kube-proxy tells, by labels that are there, whatever they say. */
export function isLeftAlone({ metadata: { labels = {} } }: Service): boolean {
  return HEADLESS in labels || SERVICE_PROXY_NAME in labels;
}

/** The listeners of a Service: one for each address and port at which it is reached on this node. */
export function serviceListeners(
  service: Service,
  view: View,
  places: ServicePlaces,
  targets: ServiceTargets,
): Listener[] {
  const { metadata: { namespace, name }, spec } = service;
  return (spec.ports ?? []).flatMap((servicePort): Listener[] => {
    const found = placesOf(service, servicePort, places);
    const protocol = forwardedProtocol(servicePort);
    if (found.length === 0) return [];
    if (protocol === undefined) {
      targets.report(unsupported(service, servicePort));
      return [];
    }
    const portName = { namespace, name, port: servicePort.port };
    const leads = backendsOf(service, { portName, protocol }, view, places, targets);
    return found.flatMap((place) =>
      addressesOf(place, protocol, places).map((address) => ({
        protocol,
        name: `service ${namespace}/${name} ${place.kind} ${place.port}`,
        address,
        port: place.port,
        ...(place.kind === "clusterIP" ? leads.inside() : leads.outside()),
        ...(place.peers && { peers: place.peers }),
      }))
    );
  });
}

function placesOf(
  { spec, status }: Service,
  { port, nodePort = 0 }: ServicePort,
  places: ServicePlaces,
): Place[] {
  const { nodePortAddress, listensOnClusterIPs = false, clusterIPPeers, ownAddresses = [] } =
    places;
  const own = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const clusterIPs = listensOnClusterIPs ? own.filter((ip) => ip !== "None") : [];
  const peers = clusterIPPeers && { peers: clusterIPPeers };
  const found: Place[] = clusterIPs.map((address) => ({
    kind: "clusterIP",
    address,
    port,
    ...peers,
  }));
  if (nodePortAddress === undefined) return found;
  if (nodePort > 0) found.push({ kind: "nodePort", address: nodePortAddress, port: nodePort });
  const ranges = spec.loadBalancerSourceRanges;
  const sources = ranges && ranges.length > 0 ? { peers: ranges.map((range) => range.trim()) } : {};
  for (const { ip } of status.loadBalancer.ingress ?? []) {
    if (ip === undefined || !isOwnLoadBalancer(spec)) continue;
    const address = balancerAddress(ip, places);
    if (address !== undefined) found.push({ kind: "loadBalancer", address, port, ...sources });
  }
  for (const address of spec.externalIPs ?? []) {
    if (ownAddresses.includes(address)) found.push({ kind: "externalIP", address, port });
  }
  return found;
}

/** Where a load balancer's address is listened on here: on all addresses, when it is the node's own. */
function balancerAddress(
  ip: string,
  { nodePortAddress, ownAddresses = [], balancerRanges = [] }: ServicePlaces,
): string | undefined {
  if (isInRanges(balancerRanges, ip)) return ip;
  return ownAddresses.includes(ip) || ip === nodePortAddress ? nodePortAddress : undefined;
}

/** Datagrams are answered from the address that was asked: each of the machine's own has a port of its own. */
function addressesOf(
  { address }: Place,
  protocol: Protocol,
  { ownAddresses = [] }: ServicePlaces,
): readonly string[] {
  return protocol === "UDP" && (address === "0.0.0.0" || address === "::")
    ? ownAddresses
    : [address];
}

/** Whom clients of a port are led to, from inside and from outside the cluster. */
function backendsOf(
  service: Service,
  { portName, protocol }: { portName: ServicePortName; protocol: Protocol },
  view: View,
  { nodeName, insidePeers }: ServicePlaces,
  targets: ServiceTargets,
) {
  const { spec } = service, preference = preferenceOf(view, service, nodeName);
  const all = () => targets.leadOf(portName, { protocol, ...preference });
  const local = () => targets.leadOf(portName, { protocol, onlyOnNode: nodeName! });
  const isLocal = (policy: string | undefined) => policy === "Local" && nodeName !== undefined;
  return {
    inside: () => isLocal(spec.internalTrafficPolicy) ? local() : all(),
    outside: () =>
      isLocal(spec.externalTrafficPolicy)
        ? { ...all(), outside: { ...local(), inside: insidePeers ?? [] } }
        : all(),
  };
}

function unsupported({ metadata }: Service, { port, protocol }: ServicePort): Problem {
  return {
    kind: "Service",
    namespace: metadata.namespace,
    name: metadata.name,
    section: `${port}/${protocol}`,
    reason: "UnsupportedProtocol",
    message: `protocol ${protocol} is not forwarded by listeners, only TCP and UDP`,
  };
}
