import { isEqual } from "../../../../../lib/equality.ts";
import type { AlbTrafficRouting, SetHeaderRoute } from "../../../../../resources/argoproj/mod.ts";
import { type Ingress, ingresses } from "../../../../../resources/networking/ingresses.ts";
import type { WeightDestination } from "../../../../../resources/argoproj/mod.ts";
import {
  type RoutedRollout,
  RoutingError,
  servicesOf,
  type TrafficWriter,
} from "../../port/traffic_writer.ts";
import {
  hasPathTo,
  ingressNames,
  ingressOf,
  serviceOf,
  withAnnotations,
  withPaths,
} from "./ingress_rules.ts";
import { MANAGED_ALB_ANNOTATIONS as MANAGED } from "../../../../../traffic/rollout_sets.ts";
import { managedAnnotations, withManagedAnnotations } from "./managed_annotations.ts";

const PREFIX = "alb.ingress.kubernetes.io";
/** ALB: the weights of an action add up to this. */
const ALB_MAX = 100;
const STICKINESS_SECONDS_MAX = 604_800;

/**
 * Writes annotations for the AWS load balancer controller, as Argo Rollouts does, for those who have one. Nobody
 * verifies the weights.
 *
 * Argo Rollouts: `rollout/trafficrouting/alb`.
 */
export function albWriter(routed: RoutedRollout, alb: AlbTrafficRouting): TrafficWriter {
  const change = (what: string, next: (ingress: Ingress) => Ingress) =>
    ingressNames(alb.ingress, alb.ingresses).forEach((name) =>
      changeIngress(routed, name, what, next)
    );
  return {
    type: "ALB",
    isOwn: false,
    setWeight: (weight, extra) =>
      change(
        `to desiredWeight '${weight}'`,
        (ingress) => withWeight(routed, alb, ingress, weight, extra),
      ),
    setHeaderRoute: (route) =>
      change(
        `to headerRoute '${route.name ?? ""}'`,
        (ingress) => withHeaderRoute(routed, alb, ingress, route),
      ),
    setMirrorRoute: () => {}, // as with Argo Rollouts
    removeManagedRoutes: () => {
      const routes = (routed.routing.managedRoutes ?? []).map(({ name }) => name);
      if (routes.length === 0) return;
      change("removing managed routes", (ingress) => withoutRoutes(routed, alb, ingress, routes));
    },
    verified: () => undefined,
  };
}

function changeIngress(
  routed: RoutedRollout,
  name: string,
  what: string,
  next: (ingress: Ingress) => Ingress,
): void {
  const ingress = ingressOf(routed, name);
  const changed = next(ingress);
  if (isEqual(ingress, changed)) return;
  routed.tell("PatchingALBIngress", `Updating Ingress \`${name}\` ${what}`);
  routed.objects.put(ingresses, changed);
}

function keyOf(
  { annotationPrefix = PREFIX }: AlbTrafficRouting,
  what: "actions" | "conditions",
  name: string,
): string {
  return `${annotationPrefix}/${what}.${name}`;
}

function withWeight(
  routed: RoutedRollout,
  alb: AlbTrafficRouting,
  ingress: Ingress,
  weight: number,
  extra: readonly WeightDestination[],
): Ingress {
  const service = alb.rootService || servicesOf(routed).stable;
  if (!hasPathTo(ingress, service)) {
    throw new RoutingError(`ingress does not have service \`${service}\` in rules`);
  }
  const { stable, canary } = servicesOf(routed, { prefersPingPong: true });
  const rest = extra.reduce((left, each) => left - each.weight, ALB_MAX - weight);
  const shares: [string, number][] = [
    [canary, weight],
    ...extra.map((each): [string, number] => [each.serviceName ?? "", each.weight]),
    [stable, rest],
  ];
  return managing(routed, ingress, { [keyOf(alb, "actions", service)]: actionOf(alb, shares) });
}

/** The Ingress with annotations that the rollout manages; `undefined`: without. */
function managing(
  { rollout }: RoutedRollout,
  ingress: Ingress,
  changes: Record<string, string | undefined>,
): Ingress {
  const known = managedAnnotations(ingress);
  if (known === undefined) {
    throw new RoutingError(
      `Cannot read annotation ${MANAGED} of Ingress "${ingress.metadata.name}": it is no map of lists; delete it`,
    );
  }
  const annotations = new Map(Object.entries(ingress.metadata.annotations ?? {}));
  const own = new Set(known.get(rollout.metadata.name));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) {
      annotations.delete(key);
      own.delete(key);
    } else {
      annotations.set(key, value);
      own.add(key);
    }
  }
  return withManagedAnnotations(
    withAnnotations(ingress, Object.fromEntries(annotations)),
    new Map([...known, [rollout.metadata.name, [...own]]]),
  );
}

/** In the order and the words of the load balancer's API. */
function actionOf(
  { servicePort, stickinessConfig }: AlbTrafficRouting,
  shares: readonly (readonly [service: string, weight: number])[],
): string {
  const TargetGroups = shares.map(([ServiceName, Weight]) => ({
    ServiceName,
    ServicePort: String(servicePort),
    Weight,
  }));
  return JSON.stringify({
    Type: "forward",
    ForwardConfig: {
      TargetGroups,
      ...(stickinessConfig?.enabled && {
        TargetGroupStickinessConfig: stickinessOf(stickinessConfig.durationSeconds),
      }),
    },
  });
}

function stickinessOf(seconds: number | bigint): { Enabled: true; DurationSeconds: number } {
  if (seconds >= 1 && seconds <= STICKINESS_SECONDS_MAX) {
    return { Enabled: true, DurationSeconds: Number(seconds) };
  }
  throw new RoutingError(
    "TargetGroupStickinessConfig's duration must be between 1 and 604800 seconds (7 days)!",
  );
}

function withHeaderRoute(
  routed: RoutedRollout,
  alb: AlbTrafficRouting,
  ingress: Ingress,
  { name = "", match }: SetHeaderRoute,
): Ingress {
  const [action, condition] = [keyOf(alb, "actions", name), keyOf(alb, "conditions", name)];
  if (match === undefined) {
    return sorted(routed, withoutRoutes(routed, alb, ingress, [name]));
  }
  const { canary } = servicesOf(routed, { prefersPingPong: true });
  const changed = managing(routed, ingress, {
    [action]: actionOf(alb, [[canary, ALB_MAX]]),
    [condition]: JSON.stringify(conditionsOf(match)),
  });
  return sorted(routed, hasPathTo(changed, name) ? changed : withPathOf(changed, name));
}

/** Values of one header are alternatives. */
function conditionsOf(match: NonNullable<SetHeaderRoute["match"]>): object[] {
  const values = new Map<string, string[]>();
  for (const { headerName, headerValue: { exact = "" } } of match) {
    values.set(headerName, [...values.get(headerName) ?? [], exact]);
  }
  return [...values].map(([httpHeaderName, values]) => ({
    field: "http-header",
    httpHeaderConfig: { httpHeaderName, values },
  }));
}

/** A path before all others, which leads to the annotation of its name. */
function withPathOf(ingress: Ingress, name: string): Ingress {
  const path = {
    path: "/*",
    pathType: "ImplementationSpecific",
    backend: { service: { name, port: { name: "use-annotation" } } },
  };
  return withPaths(ingress, (paths) => [path, ...paths]);
}

/** The paths of managed routes come first, in the order in which the rollout names them. */
function sorted(
  { routing: { managedRoutes = [] } }: RoutedRollout,
  ingress: Ingress,
): Ingress {
  const ranks = new Map(managedRoutes.map(({ name }, i) => [name, i]));
  const rankOf = (service = "") => ranks.get(service) ?? ranks.size;
  return withPaths(
    ingress,
    (paths) => paths.toSorted((a, b) => rankOf(serviceOf(a)) - rankOf(serviceOf(b))),
  );
}

function withoutRoutes(
  routed: RoutedRollout,
  alb: AlbTrafficRouting,
  ingress: Ingress,
  routes: readonly string[],
): Ingress {
  const keys = routes.flatMap((
    name,
  ) => [keyOf(alb, "actions", name), keyOf(alb, "conditions", name)]);
  const changed = managing(
    routed,
    ingress,
    Object.fromEntries(keys.map((key) => [key, undefined])),
  );
  return withPaths(
    changed,
    (paths) => paths.filter((path) => !routes.includes(serviceOf(path) ?? "")),
  );
}
