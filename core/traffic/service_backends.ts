import { isHostAddress } from "../lib/addresses/ip_address.ts";
import type { View } from "../client/client.ts";
import {
  type Endpoint as SliceEndpoint,
  type EndpointSlice,
  endpointSlices,
} from "../resources/discovery/endpoint_slices.ts";
import { type Service, type ServicePort, services } from "../resources/core/services/services.ts";
import { type Backend, type BackendFault, type Endpoint, endpointKey } from "./backends.ts";

/** A port of a Service, by number. */
export interface ServicePortName {
  namespace: string;
  name: string;
  port: number;
}

/** A backend that answers every request with 500. `reason`: a sentence without a full stop. */
export function invalidBackend(name: string, reason: string): Backend {
  return { name, state: "invalid", reason, endpoints: [] };
}

/**
 * Who answers for a port of a Service: its ready endpoints; when there is none, those that are terminating and still
 * serve (https://github.com/kubernetes/enhancements/issues/1669). `invalid` when Service or port do not exist.
 */
export function serviceBackend(view: View, { namespace, name, port }: ServicePortName): Backend {
  const backendName = `${namespace}/${name}:${port}`;
  const found = findPorts(view, { namespace, name, port });
  if ("fault" in found) return invalidBackend(backendName, found.fault.message);
  if (found.service.spec.type === "ExternalName") {
    return invalidBackend(backendName, `service "${namespace}/${name}" is of type ExternalName`);
  }
  const servicePort = found.ports.find(isForwarded);
  if (servicePort === undefined) {
    const reason = `service "${namespace}/${name}" has no port ${port} of protocol TCP`;
    return invalidBackend(backendName, reason);
  }
  const endpoints = endpointsOf(view, namespace, name, servicePort);
  if (endpoints.length > 0) return { name: backendName, state: "valid", endpoints };
  const reason = `service "${namespace}/${name}" has no ready endpoints`;
  return { name: backendName, state: "empty", reason, endpoints };
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

/** Whether connections to the port are forwarded by the proxy. */
export function isForwarded({ protocol }: Pick<ServicePort, "protocol">): boolean {
  return protocol === "TCP";
}

function endpointsOf(view: View, namespace: string, name: string, port: ServicePort): Endpoint[] {
  const slices = view.by(endpointSlices, "service", `${namespace}/${name}`);
  const ipv4 = slices.filter(({ addressType }) => addressType === "IPv4");
  const ipv6 = slices.filter(({ addressType }) => addressType === "IPv6");
  const ready = endpointsWhere(isReady, ipv4, port);
  if (ready.length > 0) return ready;
  const readyV6 = endpointsWhere(isReady, ipv6, port);
  if (readyV6.length > 0) return readyV6;
  const ending = endpointsWhere(isServingWhileTerminating, ipv4, port);
  return ending.length > 0 ? ending : endpointsWhere(isServingWhileTerminating, ipv6, port);
}

function endpointsWhere(
  holds: (endpoint: SliceEndpoint) => boolean,
  slices: readonly EndpointSlice[],
  { name = "" }: ServicePort,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    const slicePort = slice.ports.find((port) => port.name === name && port.protocol === "TCP");
    if (slicePort?.port === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const address = endpoint.addresses[0];
      if (address === undefined || !holds(endpoint) || !isHostAddress(address)) continue; // stored before slices were checked
      const podUid = endpoint.targetRef?.uid ?? "";
      const isEnding = endpoint.conditions.terminating ?? false;
      const live = { address, port: slicePort.port, podUid, ...(isEnding && { isEnding }) };
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
