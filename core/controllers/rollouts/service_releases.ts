import { type Rollout, rollouts } from "../../resources/argoproj/mod.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import type { ObjectName, View } from "../../client/client.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Controller, NOTHING, type Plan, plan, update } from "../runtime/controller.ts";
import { servicesNamedBy } from "./parts/services.ts";
import { HASH_LABEL, MANAGED_BY } from "./situation/sets.ts";
import { sharedServiceOf } from "./situation/shares.ts";
import { SHARED_BY, SHARES } from "../../traffic/service_shares.ts";

/**
 * Gives Services back to their users: once no rollout names a Service any more, it selects by its own keys alone again,
 * and its traffic is not split.
 *
 * Argo Rollouts: `service/service.go`.
 */
export const serviceReleaseController: Controller<Service> = {
  name: "rollouts-controller",
  resource: services,
  watches: [{ resource: rollouts, concerns: servicesOf, includesFormer: true }],
  workers: 1,
  reconcile,
};

function servicesOf(changed: KubeObject): ObjectName[] {
  const { metadata: { namespace }, spec } = changed as Rollout;
  if (namespace === undefined) return [];
  const shared = sharedServiceOf(spec);
  const names = [...servicesNamedBy(spec), ...(typeof shared === "string" ? [shared] : [])];
  return names.map((name) => ({ namespace, name }));
}

function reconcile(service: Service, view: View): Plan {
  const next = unmanaged(unshared(service, view), view);
  return next === service ? NOTHING : plan([update(services, next)]);
}

function unmanaged(service: Service, view: View): Service {
  const manager = service.metadata.annotations?.[MANAGED_BY];
  if (manager === undefined || isNamedBy(manager, service, view)) return service;
  const { namespace, name } = service.metadata;
  const isNamed = view.list(rollouts, namespace)
    .some(({ spec }) => servicesNamedBy(spec).includes(name));
  const free = withoutAnnotations(service, [MANAGED_BY]);
  return isNamed ? free : withoutHash(free);
}

/** Shares that no rollout has written are the user's own. */
function unshared(service: Service, view: View): Service {
  const by = service.metadata.annotations?.[SHARED_BY];
  if (by === undefined) return service;
  const rollout = view.get(rollouts, { ...service.metadata, name: by });
  if (rollout && sharedServiceOf(rollout.spec) === service.metadata.name) return service;
  return withoutAnnotations(service, [SHARED_BY, SHARES]);
}

function isNamedBy(name: string, { metadata }: Service, view: View): boolean {
  const rollout = view.get(rollouts, { ...metadata, name });
  return rollout !== undefined && servicesNamedBy(rollout.spec).includes(metadata.name);
}

function withoutAnnotations(service: Service, names: readonly string[]): Service {
  const { metadata } = service;
  const kept = Object.entries(metadata.annotations ?? {}).filter(([name]) => !names.includes(name));
  return { ...service, metadata: { ...metadata, annotations: Object.fromEntries(kept) } };
}

function withoutHash(service: Service): Service {
  const { [HASH_LABEL]: _, ...selector } = service.spec.selector ?? {};
  return { ...service, spec: { ...service.spec, selector } };
}
