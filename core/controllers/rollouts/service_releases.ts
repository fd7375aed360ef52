import { type Rollout, rollouts } from "../../resources/argoproj/mod.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import type { ObjectName, View } from "../../client/client.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type Controller, NOTHING, type Plan, plan, update } from "../runtime/controller.ts";
import { servicesNamedBy } from "./parts/services.ts";
import { HASH_LABEL, MANAGED_BY } from "./situation/sets.ts";

/**
 * Gives Services back to their users: once no rollout names a Service any more, it selects by its own keys alone again.
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
  return servicesNamedBy(spec).map((name) => ({ namespace, name }));
}

function reconcile(service: Service, view: View): Plan {
  const manager = service.metadata.annotations?.[MANAGED_BY];
  if (manager === undefined || isNamedBy(manager, service, view)) return NOTHING;
  const { namespace, name } = service.metadata;
  const isNamed = view.list(rollouts, namespace)
    .some(({ spec }) => servicesNamedBy(spec).includes(name));
  const free = withoutManager(service);
  return plan([update(services, isNamed ? free : withoutHash(free))]);
}

function isNamedBy(name: string, { metadata }: Service, view: View): boolean {
  const rollout = view.get(rollouts, { ...metadata, name });
  return rollout !== undefined && servicesNamedBy(rollout.spec).includes(metadata.name);
}

function withoutManager(service: Service): Service {
  const { metadata } = service;
  const { [MANAGED_BY]: _, ...annotations } = metadata.annotations ?? {};
  return { ...service, metadata: { ...metadata, annotations } };
}

function withoutHash(service: Service): Service {
  const { [HASH_LABEL]: _, ...selector } = service.spec.selector ?? {};
  return { ...service, spec: { ...service.spec, selector } };
}
