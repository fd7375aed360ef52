import type { View } from "../../../client/client.ts";
import { ownField } from "../../../lib/own_field.ts";
import type { Rollout, TrafficRouting } from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { type Ingress, ingresses } from "../../../resources/networking/ingresses.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import { HASH_LABEL, MANAGED_BY } from "../situation/sets.ts";
import { faultsOfAnalyses } from "./analysis_rules.ts";

const FIELD = "spec.strategy";

/** What is wrong with what a Rollout refers to: first what is not there, then what does not fit. */
export function* faultsOfReferences(rollout: Rollout, view: View): Iterable<Cause> {
  const named = servicesOf(rollout);
  const { namespace } = rollout.metadata;
  for (const { field, name } of named) {
    if (!view.get(services, { namespace, name })) {
      yield invalid(field, name, `service "${name}" not found`);
    }
  }
  const analyses = faultsOfAnalyses(rollout, view);
  yield* analyses.missing;
  const routes = ingressesOf(rollout);
  yield* routes.faults;
  for (const { field, value, names } of routes.named) {
    for (const name of names) {
      if (view.get(ingresses, { namespace, name })) continue;
      yield invalid(field, value, `ingress.networking.k8s.io "${name}" not found`);
    }
  }
  for (const service of named) yield* serviceFaults(rollout, view, service);
  yield* analyses.unfit;
  for (const named of routes.named) yield* ingressFaults(rollout, view, named);
}

interface NamedService {
  field: string;
  name: string;
}

function servicesOf({ spec: { strategy = {} } }: Rollout): NamedService[] {
  const { blueGreen, canary } = strategy;
  const pairs: [field: string, name: string | undefined][] = blueGreen
    ? [
      ["blueGreen.activeService", blueGreen.activeService],
      ["blueGreen.previewService", blueGreen.previewService],
    ]
    : [
      ["canary.stableService", canary?.stableService],
      ["canary.canaryService", canary?.canaryService],
      ["canary.pingPong.pingService", canary?.pingPong?.pingService],
      ["canary.pingPong.pongService", canary?.pingPong?.pongService],
    ];
  return pairs.flatMap(([field, name]) => name ? [{ field: `${FIELD}.${field}`, name }] : []);
}

function* serviceFaults(
  { metadata, spec }: Rollout,
  view: View,
  { field, name }: NamedService,
): Iterable<Cause> {
  const service = view.get(services, { namespace: metadata.namespace, name });
  if (!service) return;
  const labels = spec.template?.metadata?.labels;
  for (const [key, value] of Object.entries(service.spec.selector ?? {})) {
    if (key === HASH_LABEL || ownField(labels, key) === value) continue;
    yield invalid(field, name, `Service "${name}" has unmatch label "${key}" in rollout`);
  }
  const manager = service.metadata.annotations?.[MANAGED_BY];
  if (manager !== undefined && manager !== metadata.name) {
    yield invalid(field, name, `Service "${name}" is managed by another Rollout`);
  }
}

interface NamedIngresses {
  field: string;
  /** As the field has it: one name or several. */
  value: string | readonly string[];
  names: readonly string[];
  service: string | undefined;
}

/** Ingresses of ALB come before those of nginx: of one router alone. */
function ingressesOf(
  { spec }: Rollout,
): { faults: Cause[]; named: NamedIngresses[] } {
  const { stableService, trafficRouting } = spec.strategy?.canary ?? {};
  if (!trafficRouting) return { faults: [], named: [] };
  const { nginx, alb } = trafficRouting;
  const field = `${FIELD}.canary.trafficRouting`;
  const faults = [
    ...(nginx ? eitherFaults(nginx.stableIngress, nginx.stableIngresses, "nginx") : []),
    ...(alb ? eitherFaults(alb.ingress, alb.ingresses, "alb") : []),
  ];
  if (alb) {
    const service = alb.rootService || stableService;
    const at = `${field}.alb.${alb.ingresses ? "ingresses" : "ingress"}`;
    return { faults, named: [namedIngresses(at, alb.ingress, alb.ingresses, service)] };
  }
  if (!nginx) return { faults, named: [] };
  const at = `${field}.nginx.${nginx.stableIngresses ? "stableIngresses" : "stableIngress"}`;
  const named = namedIngresses(at, nginx.stableIngress, nginx.stableIngresses, stableService);
  return { faults, named: [named] };
}

function namedIngresses(
  field: string,
  one: string | undefined,
  several: readonly string[] | undefined,
  service: string | undefined,
): NamedIngresses {
  return { field, value: several ?? one ?? "", names: several ?? [one ?? ""], service };
}

function eitherFaults(
  one: string | undefined,
  several: readonly string[] | undefined,
  router: keyof TrafficRouting & ("nginx" | "alb"),
): Cause[] {
  if (Boolean(one) !== (several !== undefined)) return [];
  const name = router === "alb" ? "Ingress" : "StableIngress";
  const which = one ? "Both" : "Neither";
  const text = `Either ${name} or ${name}es must be configured. ${which} are configured.`;
  const field = `${FIELD}.canary.trafficRouting.${router}`;
  return [{ field, reason: "FieldValueInvalid", message: `Internal error: ${text}` }];
}

function* ingressFaults(
  { metadata: { namespace } }: Rollout,
  view: View,
  { field, names, service = "" }: NamedIngresses,
): Iterable<Cause> {
  for (const name of names) {
    const ingress = view.get(ingresses, { namespace, name });
    if (!ingress || leadsTo(ingress, service)) continue;
    const rule = `ingress \`${name}\` has no rules using service ${service} backend`;
    yield invalid(field, name, rule);
  }
}

function leadsTo({ spec }: Ingress, service: string): boolean {
  return (spec.rules ?? []).some(({ http }) =>
    (http?.paths ?? []).some(({ backend }) => backend.service?.name === service)
  );
}
