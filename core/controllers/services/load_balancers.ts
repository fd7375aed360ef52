import type { ObjectName, View } from "../../client/client.ts";
import {
  formatIpv4,
  isInRange,
  parseIpv4,
  parseIpv4Range,
  sizeOfRange,
} from "../../lib/addresses/ipv4.ts";
import { isEqual } from "../../lib/equality.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import { isOwnLoadBalancer } from "../../traffic/load_balancers.ts";
import { EVERY_ADDRESS, listenerAddresses } from "../gateway/listener_addresses.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  updateStatus,
} from "../runtime/controller.ts";

/** What a Service of the type LoadBalancer is given. */
export interface LoadBalancerOptions {
  /** Where listeners are opened; `0.0.0.0`: on all addresses, then the Service has those of the nodes. */
  address: string;
  /** Addresses of which each Service gets one of its own, in CIDR notation; absent: it has those of the nodes. */
  range?: string;
}

/**
 * Gives Services of the type LoadBalancer their addresses, and takes them from those that are no longer of it. One with a class
 * of its own is another controller's.
 * https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
 */
export function loadBalancerController(options: LoadBalancerOptions): Controller<Service> {
  const balancers = (_changed: KubeObject, view: View): ObjectName[] =>
    view.list(services).filter(({ spec }) => isOwnLoadBalancer(spec))
      .map(({ metadata }) => metadata);
  const { address, range } = options;
  const followsNodes = range === undefined && EVERY_ADDRESS.includes(address);
  return {
    name: "service-controller",
    resource: services,
    watches: [
      // An address that one lets go may be what another waits for.
      ...(range === undefined ? [] : [{ resource: services, concerns: waiting }]),
      ...(followsNodes ? [{ resource: nodes, concerns: balancers }] : []),
    ],
    workers: 1, // so that no two Services are given one address
    reconcile: (service, view) => reconcile(service, view, options),
  };
}

/** Those that have no address yet. */
function waiting(_changed: KubeObject, view: View): ObjectName[] {
  return view.list(services).filter(({ spec, status }) =>
    isOwnLoadBalancer(spec) && !status.loadBalancer.ingress?.length
  ).map(({ metadata }) => metadata);
}

function reconcile(service: Service, view: View, options: LoadBalancerOptions): Plan {
  const { spec, status, metadata } = service;
  const had = status.loadBalancer.ingress ?? [];
  if (spec.type === "LoadBalancer" && spec.loadBalancerClass) return NOTHING;
  const isWanted = isOwnLoadBalancer(spec) && metadata.deletionTimestamp === undefined;
  const addresses = isWanted ? addressesFor(service, view, options) : [];
  const ingress = addresses.map((ip) => ({ ip, ipMode: "VIP" as const }));
  if (isEqual(ingress, had)) return NOTHING;
  const loadBalancer = { ...(ingress.length > 0 && { ingress }) };
  const write = updateStatus(services, { ...service, status: { ...status, loadBalancer } });
  const isNew = had.length === 0;
  return plan([write, ...(isNew ? [recordEvent(ensured(service))] : [])]);
}

function addressesFor(
  service: Service,
  view: View,
  { address, range }: LoadBalancerOptions,
): string[] {
  if (range !== undefined) return ownAddress(service, view, range);
  return listenerAddresses(address, view);
}

/** The one that it has, the one that it asks for, or the first that is free; none when that is not possible. */
function ownAddress(service: Service, view: View, text: string): string[] {
  const range = parseIpv4Range(text)!;
  const { namespace, name } = service.metadata;
  const others = view.list(services).filter(({ metadata }) =>
    metadata.namespace !== namespace || metadata.name !== name
  );
  const used = new Set(
    others.flatMap(({ status }) => (status.loadBalancer.ingress ?? []).map(({ ip }) => ip)),
  );
  const isFree = (ip: string | undefined): ip is string => {
    const number = parseIpv4(ip ?? "");
    return number !== undefined && isInRange(number, range) && !used.has(ip);
  };
  const { loadBalancerIP: asked } = service.spec;
  if (asked) return isFree(asked) ? [asked] : [];
  const current = service.status.loadBalancer.ingress?.[0]?.ip;
  if (isFree(current)) return [current];
  for (let i = 0; i < sizeOfRange(range); i++) {
    const ip = formatIpv4(range.first + i);
    if (!used.has(ip)) return [ip];
  }
  return [];
}

function ensured(about: Service) {
  return {
    about,
    type: "Normal" as const,
    reason: "EnsuredLoadBalancer",
    message: "Ensured load balancer",
  };
}
