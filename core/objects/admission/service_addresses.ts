import { formatIpv4, type Ipv4Range, parseIpv4, sizeOfRange } from "../../lib/addresses/ipv4.ts";
import type { Random } from "../../lib/random.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { needsNodePorts } from "../../resources/core/services/service_rules.ts";
import type { Service, ServicePort } from "../../resources/core/services/services.ts";
import type { Store } from "../../store/store.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

export interface ServiceAddressOptions {
  random: Random;
  /** ClusterIPs come from here. Its first address belongs to `kubernetes` in `default`. */
  range: Ipv4Range;
  nodePorts: { first: number; last: number };
}

type Ports = NonNullable<Service["spec"]["ports"]>;

/**
 * Gives each Service its address in the cluster and its node ports.
 *
 * What is in use is read from the Services; what was given to one that is not yet visible is remembered until
 * it is. So a removed Service needs no release, and a restart needs no repair.
 * https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
 */
export class ServiceAddresses {
  readonly #options: ServiceAddressOptions;
  readonly #claimed = new Set<string>();

  constructor(options: ServiceAddressOptions) {
    this.#options = options;
  }

  readonly admit = (request: AdmissionRequest): KubeObject => {
    const { resource, next, previous } = request;
    if (resource.group !== "" || resource.kind !== "Service") return next;
    const service = carriedOver(next as Service, previous as Service | undefined);
    return this.#withNodePorts(this.#withClusterIp(service, request), request);
  };

  #withClusterIp(service: Service, request: AdmissionRequest): Service {
    const { type, clusterIP, ...rest } = service.spec;
    if (type === "ExternalName") {
      const { clusterIPs: _, ipFamilies: __, ipFamilyPolicy: ___, ...spec } = rest;
      return { ...service, spec: { ...spec, type } };
    }
    if (clusterIP === "None") return withAddress(service, "None");
    const before = (request.previous as Service | undefined)?.spec.clusterIP;
    if (clusterIP && clusterIP === before) return withAddress(service, clusterIP);
    const address = clusterIP
      ? this.#checked(clusterIP, service, request)
      : this.#free(usedAddresses(request.store), request);
    return withAddress(service, address);
  }

  #checked(address: string, { metadata }: Service, request: AdmissionRequest): string {
    const { range } = this.#options;
    const offset = (parseIpv4(address) ?? -1) - range.first;
    const refuse = (why: string) =>
      request.causes.push(
        invalidAddress(address, `failed to allocate IP ${address}: ${why}`),
      );
    const isFirst = metadata.namespace === "default" && metadata.name === "kubernetes";
    if (offset < 1 || offset > sizeOfRange(range) - 2) {
      refuse(
        `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${
          formatIpv4(range.first)
        }/${range.prefixLength}`,
      );
    } else if ((offset === 1 && !isFirst) || this.#isTaken(usedAddresses(request.store), address)) {
      refuse("provided IP is already allocated");
    } else this.#claim(address, request);
    return address;
  }

  /** Starts anywhere, so that an address is not given out again right after its Service has gone. */
  #free(used: ReadonlySet<string>, request: AdmissionRequest): string {
    const { random, range } = this.#options;
    const count = sizeOfRange(range) - 3; // without the network's own, the first and the last
    const start = random.integer(count);
    for (let i = 0; i < count; i++) {
      const address = formatIpv4(range.first + 2 + (start + i) % count);
      if (this.#isTaken(used, address)) continue;
      this.#claim(address, request);
      return address;
    }
    request.causes.push(invalidAddress("", `failed to allocate a serviceIP: range is full`));
    return "";
  }

  #withNodePorts(service: Service, request: AdmissionRequest): Service {
    const { ports = [], type, allocateLoadBalancerNodePorts } = service.spec;
    const isNeeded = type === "NodePort" ||
      (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
    if (!isNeeded && !ports.some(({ nodePort }) => nodePort)) return service;
    const own = new Set(
      ((request.previous as Service | undefined)?.spec.ports ?? []).map(nodePortKey),
    );
    const used = usedNodePorts(request.store);
    const given = ports.map((port, i) => {
      if (port.nodePort) {
        if (!own.has(nodePortKey(port))) this.#checkNodePort(port, i, used, request);
        return port;
      }
      return isNeeded ? { ...port, nodePort: this.#freeNodePort(port, i, used, request) } : port;
    });
    return { ...service, spec: { ...service.spec, ports: given } };
  }

  #checkNodePort(
    port: ServicePort,
    i: number,
    used: ReadonlySet<string>,
    request: AdmissionRequest,
  ): void {
    const { first, last } = this.#options.nodePorts;
    const field = `spec.ports[${i}].nodePort`;
    const number = port.nodePort!;
    if (number < first || number > last) {
      const why =
        `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      request.causes.push(invalid(field, number, why));
    } else if (this.#isTaken(used, nodePortKey(port))) {
      request.causes.push(invalid(field, number, "provided port is already allocated"));
    } else this.#claim(nodePortKey(port), request);
  }

  #freeNodePort(
    port: ServicePort,
    i: number,
    used: ReadonlySet<string>,
    request: AdmissionRequest,
  ): number {
    const { random, nodePorts: { first, last } } = this.#options;
    const count = last - first + 1;
    const start = random.integer(count);
    for (let n = 0; n < count; n++) {
      const nodePort = first + (start + n) % count;
      const key = nodePortKey({ ...port, nodePort });
      if (this.#isTaken(used, key)) continue;
      this.#claim(key, request);
      return nodePort;
    }
    const why = "failed to allocate a nodePort: range is full";
    request.causes.push(invalid(`spec.ports[${i}].nodePort`, 0, why));
    return 0;
  }

  #isTaken(used: ReadonlySet<string>, key: string): boolean {
    return used.has(key) || this.#claimed.has(key);
  }

  #claim(key: string, request: AdmissionRequest): void {
    this.#claimed.add(key);
    request.atEnd(() => this.#claimed.delete(key));
  }
}

/** Who writes a Service without what was given to it keeps it. */
function carriedOver(next: Service, previous: Service | undefined): Service {
  if (!previous || next.spec.type === "ExternalName") return next;
  const { clusterIP, clusterIPs } = previous.spec;
  const address = !next.spec.clusterIP && clusterIP
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
  return { ...service, spec } as Service;
}

function usedAddresses(store: Store): Set<string> {
  return new Set(servicesIn(store).map(({ spec }) => spec.clusterIP ?? ""));
}

function usedNodePorts(store: Store): Set<string> {
  return new Set(servicesIn(store).flatMap(({ spec }) => (spec.ports ?? []).map(nodePortKey)));
}

function servicesIn(store: Store): Service[] {
  return store.list(["services"]).map(({ object }) => object as Service);
}

function nodePortKey({ protocol, nodePort }: ServicePort): string {
  return `${protocol}/${nodePort ?? 0}`;
}

/** Kubernetes shows the list as Go writes it. */
function invalidAddress(address: string, why: string): Cause {
  return {
    field: "spec.clusterIPs",
    reason: "FieldValueInvalid",
    message: `Invalid value: []string{${JSON.stringify(address)}}: ${why}`,
  };
}
