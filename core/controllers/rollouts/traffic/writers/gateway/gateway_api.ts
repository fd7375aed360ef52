import type { ObjectName, View } from "../../../../../client/client.ts";
import { ownField } from "../../../../../lib/own_field.ts";
import { services } from "../../../../../resources/core/services/services.ts";
import { grpcRoutes } from "../../../../../resources/gateway/grpc_routes.ts";
import { type HttpRoute, httpRoutes } from "../../../../../resources/gateway/http_routes.ts";
import { referenceGrants } from "../../../../../resources/gateway/reference_grants.ts";
import type { NamespacedObject, Resource } from "../../../../../resources/resource.ts";
import { selected } from "../../../../runtime/ownership.ts";
import { GATEWAY_PLUGIN } from "../../../situation/shares.ts";
import type { WeightDestination } from "../../../../../resources/argoproj/mod.ts";
import {
  type RoutedRollout,
  RoutingError,
  servicesOf,
  type TrafficWriter,
} from "../../port/traffic_writer.ts";
import {
  isManaged,
  type RuleTarget,
  withHeaderRoute,
  withMirrorRoute,
  withoutManaged,
} from "./managed_rules.ts";
import { type RuleWeights, withWeights } from "./route_backends.ts";
import {
  type GatewaySettings,
  gatewaySettings,
  type NamedRoute,
  type RouteKind,
} from "./settings.ts";

/**
 * Writes weights into HTTPRoutes and GRPCRoutes, as Argo Rollouts' plugin for the Gateway API does; those of HTTPRoutes
 * are served by our own proxy. Header and mirror routes are rules of HTTPRoutes.
 *
 * https://rollouts-plugin-trafficrouter-gatewayapi.readthedocs.io/
 */
export function gatewayWriter(routed: RoutedRollout, raw: unknown): TrafficWriter {
  const settings = gatewaySettings(raw);
  const names = routeNames(routed, settings);
  const changeHeaderRoutes = (change: (route: HttpRoute) => HttpRoute["spec"]["rules"]) => {
    for (const { name, useHeaderRoutes } of names.http) {
      if (!useHeaderRoutes) continue;
      const route = routeOf(routed, httpRoutes, name);
      routed.objects.put(httpRoutes, { ...route, spec: { ...route.spec, rules: change(route) } });
    }
  };
  const managed = (routed.routing.managedRoutes ?? []).map(({ name }) => name);
  return {
    type: GATEWAY_PLUGIN,
    isOwn: names.grpc.length === 0,
    setWeight: (weight, extra) => {
      for (const { name } of names.http) setHttpWeight(routed, settings, name, weight, extra);
      for (const { name } of names.grpc) setGrpcWeight(routed, settings, name, weight, extra);
    },
    setHeaderRoute: (step) =>
      changeHeaderRoutes((route) =>
        withHeaderRoute(route.spec.rules, step, targetOf(routed, route), managed)
      ),
    setMirrorRoute: (step) =>
      changeHeaderRoutes((route) =>
        withMirrorRoute(route.spec.rules, step, targetOf(routed, route), managed)
      ),
    removeManagedRoutes: () =>
      changeHeaderRoutes((route) => withoutManaged(route.spec.rules, managed)),
    verified: (proxies) =>
      names.http.every(({ name }) => {
        const route = routed.objects.view.get(httpRoutes, name);
        return route !== undefined && !routed.objects.isChanged(httpRoutes, name) &&
          proxies.serves("HTTPRoute", route);
      }),
  };
}

interface RouteName extends Omit<NamedRoute, "name"> {
  readonly name: ObjectName;
}

/** The routes that are named, and those that selectors find. */
function routeNames(
  routed: RoutedRollout,
  { routes, selectors, namespace: given }: GatewaySettings,
): { http: RouteName[]; grpc: RouteName[] } {
  const { objects: { view }, rollout: { metadata } } = routed;
  const namespace = given ?? metadata.namespace;
  if (namespace !== metadata.namespace) assertGranted(view, metadata.namespace, namespace);
  for (const kind of ["tcp", "tls"] as const) {
    if (routes[kind].length > 0 || selectors[kind]) {
      throw new RoutingError(
        `${kind.toUpperCase()}Routes are not served here; use httpRoute or httpRoutes`,
      );
    }
  }
  const of = <T extends NamespacedObject>(kind: RouteKind, resource: Resource<T>) => {
    const selector = selectors[kind];
    const found = selector ? selected(view, resource, namespace, selector) : [];
    const named = routes[kind].map(({ name, useHeaderRoutes }) => ({
      name: { namespace, name },
      useHeaderRoutes,
    }));
    const others = found.filter(({ metadata }) =>
      !routes[kind].some(({ name }) => name === metadata.name)
    )
      .map(({ metadata: { name } }) => ({ name: { namespace, name }, useHeaderRoutes: true }));
    return [...named, ...others];
  };
  return { http: of("http", httpRoutes), grpc: of("grpc", grpcRoutes) };
}

/** Routes of another namespace are that one's: it must permit it. */
function assertGranted(view: View, from: string, to: string): void {
  const isGranted = view.list(referenceGrants, to).some(({ spec }) =>
    spec?.from.some((each) =>
      each.group === "argoproj.io" && each.kind === "Rollout" && each.namespace === from
    ) && spec.to.some(({ group, kind }) =>
      group === "gateway.networking.k8s.io" && kind === "HTTPRoute"
    )
  );
  if (isGranted) return;
  throw new RoutingError(
    `Cannot write routes of namespace "${to}": no ReferenceGrant there lets Rollouts of namespace "${from}" refer to its HTTPRoutes`,
  );
}

function routeOf<T extends NamespacedObject>(
  { objects }: RoutedRollout,
  resource: Resource<T>,
  name: ObjectName,
): T {
  const route = objects.get(resource, name);
  if (route !== undefined) return route;
  throw new RoutingError(`${resource.plural}.${resource.group} "${name.name}" not found`);
}

function targetOf(routed: RoutedRollout, route: NamespacedObject): RuleTarget {
  const { namespace } = routed.rollout.metadata;
  return {
    services: servicesOf(routed),
    namespace,
    routeNamespace: route.metadata.namespace ?? namespace,
  };
}

function weightsOf(
  routed: RoutedRollout,
  route: NamespacedObject,
  weight: number,
  extra: readonly WeightDestination[],
): RuleWeights {
  const { rollout, routing, max, objects } = routed;
  const target = targetOf(routed, route);
  const managed = (routing.managedRoutes ?? []).map(({ name }) => name);
  return {
    ...target,
    max,
    weight,
    extra,
    formerExtra: (rollout.status?.canary?.weights?.additional ?? []).flatMap(({ serviceName }) =>
      serviceName ?? []
    ),
    portOf: (name) => {
      const ports = objects.view.get(services, { namespace: target.namespace, name })?.spec.ports ??
        [];
      return (ports.find((port) => port.name === "http") ?? ports[0])?.port;
    },
    isHeaderRule: (rule) =>
      isManaged(rule, managed) &&
      !(rule.backendRefs ?? []).some((each) => each.name === target.services.stable),
  };
}

function setHttpWeight(
  routed: RoutedRollout,
  settings: GatewaySettings,
  name: ObjectName,
  weight: number,
  extra: readonly WeightDestination[],
): void {
  const route = routeOf(routed, httpRoutes, name);
  const rules = withWeights(route.spec.rules, weightsOf(routed, route, weight, extra), "httpRoute");
  const labelled = withLabel(route, settings, weight !== 0);
  routed.objects.put(httpRoutes, { ...labelled, spec: { ...route.spec, rules } });
}

function setGrpcWeight(
  routed: RoutedRollout,
  settings: GatewaySettings,
  name: ObjectName,
  weight: number,
  extra: readonly WeightDestination[],
): void {
  const route = routeOf(routed, grpcRoutes, name);
  const rules = withWeights(
    route.spec.rules ?? [],
    weightsOf(routed, route, weight, extra),
    "grpcRoute",
  );
  const labelled = withLabel(route, settings, weight !== 0);
  routed.objects.put(grpcRoutes, { ...labelled, spec: { ...route.spec, rules } });
}

/** Says on the route that a rollout is changing it, for tools that would change it back. */
function withLabel<T extends { metadata: { labels?: Record<string, string> } }>(
  route: T,
  { inProgressLabel }: GatewaySettings,
  isInProgress: boolean,
): T {
  if (inProgressLabel === undefined) return route;
  const [key, value] = inProgressLabel;
  const { labels, ...metadata } = route.metadata;
  if (isInProgress) {
    return { ...route, metadata: { ...metadata, labels: { ...labels, [key]: value } } };
  }
  if (ownField(labels, key) === undefined) return route;
  const { [key]: _, ...others } = labels!;
  return {
    ...route,
    metadata: Object.keys(others).length === 0 ? metadata : { ...metadata, labels: others },
  };
}
