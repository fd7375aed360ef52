import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { gatewayClasses } from "../../resources/gateway/gateway_classes.ts";
import { gateways } from "../../resources/gateway/gateways.ts";
import {
  type HttpBackendRef,
  type HttpRoute,
  httpRoutes,
  type ParentReference,
  type RouteParentStatus,
} from "../../resources/gateway/http_routes.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  attachmentOf,
  GATEWAY_CONTROLLER,
  gatewayNameOf,
} from "../../traffic/route_attachments.ts";
import { services } from "../../resources/core/services/services.ts";
import { type Controller, NOTHING, type Plan, plan, updateStatus } from "../runtime/controller.ts";
import { type GatewayNews, no, withAllNews, yes } from "./gateway_conditions.ts";
import { conflictsOf, isOurs } from "./gateways.ts";

/** Filters that the proxy does not act on; requests that they are for get an error. */
const UNSUPPORTED_FILTERS: readonly string[] = ["RequestMirror", "ExtensionRef"];

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
  return namesOf(view, (route) =>
    route.metadata.namespace === namespace &&
    backendRefsOf(route).some((reference) => reference.name === name));
}

function namesOf(view: View, isMeant: (route: HttpRoute) => boolean): ObjectName[] {
  return view.list(httpRoutes).filter(isMeant).map(({ metadata }) => metadata);
}

function reconcile(route: HttpRoute, view: View, nowMs: number): Plan {
  const before = route.status.parents;
  const ours = (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    const status = before.find((parent) =>
      parent.controllerName === GATEWAY_CONTROLLER && isEqual(parent.parentRef, parentRef)
    );
    return parentStatus(route, parentRef, status, view, nowMs);
  });
  const others = before.filter(({ controllerName }) => controllerName !== GATEWAY_CONTROLLER);
  const parents = [...others, ...ours];
  if (isEqual(parents, before)) return NOTHING;
  return plan([updateStatus(httpRoutes, { ...route, status: { ...route.status, parents } })]);
}

function parentStatus(
  route: HttpRoute,
  parentRef: ParentReference,
  before: RouteParentStatus | undefined,
  view: View,
  nowMs: number,
): RouteParentStatus[] {
  const parent = gatewayNameOf(route, parentRef);
  const gateway = parent && view.get(gateways, parent);
  if (gateway === undefined || !isOurs(gateway, view)) return [];
  const { metadata } = view.get(namespaces, { name: route.metadata.namespace }) ?? {};
  const { refusal } = attachmentOf({
    route,
    parentRef,
    gateway,
    conflicts: conflictsOf(gateway, view),
    namespaceLabels: metadata?.labels,
  });
  const accepted = refusal === undefined
    ? yes("Accepted", "The Gateway takes the route")
    : no("Accepted", refusal.reason, refusal.message);
  const kept = before?.conditions?.filter(({ type }) => type !== "PartiallyInvalid");
  const news = [accepted, resolvedRefs(route, view), ...partlyInvalid(route)];
  const { generation } = route.metadata;
  const conditions = withAllNews(kept, news, { generation, nowMs });
  return [{ parentRef, controllerName: GATEWAY_CONTROLLER, conditions }];
}

function backendRefsOf({ spec }: HttpRoute): HttpBackendRef[] {
  return spec.rules.flatMap(({ backendRefs = [] }) => backendRefs);
}

/** Of several backends that are wrong, the first counts. */
function resolvedRefs(route: HttpRoute, view: View): GatewayNews {
  const faults = backendRefsOf(route).flatMap((reference) => faultOf(reference, route, view));
  return faults[0] ?? yes("ResolvedRefs", "All backends are there");
}

function faultOf(
  { group, kind, namespace, name, port }: HttpBackendRef,
  { metadata }: HttpRoute,
  view: View,
): GatewayNews[] {
  if (group !== "" || kind !== "Service") {
    return [no("ResolvedRefs", "InvalidKind", `Backend "${name}" is a ${kind}, not a Service`)];
  }
  if (namespace !== undefined && namespace !== metadata.namespace) {
    const message = `Backend "${name}" is in another namespace, and no ReferenceGrant permits it`;
    return [no("ResolvedRefs", "RefNotPermitted", message)];
  }
  const service = view.get(services, { namespace: metadata.namespace, name });
  if (service === undefined) {
    return [no("ResolvedRefs", "BackendNotFound", `Service "${name}" is not there`)];
  }
  if (service.spec.ports?.some((candidate) => candidate.port === port)) return [];
  return [
    no("ResolvedRefs", "BackendNotFound", `Service "${name}" has no port ${port ?? "given"}`),
  ];
}

function partlyInvalid({ spec }: HttpRoute): GatewayNews[] {
  const filter = spec.rules.flatMap(({ filters = [], backendRefs = [] }) => [
    ...filters,
    ...backendRefs.flatMap((reference) => reference.filters ?? []),
  ]).find(({ type }) => UNSUPPORTED_FILTERS.includes(type));
  if (filter === undefined) return [];
  const message = `Filters of type ${filter.type} are not supported; their requests get an error`;
  return [yes("PartiallyInvalid", message, "UnsupportedValue")];
}
