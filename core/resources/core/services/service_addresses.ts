import { formatIpv4, parseIpv4, sizeOfRange } from "../../../lib/addresses/ipv4.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import type { AdmissionContext } from "../../admission.ts";
import type { NamespacedObject } from "../../resource.ts";
import { hasHealthCheck, needsNodePorts } from "./service_rules.ts";
import type { ServicePort, ServiceSpec } from "./service_spec.ts";

interface Service extends NamespacedObject {
  spec: ServiceSpec;
}
type Context = AdmissionContext<Service>;
type Ports = NonNullable<ServiceSpec["ports"]>;

/** Of IPAddresses that are made for Services. */
export const ADDRESS_MANAGED_BY = "ipaddress.kubernetes.io/managed-by";
export const ADDRESS_MANAGER = "ipallocator.k8s.io";

/** As kube-apiserver has them by default. */
const NODE_PORTS = { first: 30_000, last: 32_767 };

/**
 * Gives a Service its address in the cluster and its node ports. The first address of the range belongs to `kubernetes`
 * in `default`.
 *
 * What is in use is read from the Services; what was given to one that is not yet visible is claimed until it is. So a
 * removed Service needs no release, and a restart needs no repair.
 * https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
 */
export function withServiceAddresses<T extends Service>(
  next: T,
  previous: T | undefined,
  context: Context,
): T {
  const kept = carriedOver(next, previous);
  const addressed = withClusterIp(kept, previous?.spec.clusterIP, context);
  const ported = withNodePorts(addressed, previous, context);
  return { ...next, spec: withHealthCheckPort(ported, previous, context).spec };
}

function withClusterIp(service: Service, before: string | undefined, context: Context): Service {
  const { type, clusterIP, ...rest } = service.spec;
  if (type === "ExternalName") {
    const { clusterIPs: _, ipFamilies: __, ipFamilyPolicy: ___, ...spec } = rest;
    return { ...service, spec: { ...spec, type } };
  }
  if (clusterIP === "None") return withAddress(service, "None");
  if (clusterIP && clusterIP === before) return withAddress(service, clusterIP);
  if (!clusterIP) return withAddress(service, freeAddress(context));
  const fault = addressFault(clusterIP, service, context);
  if (fault === undefined) context.claims.add(clusterIP);
  else {
    const why = `failed to allocate IP ${clusterIP}: ${fault}`;
    context.causes.push(invalidAddress(clusterIP, why));
  }
  return withAddress(service, clusterIP);
}

/** Why a Service cannot have the address that it asks for. */
function addressFault(
  address: string,
  { metadata }: Service,
  context: Context,
): string | undefined {
  const { serviceRange: range } = context.settings;
  const offset = (parseIpv4(address) ?? -1) - range.first;
  if (offset < 1 || offset > sizeOfRange(range) - 2) {
    const text = `${formatIpv4(range.first)}/${range.prefixLength}`;
    return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${text}`;
  }
  const isFirst = metadata.namespace === "default" && metadata.name === "kubernetes";
  const isTaken = (offset === 1 && !isFirst) || context.claims.has(address) ||
    usedAddresses(context).has(address);
  return isTaken ? "provided IP is already allocated" : undefined;
}

/**
 * Starts anywhere, so that an address is not given out again right after its Service has gone. The lowest are given last:
 * they are for those who ask for one (KEP-3070).
 */
function freeAddress(context: Context): string {
  const { random, settings: { serviceRange: range }, claims } = context;
  const used = usedAddresses(context);
  const count = sizeOfRange(range) - 3; // without the network's own, the first and the last
  const low = staticCountOf(sizeOfRange(range));
  for (const [from, length] of [[low, count - low], [0, low]] as const) {
    const start = random.integer(length);
    for (let i = 0; i < length; i++) {
      const address = formatIpv4(range.first + 2 + from + (start + i) % length);
      if (used.has(address) || claims.has(address)) continue;
      claims.add(address);
      return address;
    }
  }
  context.causes.push(invalidAddress("", "failed to allocate a serviceIP: range is full"));
  return "";
}

/** Kubernetes: `min(max(16, size / 16), 256)`, and none in a range that is too small for it (`calculateRangeOffset`). */
function staticCountOf(size: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
}

function withNodePorts(service: Service, previous: Service | undefined, context: Context): Service {
  const { ports = [], type, allocateLoadBalancerNodePorts } = service.spec;
  const isNeeded = type === "NodePort" ||
    (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
  if (!isNeeded && !ports.some(({ nodePort }) => nodePort)) return service;
  const own = new Set((previous?.spec.ports ?? []).map(nodePortKey));
  const used = usedNodePorts(context);
  const given = ports.map((port, i) => {
    const field = `spec.ports[${i}].nodePort`;
    if (port.nodePort) {
      if (!own.has(nodePortKey(port))) claimNodePort(port, field, used, context);
      return port;
    }
    return isNeeded ? { ...port, nodePort: freeNodePort(port, field, used, context) } : port;
  });
  return { ...service, spec: { ...service.spec, ports: given } };
}

/** A load balancer whose traffic stays on its node asks each node at a port whether it has pods of the Service. */
function withHealthCheckPort(
  service: Service,
  previous: Service | undefined,
  context: Context,
): Service {
  if (!hasHealthCheck(service.spec)) return service;
  const before = previous?.spec.healthCheckNodePort;
  const asked = service.spec.healthCheckNodePort || before;
  const field = "spec.healthCheckNodePort", used = usedNodePorts(context);
  if (!asked) {
    const port: ServicePort = { protocol: "TCP", port: 0 };
    const healthCheckNodePort = freeNodePort(port, field, used, context);
    return { ...service, spec: { ...service.spec, healthCheckNodePort } };
  }
  const port: ServicePort = { protocol: "TCP", port: 0, nodePort: asked };
  if (asked !== before) claimNodePort(port, field, used, context);
  return { ...service, spec: { ...service.spec, healthCheckNodePort: asked } };
}

function claimNodePort(
  port: ServicePort,
  field: string,
  used: ReadonlySet<string>,
  { causes, claims }: Context,
): void {
  const { first, last } = NODE_PORTS;
  const [number, key] = [port.nodePort!, nodePortKey(port)];
  if (number < first || number > last) {
    const why =
      `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    causes.push(invalid(field, number, why));
  } else if (used.has(key) || claims.has(key)) {
    causes.push(invalid(field, number, "provided port is already allocated"));
  } else claims.add(key);
}

function freeNodePort(
  port: ServicePort,
  field: string,
  used: ReadonlySet<string>,
  { random, causes, claims }: Context,
): number {
  const { first, last } = NODE_PORTS;
  const count = last - first + 1;
  const start = random.integer(count);
  for (let n = 0; n < count; n++) {
    const nodePort = first + (start + n) % count;
    const key = nodePortKey({ ...port, nodePort });
    if (used.has(key) || claims.has(key)) continue;
    claims.add(key);
    return nodePort;
  }
  causes.push(invalid(field, 0, "failed to allocate a nodePort: range is full"));
  return 0;
}

/** Who writes a Service without what was given to it keeps it. */
function carriedOver(next: Service, previous: Service | undefined): Service {
  if (!previous) return next;
  const { clusterIP, clusterIPs } = previous.spec;
  const address = !next.spec.clusterIP && clusterIP && next.spec.type !== "ExternalName"
    ? { clusterIP, ...(clusterIPs && { clusterIPs }) }
    : {};
  const ports = needsNodePorts(next.spec)
    ? withNodePortsOf(next.spec.ports ?? [], previous)
    : withoutNodePortsOf(next.spec.ports ?? [], previous);
  return { ...next, spec: { ...next.spec, ...address, ...(ports.length > 0 && { ports }) } };
}

/** A node port stays with the name of its port, whatever else of it changes, unless it is given to another port. */
function withNodePortsOf(ports: Ports, { spec }: Service): Ports {
  const named = new Map((spec.ports ?? []).map(({ name, nodePort }) => [name, nodePort]));
  const given = new Set(ports.map(({ nodePort }) => nodePort));
  return ports.map((port) => {
    const nodePort = port.nodePort ?? named.get(port.name);
    return nodePort === undefined || (!port.nodePort && given.has(nodePort))
      ? port
      : { ...port, nodePort };
  });
}

/** A type that needs no node ports drops what another was given; what is new is for others to refuse. */
function withoutNodePortsOf(ports: Ports, { spec }: Service): Ports {
  const before = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  if (ports.some(({ nodePort }) => nodePort && !before.has(nodePort))) return ports;
  return ports.map(({ nodePort: _, ...port }) => port);
}

function withAddress(service: Service, clusterIP: string): Service {
  const { ipFamilies = ["IPv4"], ipFamilyPolicy = "SingleStack" } = service.spec;
  const spec = { ...service.spec, clusterIP, clusterIPs: [clusterIP], ipFamilies, ipFamilyPolicy };
  return { ...service, spec };
}

/** Those of Services, and those that users have set aside by an IPAddress. */
function usedAddresses({ all, others }: Context): Set<string> {
  const ofServices = all().map(({ spec }) => spec.clusterIP ?? "");
  const setAside = others("ipaddresses.networking.k8s.io")
    .filter(({ metadata: { labels } }) => labels?.[ADDRESS_MANAGED_BY] !== ADDRESS_MANAGER)
    .map(({ metadata: { name } }) => name);
  return new Set([...ofServices, ...setAside]);
}

function usedNodePorts({ all }: Context): Set<string> {
  return new Set(
    all().flatMap(({ spec: { ports = [], healthCheckNodePort } }) => [
      ...ports.map(nodePortKey),
      ...(healthCheckNodePort ? [`TCP/${healthCheckNodePort}`] : []),
    ]),
  );
}

function nodePortKey({ protocol, nodePort }: ServicePort): string {
  return `${protocol}/${nodePort ?? 0}`;
}

/** Kubernetes shows the list of both families. */
function invalidAddress(address: string, why: string): Cause {
  return {
    field: "spec.clusterIPs",
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify([address])}: ${why}`,
  };
}
