import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type GatewayClass, gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import {
  type Gateway,
  type GatewayListenerStatus,
  gateways,
} from "../../resources/gateway/gateways.ts";
import { type HttpRoute, httpRoutes } from "../../resources/gateway/http_routes.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { referenceGrants } from "../../resources/gateway/reference_grants.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { attachmentsOf, gatewayNameOf } from "../../traffic/attachments.ts";
import { formatSelector } from "../../schema/selectors.ts";
import { isPlacedOn, placementOf } from "../../resources/gateway/placement.ts";
import { gatewayKey } from "../../traffic/listener_conflicts.ts";
import {
  closedBecause,
  faultOf,
  GATEWAY_GROUP,
  isOwnClass,
  type OwnGateway,
  type OwnGateways,
  ownGatewaysOf,
  type OwnListener,
} from "../../traffic/own_gateways.ts";
import {
  type Controller,
  NOTHING,
  type Plan,
  plan,
  updateStatus,
  type Watch,
} from "../runtime/controller.ts";
import { EVERY_ADDRESS, listenerAddresses, nodeAddresses } from "./listener_addresses.ts";
import {
  type ConditionUpdate,
  falseCondition,
  trueCondition,
  updatedConditions,
} from "./gateway_conditions.ts";

/** Accepts the classes of Gateways that are ours. */
export const gatewayClassController: Controller<GatewayClass> = {
  name: "gateway-class-controller",
  resource: gatewayClasses,
  watches: [],
  workers: 1,
  reconcile(gatewayClass, _view, nowMs): Plan {
    if (!isOwnClass(gatewayClass)) return NOTHING;
    const { metadata: { generation }, spec, status } = gatewayClass;
    const accepted = spec.parametersRef === undefined
      ? trueCondition("Accepted", "The class is served by Coracle")
      : falseCondition("Accepted", "InvalidParameters", "Classes of Coracle have no parameters");
    const conditions = updatedConditions(status.conditions, [accepted], { generation, nowMs });
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
  const everyGateway = (_changed: KubeObject, view: View) =>
    view.list(gateways).map(({ metadata }) => metadata);
  /** Where their addresses or labels tell something of Gateways. */
  const ofNodes = (changed: KubeObject, view: View) =>
    EVERY_ADDRESS.includes(address) || view.list(gateways).some(placementOf)
      ? everyGateway(changed, view)
      : [];
  return {
    name: "gateway-controller",
    resource: gateways,
    watches: [
      routesOfGateways,
      { resource: gateways, concerns: everyGateway }, // it may want, or have had, the same ports
      { resource: gatewayClasses, concerns: everyGateway },
      { resource: namespaces, concerns: everyGateway },
      { resource: nodes, concerns: ofNodes },
      { resource: secrets, concerns: gatewaysWithCertificate },
      { resource: referenceGrants, concerns: everyGateway },
    ],
    workers: 1,
    reconcile(gateway, view, nowMs): Plan {
      const all = ownGatewaysOf(view);
      const own = all.get(gatewayKey(gateway));
      if (own === undefined) return NOTHING;
      const attached = attachedRoutes(own, view, all);
      const status = statusOf(own, attached, addressesOf(own, address, view), nowMs);
      if (isEqual(status, gateway.status)) return NOTHING;
      return plan([updateStatus(gateways, { ...gateway, status })]);
    },
  };
}

/** Those that name the Secret, whether or not they may. */
function gatewaysWithCertificate({ metadata: { namespace, name } }: KubeObject, view: View) {
  const isNamed = ({ metadata, spec }: Gateway) =>
    spec.listeners.some(({ tls }) =>
      tls?.certificateRefs?.some((reference) =>
        reference.name === name && (reference.namespace || metadata.namespace) === namespace
      )
    );
  return view.list(gateways).filter(isNamed).map(({ metadata }) => metadata);
}

/** Where it is reached: on chosen nodes at their own addresses, wherever this one listens; none when it is on no node. */
function addressesOf({ gateway }: OwnGateway, address: string, view: View): string[] {
  if (placementOf(gateway) === undefined) return listenerAddresses(address, view);
  const isOn = ({ metadata }: Node) => isPlacedOn(gateway, metadata.labels);
  return nodeAddresses(view.list(nodes).filter(isOn));
}

function statusOf(
  own: OwnGateway,
  attachedRoutes: ReadonlyMap<string, number>,
  addresses: readonly string[],
  nowMs: number,
): Gateway["status"] {
  const { metadata: { generation }, status } = own.gateway;
  const listeners = own.listeners.map((listener) =>
    listenerStatus(own.gateway, listener, attachedRoutes.get(listener.spec.name) ?? 0, nowMs)
  );
  const { addresses: _, ...rest } = status;
  const named = addresses.map((value) => ({ type: "IPAddress", value }));
  return {
    ...rest,
    ...(named.length > 0 && { addresses: named }), // a list that is empty is not kept
    conditions: updatedConditions(
      status.conditions,
      gatewayConditions(own, addresses),
      { generation, nowMs },
    ),
    listeners,
  };
}

function gatewayConditions(
  { gateway, listeners }: OwnGateway,
  addresses: readonly string[],
): ConditionUpdate[] {
  const validCount =
    listeners.filter((listener) =>
      faultOf(listener) === undefined && listener.tls?.fault === undefined
    ).length;
  const isAccepted = listeners.some((listener) => faultOf(listener) === undefined);
  const isOpen = listeners.some((listener) => closedBecause(listener) === undefined);
  const why = "None of the listeners can be served";
  return [
    !isAccepted
      ? falseCondition("Accepted", "ListenersNotValid", why)
      : validCount === listeners.length
      ? trueCondition("Accepted", "The Gateway is served by Coracle")
      : trueCondition("Accepted", "Some of the listeners cannot be served", "ListenersNotValid"),
    isOpen ? programmedCondition(gateway, addresses) : falseCondition("Programmed", "Invalid", why),
  ];
}

function programmedCondition(gateway: Gateway, addresses: readonly string[]): ConditionUpdate {
  const placement = placementOf(gateway);
  if (placement !== undefined && addresses.length === 0) {
    const why = `No node has the labels that it is for: ${formatSelector(placement)}`;
    return falseCondition("Programmed", "NoResources", why);
  }
  const foreign = (gateway.spec.addresses ?? []).find(({ value = "" }) =>
    !addresses.includes(value)
  );
  if (foreign === undefined) return trueCondition("Programmed", "The listeners are open");
  const why = `Listeners cannot be opened on ${foreign.value}`;
  return falseCondition("Programmed", "AddressNotUsable", why);
}

function listenerStatus(
  { metadata: { generation }, status }: Gateway,
  listener: OwnListener,
  attachedRoutes: number,
  nowMs: number,
): GatewayListenerStatus {
  const { name } = listener.spec;
  const before = status.listeners?.find((each) => each.name === name)?.conditions;
  return {
    name,
    ...(listener.takesHttpRoutes && {
      supportedKinds: [{ group: GATEWAY_GROUP, kind: "HTTPRoute" }],
    }),
    attachedRoutes,
    conditions: updatedConditions(before, listenerConditions(listener), { generation, nowMs }),
  };
}

/** "If a Listener is conflicted, its network port should not be configured on any network elements." */
function listenerConditions(listener: OwnListener): ConditionUpdate[] {
  const { conflict } = listener;
  const fault = faultOf(listener), closed = closedBecause(listener);
  return [
    fault === undefined
      ? trueCondition("Accepted", "The listener is served by Coracle")
      : falseCondition("Accepted", fault.reason, fault.message),
    closed === undefined
      ? trueCondition("Programmed", "The listener is open")
      : falseCondition("Programmed", "Invalid", closed.message),
    resolvedRefs(listener),
    conflict === undefined
      ? falseCondition("Conflicted", "NoConflicts", "No other listener is in the way")
      : trueCondition("Conflicted", conflict.message, conflict.reason),
  ];
}

function resolvedRefs({ unsupportedKind, tls }: OwnListener): ConditionUpdate {
  if (unsupportedKind !== undefined) {
    const message = `Routes of kind ${unsupportedKind} are not supported`;
    return falseCondition("ResolvedRefs", "InvalidRouteKinds", message);
  }
  return tls?.fault === undefined
    ? trueCondition("ResolvedRefs", "All references are resolved")
    : falseCondition("ResolvedRefs", tls.fault.reason, tls.fault.message);
}

/** How many routes are attached to each listener of the Gateway, by its name; a route counts once. */
function attachedRoutes(
  own: OwnGateway,
  view: View,
  all: OwnGateways,
): ReadonlyMap<string, number> {
  const routes = new Map<string, Set<HttpRoute>>();
  for (const { route, parent, listeners } of attachmentsOf(view, all)) {
    if (parent !== own) continue;
    for (const { listener: { spec: { name } } } of listeners) {
      routes.set(name, (routes.get(name) ?? new Set()).add(route));
    }
  }
  return new Map([...routes].map(([name, { size }]) => [name, size]));
}
