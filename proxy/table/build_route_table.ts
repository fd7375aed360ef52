import type { View } from "../../core/client/client.ts";
import { isEqual } from "../../core/lib/equality.ts";
import {
  DEFAULT_SETTINGS,
  type GatewaySettings,
  settingsOf,
} from "../../core/resources/gateway/settings.ts";
import type { BackendObjectReference } from "../../core/resources/gateway/http_route_filters.ts";
import type { HttpRoute } from "../../core/resources/gateway/http_routes.ts";
import type { NamespacedObject } from "../../core/resources/resource.ts";
import { type Service, services } from "../../core/resources/core/services/services.ts";
import { type Attachment, attachmentsOf } from "../../core/traffic/attachments.ts";
import { type ReferredPort, targetOf } from "../../core/traffic/backend_references.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import {
  closedBecause,
  type OwnGateway,
  type OwnGateways,
  ownGatewaysOf,
} from "../../core/traffic/own_gateways.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { isPlacedOn } from "../../core/resources/gateway/placement.ts";
import { type BuiltRule, rulesOf, type RuleTargets } from "./route_rules.ts";
import {
  compareHostnames,
  compareRoutes,
  type Lead,
  type Listener,
  type ListenerHost,
  type Problem,
  type Route,
  type RouteTable,
  type Share,
} from "./route_table.ts";
import { type Reach, ROUTED } from "../../core/traffic/reach.ts";
import { isClusterDns } from "../../core/traffic/cluster_dns.ts";
import { type Backend } from "../../core/traffic/backends.ts";
import {
  backendNameOf,
  type BackendSelection,
  serviceBackend,
  type ServicePortName,
} from "../../core/traffic/service_backends.ts";
import { preferenceOf } from "../../core/traffic/viewpoints.ts";
import { sharesOf } from "../../core/traffic/service_shares.ts";
import { portSharesOf } from "./split_shares.ts";
import { type IngressHost, ingressHosts } from "./ingress_hosts.ts";
import { healthListener } from "./health_listeners.ts";
import { hostPortListeners } from "./host_ports.ts";
import {
  isLeftAlone,
  serviceListeners,
  type ServicePlaces,
  type ServiceTargets,
} from "./service_listeners.ts";

export interface RouteTableOptions extends ServicePlaces {
  /** Where the listeners of Gateways are opened: `0.0.0.0` for all addresses. */
  gatewayAddress: string;
  /** Whom this node reaches, and how; absent: all by routes. */
  reach?: Reach;
}

/**
 * What the proxy does, from what the objects say: Gateways of our class with their HTTPRoutes, Services with their
 * EndpointSlices. Pure: the same view gives the same table.
 *
 * Weights stay with their share: requests of a share whose Service does not exist get 500, of one without ready endpoints
 * 503; the other shares get no more than before (Gateway API, HTTPRouteRule.backendRefs).
 */
export function buildRouteTable(view: View, options: RouteTableOptions): RouteTable {
  const builder = new TableBuilder(view, options);
  const listeners = new Map<string, Listener>();
  for (const listener of gatewayListeners(view, options, builder)) {
    listeners.set(placeOf(listener), listener);
  }
  const open = (listener: Listener, kind: "Pod" | "Service", { metadata }: NamespacedObject) => {
    const place = placeOf(listener);
    if (!listeners.has(place)) listeners.set(place, listener);
    else builder.report(portTaken(kind, metadata, listener));
  };
  for (const service of view.list(services)) {
    if (isClusterDns(service) || isLeftAlone(service)) continue;
    reportShares(service, builder);
    const own = serviceListeners(service, view, options, builder);
    for (const listener of own) open(listener, "Service", service);
    const health = healthListener(service, options, () => builder.localEndpoints(service, options));
    if (health !== undefined) open(health, "Service", service);
  }
  for (const { pod, listener } of hostPortListeners(view, options, (each) => builder.add(each))) {
    open(listener, "Pod", pod);
  }
  return {
    listeners: [...listeners.values()],
    backends: builder.backends,
    problems: builder.problems,
  };
}

/** What is wrong with the shares of a Service, which are then not followed. */
function reportShares(service: Service, builder: TableBuilder): void {
  const { namespace, name } = service.metadata;
  const read = sharesOf(service);
  if (read === undefined || !("fault" in read)) return;
  const reason = "UnsupportedValue", message = read.fault;
  builder.report({ kind: "Service", namespace, name, section: "", reason, message });
}

class TableBuilder implements RuleTargets, ServiceTargets {
  readonly backends: Backend[] = [];
  readonly problems: Problem[] = [];
  readonly #view: View;
  readonly #nodeName: string | undefined;
  readonly #reach: Reach;
  readonly #indexes = new Map<string, number>();

  constructor(view: View, { nodeName, reach = ROUTED }: RouteTableOptions) {
    this.#view = view;
    this.#reach = reach;
    this.#nodeName = nodeName;
  }

  referred(reference: BackendObjectReference, namespace: string): ReferredPort {
    return targetOf(reference, namespace, this.#view);
  }

  backendOf(port: ServicePortName, selection = this.#preferenceOf(port)): number {
    const name = backendNameOf(port, selection);
    return this.#indexes.get(name) ??
      this.add(serviceBackend(this.#view, port, selection, this.#reach));
  }

  sharesOf(port: ServicePortName, selection = this.#preferenceOf(port)): Share[] {
    const shares = portSharesOf(this.#view, port) ?? [{ weight: 1, port }];
    return shares.map(({ weight, port }) => ({ weight, backend: this.backendOf(port, selection) }));
  }

  leadOf(port: ServicePortName, selection: BackendSelection): Lead {
    const shares = this.sharesOf(port, selection);
    const backend = shares.find(({ weight }) => weight > 0)!.backend; // without one a Service is not split
    if (shares.length === 1) return { backend };
    return { backend, split: { key: `service ${backendNameOf(port, selection)}`, shares } };
  }

  add(backend: Backend): number {
    const known = this.#indexes.get(backend.name);
    if (known !== undefined) return known;
    const index = this.backends.push(backend) - 1;
    this.#indexes.set(backend.name, index);
    return index;
  }

  /** How many endpoints of a Service are on this node. */
  localEndpoints(
    { metadata: { namespace, name }, spec: { ports = [] } }: Service,
    { nodeName }: ServicePlaces,
  ): number {
    const counts = ports.map(({ port, protocol }) => {
      if (protocol === "SCTP") return 0;
      const selection = { protocol, onlyOnNode: nodeName! } as const;
      return this.backends[this.backendOf({ namespace, name, port }, selection)]!.endpoints.length;
    });
    return Math.max(0, ...counts);
  }

  /** Whom a Gateway leads to first, as the Service asks. */
  #preferenceOf(port: ServicePortName): BackendSelection {
    const service = this.#view.get(services, port);
    return service === undefined ? {} : preferenceOf(this.#view, service, this.#nodeName);
  }

  report(problem: Problem): void {
    this.problems.push(problem);
  }
}

/**
 * One HTTP listener for each port; Gateways and listeners that share a port are told apart by host name. Each host name
 * is one listener's: what is in conflict with an older Gateway is left out.
 */
function gatewayListeners(
  view: View,
  { gatewayAddress: address, nodeName }: RouteTableOptions,
  builder: TableBuilder,
): Listener[] {
  const ports: OpenPorts = new Map();
  const gateways = gatewaysOn(view, nodeName);
  for (const gateway of gateways.values()) openPorts(gateway, ports, builder);
  const rules = new Map<HttpRoute, BuiltRule[]>();
  for (const attachment of attachmentsOf(view, gateways)) {
    const { route } = attachment;
    const built = rules.get(route) ?? rulesOf(route, builder);
    rules.set(route, built);
    attach(attachment, built, ports, builder);
  }
  for (const host of ingressHosts(view, builder)) attachIngress(host, ports, builder);
  return [...ports].map(([port, { isEncrypted, hosts }]) => ({
    protocol: "HTTP",
    ...(isEncrypted && { isEncrypted }),
    name: `gateway ${port}`,
    address,
    port,
    hosts: [...hosts].map(([hostname, { settings, routes, certificates }]): ListenerHost => ({
      hostname,
      ...(isEqual(settings, DEFAULT_SETTINGS) ? {} : { settings }),
      ...(certificates && { certificates }),
      routes: routes.sort(compareRoutes),
    })).sort((a, b) => compareHostnames(a.hostname, b.hostname)),
  }));
}

/** Our Gateways that are on this node. */
function gatewaysOn(view: View, nodeName: string | undefined): OwnGateways {
  const all = ownGatewaysOf(view);
  if (nodeName === undefined) return all;
  const labels = view.get(nodes, { name: nodeName })?.metadata.labels;
  return new Map([...all].filter(([, { gateway }]) => isPlacedOn(gateway, labels)));
}

/** Open listeners by port and host name. A port speaks TLS or does not. */
type OpenPorts = Map<number, { isEncrypted: boolean; hosts: Map<string, OpenHost> }>;

interface OpenHost {
  readonly settings: GatewaySettings;
  readonly routes: Route[];
  readonly certificates?: readonly ServedCertificate[];
}

function portOf(ports: OpenPorts, port: number, isEncrypted: boolean) {
  const open = ports.get(port) ?? { isEncrypted, hosts: new Map<string, OpenHost>() };
  ports.set(port, open);
  return open;
}

function openPorts(
  { gateway: { metadata: { namespace, name, annotations } }, listeners }: OwnGateway,
  ports: OpenPorts,
  builder: TableBuilder,
): void {
  const settings = settingsOf(annotations);
  for (const listener of listeners) {
    const { spec: { name: section, port }, hostname, tls } = listener;
    const closed = closedBecause(listener), fault = closed ?? tls?.fault;
    if (fault !== undefined) {
      builder.report({ kind: "Gateway", namespace, name, section, ...fault });
    }
    if (closed !== undefined) continue;
    const certificates = tls?.certificates;
    portOf(ports, port, tls !== undefined).hosts
      .set(hostname, { settings, routes: [], ...(certificates && { certificates }) });
  }
}

function attach(
  { route, listeners, refusal }: Attachment,
  rules: readonly BuiltRule[],
  ports: OpenPorts,
  builder: TableBuilder,
): void {
  const { namespace, name } = route.metadata;
  if (refusal) builder.report({ kind: "HTTPRoute", namespace, name, section: "", ...refusal });
  for (const { listener, hostnames } of listeners) {
    const host = ports.get(listener.spec.port)?.hosts.get(listener.hostname);
    if (host === undefined) continue; // its listener has no certificate
    for (const hostname of hostnames) {
      for (const { rule, matches } of rules) {
        host.routes.push(...matches.map((match) => ({ hostname, match, rule })));
      }
    }
  }
}

function attachIngress(
  { port, hostname, routes, certificates }: IngressHost,
  ports: OpenPorts,
  builder: TableBuilder,
): void {
  const { isEncrypted, hosts } = portOf(ports, port, certificates !== undefined);
  if (isEncrypted !== (certificates !== undefined)) {
    const [first] = routes;
    if (first) builder.report(otherProtocol(first.ingress.metadata, port, hostname));
    return;
  }
  const host = hosts.get(hostname) ??
    { settings: DEFAULT_SETTINGS, routes: [], ...(certificates && { certificates }) };
  hosts.set(hostname, host);
  host.routes.push(...routes.map(({ hostname, match, rule }) => ({ hostname, match, rule })));
}

function otherProtocol(
  { namespace, name }: NamespacedObject["metadata"],
  port: number,
  hostname: string,
): Problem {
  const message = `Port ${port} is a Gateway's that speaks another protocol on it, ` +
    `so "${hostname}" is not served there`;
  return {
    ...{ kind: "Ingress", namespace, name, section: String(port) },
    ...{ reason: "ProtocolConflict", message },
  };
}

/** What only one can have. */
function placeOf({ protocol, address, port }: Listener): string {
  return `${protocol === "UDP" ? "UDP" : "TCP"} ${address} ${port}`;
}

function portTaken(
  kind: "Pod" | "Service",
  { namespace, name }: NamespacedObject["metadata"],
  { address, port }: Listener,
): Problem {
  return {
    kind,
    namespace,
    name,
    section: String(port),
    reason: "PortUnavailable",
    message: `${address}:${port} is another listener's`,
  };
}
