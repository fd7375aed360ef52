import type { Draft } from "../../../../../client/client.ts";
import { isEqual } from "../../../../../lib/equality.ts";
import { type NginxTrafficRouting, rollouts } from "../../../../../resources/argoproj/mod.ts";
import { type Ingress, ingresses } from "../../../../../resources/networking/ingresses.ts";
import { controllerReference } from "../../../../runtime/ownership.ts";
import {
  type RoutedRollout,
  RoutingError,
  servicesOf,
  type TrafficWriter,
} from "../../port/traffic_writer.ts";
import { ingressNames, pathsOf, rulesOf, serviceOf } from "./ingress_rules.ts";

const PREFIX = "nginx.ingress.kubernetes.io";
const CLASS = "kubernetes.io/ingress.class";
const SUFFIX = "-canary";
const NAME_LENGTH_MAX = 253;

/**
 * Keeps a second Ingress beside each one that leads to the stable service, for ingress-nginx, as Argo Rollouts does.
 * Nobody verifies the weights.
 *
 * Argo Rollouts: `rollout/trafficrouting/nginx`.
 * https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
 */
export function nginxWriter(routed: RoutedRollout, nginx: NginxTrafficRouting): TrafficWriter {
  const names = ingressNames(nginx.stableIngress, nginx.stableIngresses);
  return {
    type: "Nginx",
    isOwn: false,
    setWeight: (weight) => names.forEach((name) => writeCanary(routed, nginx, name, weight)),
    setHeaderRoute: () => {}, // as with Argo Rollouts
    setMirrorRoute: () => {},
    removeManagedRoutes: () => {},
    verified: () => undefined,
  };
}

/** The name is cut, so that it stays one. */
export function canaryIngressName(rollout: string, stableIngress: string): string {
  return `${rollout}-${stableIngress}`.slice(0, NAME_LENGTH_MAX - SUFFIX.length) + SUFFIX;
}

function writeCanary(
  routed: RoutedRollout,
  nginx: NginxTrafficRouting,
  stableName: string,
  weight: number,
): void {
  const { rollout: { metadata }, objects, tell } = routed;
  const name = canaryIngressName(metadata.name, stableName);
  const stable = objects.get(ingresses, { namespace: metadata.namespace, name: stableName });
  if (stable === undefined) {
    throw new RoutingError(
      `error retrieving stableIngress \`${stableName}\` from cache: ingress.networking.k8s.io "${stableName}" not found`,
    );
  }
  const wanted = canaryIngress(routed, nginx, stable, name, weight);
  const there = objects.get(ingresses, { namespace: metadata.namespace, name });
  if (there === undefined) {
    tell("CreatingCanaryIngress", `Creating canary ingress \`${name}\` with weight \`${weight}\``);
    return objects.make(ingresses, wanted);
  }
  if (
    !there.metadata.ownerReferences?.some(({ controller, uid }) =>
      controller && uid === metadata.uid
    )
  ) {
    throw new RoutingError(`canary ingress \`${name}\` controlled by different object`);
  }
  const annotations = { ...there.metadata.annotations, ...wanted.metadata.annotations };
  const changed = { ...there, metadata: { ...there.metadata, annotations }, spec: wanted.spec };
  if (isEqual(there, changed)) return;
  tell("PatchingCanaryIngress", `Updating Ingress \`${name}\` to desiredWeight '${weight}'`);
  objects.put(ingresses, changed);
}

interface CanaryIngress extends Draft<Ingress> {
  metadata: Draft<Ingress>["metadata"] & { annotations: Record<string, string> };
  spec: Ingress["spec"];
}

function canaryIngress(
  routed: RoutedRollout,
  nginx: NginxTrafficRouting,
  stable: Ingress,
  name: string,
  weight: number,
): CanaryIngress {
  const { rollout } = routed;
  const { tls, ingressClassName } = stable.spec;
  return {
    metadata: {
      name,
      namespace: rollout.metadata.namespace,
      annotations: annotationsOf(routed, nginx, stable, weight),
      ownerReferences: [controllerReference(rollouts, rollout)],
    },
    spec: {
      ...(ingressClassName !== undefined && { ingressClassName }),
      ...(tls !== undefined && { tls }),
      rules: canaryRules(routed, stable),
    },
  };
}

/** Those of the stable Ingress that lead to the stable service, now to that of the canary. */
function canaryRules(
  routed: RoutedRollout,
  stable: Ingress,
): NonNullable<Ingress["spec"]["rules"]> {
  const services = servicesOf(routed);
  const rules = rulesOf(stable).filter((rule) =>
    pathsOf(rule).some((path) => serviceOf(path) === services.stable)
  );
  if (rules.length === 0) {
    throw new RoutingError(
      `ingress \`${stable.metadata.name}\` has no rules using service ${services.stable} backend`,
    );
  }
  return rules.map((rule) => ({
    ...rule,
    http: {
      paths: pathsOf(rule).map((path) => {
        const { service } = path.backend;
        if (service?.name !== services.stable) return path;
        return {
          ...path,
          backend: { ...path.backend, service: { ...service, name: services.canary } },
        };
      }),
    },
  }));
}

function annotationsOf(
  { routing: { maxTrafficWeight } }: RoutedRollout,
  nginx: NginxTrafficRouting,
  stable: Ingress,
  weight: number,
): Record<string, string> {
  const prefix = nginx.annotationPrefix || PREFIX;
  const ofClass = stable.metadata.annotations?.[CLASS];
  const additional = Object.entries(nginx.additionalIngressAnnotations ?? {})
    .map(([key, value]) => [key.startsWith(prefix) ? key : `${prefix}/${key}`, value] as const);
  return {
    ...(ofClass !== undefined && { [CLASS]: ofClass }),
    ...Object.fromEntries(additional),
    ...nginx.canaryIngressAnnotations,
    [`${prefix}/canary`]: "true",
    [`${prefix}/canary-weight`]: String(weight),
    ...(maxTrafficWeight !== undefined &&
      { [`${prefix}/canary-weight-total`]: String(maxTrafficWeight) }),
  };
}
