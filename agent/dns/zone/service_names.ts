import { isHostAddress } from "../../../core/lib/addresses/ip_address.ts";
import type { Service } from "../../../core/resources/core/services/services.ts";
import type { Endpoint, EndpointSlice } from "../../../core/resources/discovery/endpoint_slices.ts";

/** What the names of a Service are made of, as plain data. */
export interface ServiceNames {
  namespace: string;
  name: string;
  /** The name elsewhere that it stands for. */
  externalName?: string;
  /** Its own addresses; a Service without any has those of its endpoints. */
  clusterIPs: readonly string[];
  ports: readonly NamedPort[];
  endpoints: readonly NamedEndpoint[];
}

/** Protocols are in small letters. */
export interface NamedPort {
  name: string;
  protocol: string;
  port: number;
}

export interface NamedEndpoint {
  ip: string;
  hostname?: string;
  ports: readonly NamedPort[];
}

/**
 * What DNS says of a Service: its addresses or, when it is headless, those of its ready endpoints, or of all of them when it
 * publishes those that are not ready.
 * https://github.com/kubernetes/dns/blob/master/docs/specification.md
 */
export function serviceNamesOf(
  { metadata: { namespace, name }, spec }: Service,
  slices: readonly EndpointSlice[],
): ServiceNames {
  const base = { namespace, name, clusterIPs: [], ports: [], endpoints: [] };
  const { type, externalName, clusterIP, clusterIPs, publishNotReadyAddresses = false } = spec;
  if (type === "ExternalName") return { ...base, externalName: externalName ?? "" };
  if (clusterIP !== "None") {
    const own = clusterIPs ?? (clusterIP ? [clusterIP] : []);
    return { ...base, clusterIPs: own, ports: namedPorts(spec.ports ?? []) };
  }
  const endpoints = slices.flatMap((slice) => {
    const ports = namedPorts(slice.ports);
    return slice.endpoints.filter((each) => publishNotReadyAddresses || isReady(each))
      .flatMap((each) => namedEndpoints(each, ports));
  });
  return { ...base, endpoints };
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions.ready ?? true;
}

function namedEndpoints({ addresses, hostname }: Endpoint, ports: readonly NamedPort[]) {
  return addresses.filter(isHostAddress).map((ip) => ({
    ip,
    ...(hostname && { hostname }),
    ports,
  }));
}

function namedPorts(
  ports: readonly { name?: string; protocol: string; port?: number }[],
): NamedPort[] {
  return ports.flatMap(({ name, protocol, port }) =>
    name && port ? [{ name, protocol: protocol.toLowerCase(), port }] : []
  );
}
