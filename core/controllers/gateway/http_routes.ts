import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import { gateways } from "../../resources/gateway/gateways.ts";
import {
  type HttpRoute,
  httpRoutes,
  type RouteParentStatus,
} from "../../resources/gateway/http_routes.ts";
import { referenceGrants } from "../../resources/gateway/reference_grants.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Attachment, attachmentsOfRoute } from "../../traffic/attachments.ts";
import type { BackendObjectReference } from "../../resources/gateway/http_route_filters.ts";
import { backendFaultOf } from "../../traffic/backend_references.ts";
import { GATEWAY_CONTROLLER, ownGatewaysOf } from "../../traffic/own_gateways.ts";
import { unsupportedFilterOf } from "../../traffic/unsupported_filters.ts";
import { services } from "../../resources/core/services/services.ts";
import { type Controller, NOTHING, type Plan, plan, updateStatus } from "../runtime/controller.ts";
import {
  type ConditionUpdate,
  falseCondition,
  trueCondition,
  updatedConditions,
} from "./gateway_conditions.ts";

/**
 * Says of each route whether the Gateways of ours that it names take it, and whether its backends are there.
 * What other controllers say of the route stays.
 *
 * https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus
 */
export const httpRouteController: Controller<HttpRoute> = {
  name: "http-route-controller",
  resource: httpRoutes,
  watches: [
    { resource: gateways, concerns: everyRoute }, // it may be in conflict with the one that a route names
    { resource: gatewayClasses, concerns: everyRoute },
    { resource: namespaces, concerns: routesInNamespace },
    { resource: services, concerns: routesToService },
    { resource: referenceGrants, concerns: everyRoute },
  ],
  workers: 1,
  reconcile,
};

function everyRoute(_changed: KubeObject, view: View): ObjectName[] {
  return namesOf(view, () => true);
}

function routesInNamespace({ metadata: { name } }: KubeObject, view: View): ObjectName[] {
  return namesOf(view, ({ metadata }) => metadata.namespace === name);
}

function routesToService({ metadata: { namespace, name } }: KubeObject, view: View): ObjectName[] {
  return namesOf(
    view,
    (route) =>
      backendRefsOf(route).some((reference) =>
        reference.name === name && (reference.namespace ?? route.metadata.namespace) === namespace
      ),
  );
}

function namesOf(view: View, isMeant: (route: HttpRoute) => boolean): ObjectName[] {
  return view.list(httpRoutes).filter(isMeant).map(({ metadata }) => metadata);
}

function reconcile(route: HttpRoute, view: View, nowMs: number): Plan {
  const before = route.status.parents;
  const own = attachmentsOfRoute(route, view, ownGatewaysOf(view)).map((attachment) => {
    const status = before.find((parent) =>
      parent.controllerName === GATEWAY_CONTROLLER &&
      isEqual(parent.parentRef, attachment.parentRef)
    );
    return parentStatus(attachment, status, view, nowMs);
  });
  const others = before.filter(({ controllerName }) => controllerName !== GATEWAY_CONTROLLER);
  const parents = [...others, ...own];
  if (isEqual(parents, before)) return NOTHING;
  return plan([updateStatus(httpRoutes, { ...route, status: { ...route.status, parents } })]);
}

function parentStatus(
  { route, parentRef, refusal }: Attachment,
  before: RouteParentStatus | undefined,
  view: View,
  nowMs: number,
): RouteParentStatus {
  const accepted = refusal === undefined
    ? trueCondition("Accepted", "The Gateway takes the route")
    : falseCondition("Accepted", refusal.reason, refusal.message);
  const kept = before?.conditions?.filter(({ type }) => type !== "PartiallyInvalid");
  const updates = [accepted, resolvedRefs(route, view), ...partiallyInvalid(route)];
  const { generation } = route.metadata;
  const conditions = updatedConditions(kept, updates, { generation, nowMs });
  return { parentRef, controllerName: GATEWAY_CONTROLLER, conditions };
}

/** Those of mirrors, too. */
function backendRefsOf({ spec }: HttpRoute): BackendObjectReference[] {
  return spec.rules.flatMap(({ backendRefs = [], filters = [] }) => [
    ...backendRefs,
    ...filters.flatMap(({ requestMirror }) => requestMirror?.backendRef ?? []),
  ]);
}

/** Of several backends that are wrong, the first counts. */
function resolvedRefs(route: HttpRoute, view: View): ConditionUpdate {
  for (const reference of backendRefsOf(route)) {
    const fault = backendFaultOf(reference, route.metadata.namespace, view);
    if (fault !== undefined) return falseCondition("ResolvedRefs", fault.reason, fault.message);
  }
  return trueCondition("ResolvedRefs", "All backends are there");
}

function partiallyInvalid(route: HttpRoute): ConditionUpdate[] {
  const fault = unsupportedFilterOf(route);
  return fault === undefined
    ? []
    : [trueCondition("PartiallyInvalid", fault.message, fault.reason)];
}
