import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type GatewayClass, gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import {
  type Gateway,
  type GatewayListener,
  type GatewayListenerStatus,
  gateways,
} from "../../resources/gateway/gateways.ts";
import {
  type GatewayConflicts,
  gatewayKey,
  isServedProtocol,
  type ListenerConflict,
  listenerConflicts,
  NO_CONFLICTS,
} from "../../resources/gateway/listener_conflicts.ts";
import { type HttpRoute, httpRoutes } from "../../resources/gateway/http_routes.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  attachmentOf,
  GATEWAY_CONTROLLER,
  gatewayNameOf,
  isHttpRoute,
} from "../../traffic/route_attachments.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  updateStatus,
  type Watch,
} from "../runtime/controller.ts";
import { type GatewayNews, no, withAllNews, yes } from "./gateway_conditions.ts";

const ADDRESSES_MAX = 16;
const EVERY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];

/** Accepts the classes of Gateways that are ours. */
export const gatewayClassController: Controller<GatewayClass> = {
  name: "gateway-class-controller",
  resource: gatewayClasses,
  watches: [],
  workers: 1,
  reconcile(gatewayClass, _view, nowMs): Plan {
    const { metadata: { generation }, spec, status } = gatewayClass;
    if (spec.controllerName !== GATEWAY_CONTROLLER) return NOTHING;
    const news = spec.parametersRef === undefined
      ? yes("Accepted", "The class is served by Coracle")
      : no("Accepted", "InvalidParameters", "Classes of Coracle have no parameters");
    const conditions = withAllNews(status.conditions, [news], { generation, nowMs });
    if (isEqual(conditions, status.conditions)) return NOTHING;
    return plan([
      updateStatus(gatewayClasses, { ...gatewayClass, status: { ...status, conditions } }),
    ]);
  },
};

const routesOfGateways: Watch = {
  resource: httpRoutes,
  includesFormer: true,
  concerns: (changed): ObjectName[] => {
    const route = changed as HttpRoute;
    return (route.spec.parentRefs ?? []).flatMap((parent) => gatewayNameOf(route, parent) ?? []);
  },
};

/**
 * Says of each Gateway of ours, and of each of its listeners, whether it is served and where.
 * `address`: where listeners are opened; for all addresses, those of the nodes are named.
 *
 * https://gateway-api.sigs.k8s.io/api-types/gateway/#gateway-status
 */
export function gatewayController({ address }: { address: string }): Controller<Gateway> {
  const everyone = (_changed: KubeObject, view: View) =>
    view.list(gateways).map(({ metadata }) => metadata);
  return {
    name: "gateway-controller",
    resource: gateways,
    watches: [
      routesOfGateways,
      { resource: gateways, concerns: everyone }, // one that comes or goes has or had its ports
      { resource: gatewayClasses, concerns: everyone },
      { resource: namespaces, concerns: everyone },
      ...EVERY_ADDRESS.includes(address) ? [{ resource: nodes, concerns: everyone }] : [],
    ],
    workers: 1,
    reconcile(gateway, view, nowMs): Plan {
      if (!isOurs(gateway, view)) return NOTHING;
      const status = statusOf(gateway, view, addressesOf(address, view), nowMs);
      if (isEqual(status, gateway.status)) return NOTHING;
      return plan([updateStatus(gateways, { ...gateway, status })]);
    },
  };
}

/** What the Gateways of ours say of this one: which of its listeners are in conflict with older ones. */
export function conflictsOf(gateway: Gateway, view: View): GatewayConflicts {
  const own = view.list(gateways).filter((each) => isOurs(each, view));
  return listenerConflicts(own).get(gatewayKey(gateway)) ?? NO_CONFLICTS;
}

/** Whether the class of the Gateway is one of ours. */
export function isOurs({ spec }: Gateway, view: View): boolean {
  const gatewayClass = view.get(gatewayClasses, { name: spec.gatewayClassName });
  return gatewayClass?.spec.controllerName === GATEWAY_CONTROLLER;
}

function addressesOf(address: string, view: View): string[] {
  if (!EVERY_ADDRESS.includes(address)) return [address];
  const all = view.list(nodes).flatMap(({ status }) => status.addresses ?? [])
    .filter(({ type }) => type === "InternalIP").map(({ address: ip }) => ip);
  return [...new Set(all)].slice(0, ADDRESSES_MAX);
}

function statusOf(
  gateway: Gateway,
  view: View,
  addresses: readonly string[],
  nowMs: number,
): Gateway["status"] {
  const { metadata: { generation }, spec, status } = gateway;
  const conflicts = conflictsOf(gateway, view);
  const listeners = spec.listeners.map((listener) =>
    listenerStatus({ gateway, listener, conflicts }, view, nowMs)
  );
  const { addresses: _, ...rest } = status;
  const named = addresses.map((value) => ({ type: "IPAddress", value }));
  return {
    ...rest,
    ...(named.length > 0 && { addresses: named }), // a list that is empty is not kept
    conditions: withAllNews(
      status.conditions,
      gatewayNews(gateway, conflicts, addresses),
      { generation, nowMs },
    ),
    listeners,
  };
}

function gatewayNews(
  { spec }: Gateway,
  conflicts: GatewayConflicts,
  addresses: readonly string[],
): GatewayNews[] {
  const served = spec.listeners.filter((listener) =>
    isServedProtocol(listener) && !conflicts.has(listener.name)
  );
  const foreign = (spec.addresses ?? []).filter(({ value = "" }) => !addresses.includes(value));
  const isWhole = served.length === spec.listeners.length;
  if (served.length === 0) {
    const why = "None of the listeners can be served";
    return [no("Accepted", "ListenersNotValid", why), no("Programmed", "Invalid", why)];
  }
  return [
    isWhole
      ? yes("Accepted", "The Gateway is served by Coracle")
      : yes("Accepted", "Some of the listeners cannot be served", "ListenersNotValid"),
    foreign.length === 0
      ? yes("Programmed", "The listeners are open")
      : no("Programmed", "AddressNotUsable", `Listeners cannot be opened on ${foreign[0]!.value}`),
  ];
}

interface ListenerOfGateway {
  gateway: Gateway;
  listener: GatewayListener;
  conflicts: GatewayConflicts;
}

function listenerStatus(
  { gateway, listener, conflicts }: ListenerOfGateway,
  view: View,
  nowMs: number,
): GatewayListenerStatus {
  const { name, allowedRoutes: { kinds = [] } } = listener;
  const before = gateway.status.listeners?.find((status) => status.name === name);
  const takesRoutes = isServedProtocol(listener) && (kinds.length === 0 || kinds.some(isHttpRoute));
  const news = listenerNews(listener, conflicts.get(name));
  const { generation } = gateway.metadata;
  return {
    name,
    ...(takesRoutes && {
      supportedKinds: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute" }],
    }),
    attachedRoutes: attachedRoutes({ gateway, listener, conflicts }, view),
    conditions: withAllNews(before?.conditions, news, { generation, nowMs }),
  };
}

function listenerNews(
  listener: GatewayListener,
  conflict: ListenerConflict | undefined,
): GatewayNews[] {
  const { protocol, allowedRoutes: { kinds = [] } } = listener;
  const foreign = kinds.find((kind) => !isHttpRoute(kind));
  return [
    ...servedNews(isServedProtocol(listener), protocol, conflict),
    foreign === undefined
      ? yes("ResolvedRefs", "All references are resolved")
      : no("ResolvedRefs", "InvalidRouteKinds", `Routes of kind ${foreign.kind} are not supported`),
    conflict === undefined
      ? no("Conflicted", "NoConflicts", "No other listener is in the way")
      : yes("Conflicted", conflict.message, conflict.reason),
  ];
}

/** "If a Listener is conflicted, its network port should not be configured on any network elements." */
function servedNews(
  isProtocolKnown: boolean,
  protocol: string,
  conflict: ListenerConflict | undefined,
): GatewayNews[] {
  if (!isProtocolKnown) {
    const why = `Protocol "${protocol}" is not supported; supported protocols: "HTTP"`;
    return [no("Accepted", "UnsupportedProtocol", why), no("Programmed", "Invalid", why)];
  }
  if (conflict !== undefined) {
    const { reason, message } = conflict;
    return [no("Accepted", reason, message), no("Programmed", "Invalid", message)];
  }
  return [
    yes("Accepted", "The listener is served by Coracle"),
    yes("Programmed", "The listener is open"),
  ];
}

function attachedRoutes(
  { gateway, listener, conflicts }: ListenerOfGateway,
  view: View,
): number {
  const { namespace, name } = gateway.metadata;
  return view.list(httpRoutes).filter((route) =>
    (route.spec.parentRefs ?? []).some((parentRef) => {
      const parent = gatewayNameOf(route, parentRef);
      if (parent?.namespace !== namespace || parent.name !== name) return false;
      const { metadata } = view.get(namespaces, { name: route.metadata.namespace }) ?? {};
      const namespaceLabels = metadata?.labels;
      return attachmentOf({ route, parentRef, gateway, conflicts, namespaceLabels })
        .listeners.some((taking) => taking.listener.name === listener.name);
    })
  ).length;
}
