import type { View } from "../client/client.ts";
import { type GatewayClass, gatewayClasses } from "../resources/gateway/gateway_classes.ts";
import { type Gateway, type GatewayListener, gateways } from "../resources/gateway/gateways.ts";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import { isPlacedOn, placementOf } from "../resources/gateway/placement.ts";
import { gatewayKey, type ListenerConflict, listenerConflicts } from "./listener_conflicts.ts";
import { type CertificateFault, type Certificates, certificatesOf } from "./certificates.ts";
import { hostnameOf, isServedProtocol, isTlsListener, SERVED_PROTOCOLS } from "./listeners.ts";

/** `spec.controllerName` of the classes of Gateways that Coracle serves. */
export const GATEWAY_CONTROLLER = "coracle.dev/gateway-controller";
export const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** A Gateway of a class of ours, and for each of its listeners whether it is served. */
export interface OwnGateway {
  readonly gateway: Gateway;
  readonly listeners: readonly OwnListener[];
}

export interface OwnListener {
  readonly spec: GatewayListener;
  /** In small letters; `""`: any. */
  readonly hostname: string;
  /** Why its protocol is not served. */
  readonly unsupported: ListenerFault | undefined;
  /** Why another listener has its port or host name. */
  readonly conflict: ListenerConflict | undefined;
  /** What clients are shown that speak TLS; absent: they speak none. */
  readonly tls?: Certificates;
  /** Whether HTTPRoutes may be attached to it, conflicts and namespaces aside. */
  readonly takesHttpRoutes: boolean;
  /** A kind in `allowedRoutes.kinds` that is not supported. */
  readonly unsupportedKind: string | undefined;
}

/** In the words of the condition `Accepted` of a listener. */
export interface ListenerFault {
  readonly reason: "UnsupportedProtocol" | ListenerConflict["reason"];
  readonly message: string;
}

/** By `namespace/name`, in the order of the view. */
export type OwnGateways = ReadonlyMap<string, OwnGateway>;

/** The Gateways that Coracle serves. */
export function ownGatewaysOf(view: View): OwnGateways {
  const classes = new Set(
    view.list(gatewayClasses).filter(isOwnClass).map(({ metadata }) => metadata.name),
  );
  const own = view.list(gateways).filter(({ spec }) => classes.has(spec.gatewayClassName));
  const conflicts = listenerConflicts(own, meetOn(view.list(nodes)));
  return new Map(own.map((gateway) => {
    const key = gatewayKey(gateway);
    const listeners = gateway.spec.listeners.map((listener) =>
      ownListener(listener, {
        conflict: conflicts.get(key)?.get(listener.name),
        tls: isTlsListener(listener) ? certificatesOfListener(listener, gateway, view) : undefined,
      })
    );
    return [key, { gateway, listeners }];
  }));
}

/** Whether two Gateways are on a node that both are on. Those that are on all nodes meet also while there is none. */
function meetOn(all: readonly Node[]): (one: Gateway, other: Gateway) => boolean {
  return (one, other) => {
    const [first, second] = [placementOf(one), placementOf(other)];
    if (first === undefined && second === undefined) return true;
    return all.some(({ metadata: { labels } }) =>
      isPlacedOn(one, labels) && isPlacedOn(other, labels)
    );
  };
}

export function isOwnClass({ spec }: GatewayClass): boolean {
  return spec.controllerName === GATEWAY_CONTROLLER;
}

/** Why the listener is not accepted; `undefined` when it is. */
export function faultOf({ unsupported, conflict }: OwnListener): ListenerFault | undefined {
  return unsupported ?? conflict;
}

/** Why the listener is not open; `undefined` when it is: one of several certificates is enough. */
export function closedBecause(listener: OwnListener): ListenerFault | CertificateFault | undefined {
  const { tls } = listener;
  return faultOf(listener) ?? (tls?.certificates.length === 0 ? tls.fault : undefined);
}

function certificatesOfListener(
  { tls }: GatewayListener,
  { metadata: { namespace } }: Gateway,
  view: View,
): Certificates {
  const from = { group: GATEWAY_GROUP, kind: "Gateway", namespace };
  return certificatesOf(tls?.certificateRefs ?? [], from, view);
}

function ownListener(
  spec: GatewayListener,
  { conflict, tls }: { conflict: ListenerConflict | undefined; tls: Certificates | undefined },
): OwnListener {
  const { kinds = [] } = spec.allowedRoutes;
  const isServed = isServedProtocol(spec);
  return {
    spec,
    hostname: hostnameOf(spec),
    unsupported: isServed ? undefined : unsupportedProtocol(spec),
    conflict,
    ...(tls && { tls }),
    takesHttpRoutes: isServed && (kinds.length === 0 || kinds.some(isHttpRoute)),
    unsupportedKind: kinds.find((kind) => !isHttpRoute(kind))?.kind,
  };
}

function isHttpRoute({ group, kind }: { group: string; kind: string }): boolean {
  return group === GATEWAY_GROUP && kind === "HTTPRoute";
}

function unsupportedProtocol({ protocol }: GatewayListener): ListenerFault {
  const supported = SERVED_PROTOCOLS.map((each) => `"${each}"`).join(", ");
  const message = `Protocol "${protocol}" is not supported; supported protocols: ${supported}`;
  return { reason: "UnsupportedProtocol", message };
}
