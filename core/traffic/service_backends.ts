import { isHostAddress } from "../lib/addresses/ip_address.ts";
import type { View } from "../client/client.ts";
import {
  type Endpoint as SliceEndpoint,
  type EndpointSlice,
  endpointSlices,
} from "../resources/discovery/endpoint_slices.ts";
import { type Service, type ServicePort, services } from "../resources/core/services/services.ts";
import {
  type Backend,
  type BackendFault,
  type Endpoint,
  endpointKey,
  type FarEnd,
} from "./backends.ts";
import { type Reach, ROUTED, type Way } from "./reach.ts";
import { MANAGED_BY, setBehind } from "./rollout_sets.ts";

/** A port of a Service, by number. */
export interface ServicePortName {
  namespace: string;
  name: string;
  port: number;
}

/** Which of the endpoints of a port answer. */
export interface BackendSelection {
  /** TCP when absent. */
  protocol?: Protocol;
  /** Only those on this node (a traffic policy of `Local`). */
  onlyOnNode?: string;
  /** Where it is asked: endpoints that hints keep for others are left out (`trafficDistribution`). */
  seenFrom?: Viewpoint;
}

/** A node, and the zone that it is in, if that is known. */
export interface Viewpoint {
  nodeName: string;
  zone?: string;
}

/** The Service of the API server. */
export const API_SERVER = { namespace: "default", name: "kubernetes" };

export type Protocol = "TCP" | "UDP";

/** A backend that answers every request with 500. `reason`: a sentence without a full stop. */
export function invalidBackend(name: string, reason: string): Backend {
  return { name, state: "invalid", reason, endpoints: [] };
}

/**
 * Who answers for a port of a Service: its ready endpoints; when there is none, those that are terminating and still
 * serve (https://github.com/kubernetes/enhancements/issues/1669). `invalid` when Service or port do not exist. Endpoints that
 * cannot be reached from here do not count as ready.
 */
export function serviceBackend(
  view: View,
  { namespace, name, port }: ServicePortName,
  selection: BackendSelection = {},
  reach = ROUTED,
): Backend {
  const { protocol = "TCP" } = selection;
  const backendName = backendNameOf({ namespace, name, port }, selection);
  const found = findPorts(view, { namespace, name, port });
  if ("fault" in found) return invalidBackend(backendName, found.fault.message);
  if (found.service.spec.type === "ExternalName") {
    return invalidBackend(backendName, `service "${namespace}/${name}" is of type ExternalName`);
  }
  const servicePort = found.ports.find((each) => each.protocol === protocol);
  if (servicePort === undefined) {
    const reason = `service "${namespace}/${name}" has no port ${port} of protocol ${protocol}`;
    return invalidBackend(backendName, reason);
  }
  const { sessionAffinity, sessionAffinityConfig } = found.service.spec;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const more = {
    ...(sessionAffinity === "ClientIP" && seconds && { affinityMs: seconds * 1000 }),
    ...rolloutOf(view, found.service, port),
  };
  const asked = { namespace, name, port: servicePort };
  const endpoints = endpointsOf(view, asked, selection, reach);
  if (endpoints.length > 0) return { name: backendName, state: "valid", endpoints, ...more };
  const isCutOff = endpointsOf(view, asked, selection, ROUTED).length > 0;
  const reason = `service "${namespace}/${name}" has no ready endpoints` +
    (isCutOff ? " on nodes that can be reached from here" : "");
  return { name: backendName, state: "empty", reason, endpoints, ...more };
}

/** What the backend is to a rollout. */
function rolloutOf(
  view: View,
  service: Service,
  port: number,
): Pick<Backend, "rollout" | "set"> {
  const { metadata: { namespace, name, annotations } } = service;
  const rollout = annotations?.[MANAGED_BY];
  const slices = view.by(endpointSlices, "service", `${namespace}/${name}`);
  const set = setBehind(service, slices, view);
  return {
    ...(set && { set: { ...set, port } }),
    ...(rollout !== undefined && { rollout: `${namespace}/${rollout}` }),
  };
}

/** Unique for each selection. */
export function backendNameOf(
  { namespace, name, port }: ServicePortName,
  { protocol = "TCP", onlyOnNode, seenFrom }: BackendSelection,
): string {
  const part = onlyOnNode !== undefined ? " local" : seenFrom !== undefined ? " near" : "";
  const suffix = `${protocol === "TCP" ? "" : `/${protocol}`}${part}`;
  return `${namespace}/${name}:${port}${suffix}`;
}

/** The Service of that name, and its ports of that number: one for each protocol. */
export function findPorts(
  view: View,
  { namespace, name, port }: ServicePortName,
): { service: Service; ports: readonly ServicePort[] } | { fault: BackendFault } {
  const fault = (message: string) => ({ fault: { reason: "BackendNotFound" as const, message } });
  const service = view.get(services, { namespace, name });
  if (service === undefined) return fault(`Service "${name}" is not there`);
  const ports = service.spec.ports?.filter((candidate) => candidate.port === port) ?? [];
  return ports.length > 0 ? { service, ports } : fault(`Service "${name}" has no port ${port}`);
}

/** What is passed on to the port, if it is anything that can be. */
export function forwardedProtocol(
  { protocol }: Pick<ServicePort, "protocol">,
): Protocol | undefined {
  return protocol === "TCP" || protocol === "UDP" ? protocol : undefined;
}

function endpointsOf(
  view: View,
  { namespace, name, port }: { namespace: string; name: string; port: ServicePort },
  { onlyOnNode, seenFrom }: BackendSelection,
  reach: Reach,
): Endpoint[] {
  const all = view.by(endpointSlices, "service", `${namespace}/${name}`);
  const isApi = namespace === API_SERVER.namespace && name === API_SERVER.name;
  const wayTo = isApi ? () => reach.toServer : wayBy(reach, port);
  const reached = all.map((slice) => ({
    ...slice,
    endpoints: slice.endpoints.filter((each) =>
      (onlyOnNode === undefined || each.nodeName === onlyOnNode) && wayTo(each) !== "none"
    ),
  }));
  const farEndOf = (each: SliceEndpoint): FarEnd | undefined => {
    if (wayTo(each) !== "tunnel") return undefined;
    return isApi ? "apiserver" : { node: each.nodeName! };
  };
  const ipv4 = reached.filter(({ addressType }) => addressType === "IPv4");
  const ipv6 = reached.filter(({ addressType }) => addressType === "IPv6");
  for (const family of [ipv4, ipv6]) {
    const isHinted = hintOf(family, seenFrom);
    const isMeant = (each: SliceEndpoint) => isReady(each) && isHinted(each);
    const ready = endpointsWhere(isMeant, family, port, farEndOf);
    if (ready.length > 0) return ready;
  }
  const ending = endpointsWhere(isServingWhileTerminating, ipv4, port, farEndOf);
  if (ending.length > 0) return ending;
  return endpointsWhere(isServingWhileTerminating, ipv6, port, farEndOf);
}

/** What is on no node is reached as the network has it. */
function wayBy(reach: Reach, { protocol }: ServicePort): (endpoint: SliceEndpoint) => Way {
  return ({ nodeName }) => {
    if (nodeName === undefined) return "route";
    return protocol === "UDP" ? reach.datagramsTo(nodeName) : reach.wayTo(nodeName);
  };
}

/**
 * Which endpoints hints leave for this node, as kube-proxy has it (`CategorizeEndpoints`): those for the node, else those
 * for its zone, when each ready endpoint has such a hint and at least one is for us; else all.
 */
function hintOf(
  slices: readonly EndpointSlice[],
  seenFrom: Viewpoint | undefined,
): (endpoint: SliceEndpoint) => boolean {
  if (seenFrom === undefined) return () => true;
  const { nodeName, zone } = seenFrom;
  const ready = slices.flatMap(({ endpoints }) => endpoints.filter(isReady));
  const forNode = ({ hints }: SliceEndpoint) => hints?.forNodes?.map(({ name }) => name);
  const forZone = ({ hints }: SliceEndpoint) => hints?.forZones?.map(({ name }) => name);
  for (const [namesOf, own] of [[forNode, nodeName], [forZone, zone]] as const) {
    if (own === undefined || !ready.every((each) => namesOf(each) !== undefined)) continue;
    const isOurs = (each: SliceEndpoint) => namesOf(each)?.includes(own) ?? false;
    if (ready.some(isOurs)) return isOurs;
  }
  return () => true;
}

function endpointsWhere(
  holds: (endpoint: SliceEndpoint) => boolean,
  slices: readonly EndpointSlice[],
  { name = "", protocol }: ServicePort,
  farEndOf: (endpoint: SliceEndpoint) => FarEnd | undefined,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    const slicePort = slice.ports.find((port) => port.name === name && port.protocol === protocol);
    if (slicePort?.port === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const address = endpoint.addresses[0];
      if (address === undefined || !holds(endpoint) || !isHostAddress(address)) continue; // stored before slices were checked
      const podUid = endpoint.targetRef?.uid ?? "";
      const isEnding = endpoint.conditions.terminating ?? false;
      const far = farEndOf(endpoint);
      const live = {
        ...{ address, port: slicePort.port, podUid },
        ...(isEnding && { isEnding }),
        ...(far && { far }),
      };
      found.set(endpointKey(live), live);
    }
  }
  return [...found.values()];
}

function isReady({ conditions }: SliceEndpoint): boolean {
  return conditions.ready ?? true;
}

function isServingWhileTerminating({ conditions }: SliceEndpoint): boolean {
  return (conditions.terminating ?? false) && (conditions.serving ?? conditions.ready ?? true);
}
