import { type Service, services } from "../../../resources/core/services/services.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { RolloutSpec } from "../../../resources/argoproj/mod.ts";
import type { Pass } from "../situation/pass.ts";
import { availableOf, HASH_LABEL, hashOf, MANAGED_BY } from "../situation/sets.ts";
import { mayPoint } from "../situation/shares.ts";
import type { Situation } from "../situation/situation.ts";

/** The Service of this name beside the rollout; `undefined` when none is named, or it is not there. */
export function serviceOf(
  { rollout, view }: Pick<Situation, "rollout" | "view">,
  name: string | undefined,
): Service | undefined {
  const { namespace } = rollout.metadata;
  return name ? view.get(services, { namespace, name }) : undefined;
}

/** Whose pods the Service selects, of all that its other keys select; empty when it does not say. */
export function selectedHash(service: Service | undefined): string {
  return service?.spec.selector?.[HASH_LABEL] ?? "";
}

/** The Services whose selectors a rollout writes. Argo Rollouts: `GetRolloutServiceKeys`. */
export function servicesNamedBy({ strategy }: Pick<RolloutSpec, "strategy">): string[] {
  const { blueGreen, canary } = strategy ?? {};
  const { pingService, pongService } = canary?.pingPong ?? {};
  const names = blueGreen
    ? [blueGreen.activeService, blueGreen.previewService]
    : [canary?.canaryService, canary?.stableService, pingService, pongService];
  return [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
}

/**
 * Lets the Service select the pods of one template only: its other keys stay as they are. Nothing when it does so
 * already. Argo Rollouts: `switchServiceSelector`.
 */
export function switchService(
  { rollout }: Situation,
  pass: Pass,
  service: Service,
  hash: string,
): void {
  const { name } = service.metadata;
  const before = selectedHash(pass.serviceNow(service));
  const isManaged = service.metadata.annotations?.[MANAGED_BY] !== undefined;
  if (hash === "" || (before === hash && isManaged)) return;
  pass.changeService(service, ({ metadata, spec, ...rest }) => ({
    ...rest,
    metadata: {
      ...metadata,
      annotations: { [MANAGED_BY]: rollout.metadata.name, ...metadata.annotations },
    },
    spec: { ...spec, selector: { ...spec.selector, [HASH_LABEL]: hash } },
  }), {
    reason: "SwitchService",
    message: `Switched selector for service '${name}' from '${before}' to '${hash}'`,
  });
}

/**
 * Lets the Service of this name select the pods of the set, once there are some: a Service that no rollout has managed
 * before brings all its requests at once, so that the whole set has to be there for it. With `needsAvailable: false` it
 * is done at once, for a Service that gets no requests yet.
 *
 * Argo Rollouts: `ensureSVCTargets`.
 */
export function pointService(
  situation: Situation,
  pass: Pass,
  name: string | undefined,
  set: ReplicaSet | undefined,
  { needsAvailable }: { needsAvailable: boolean },
): void {
  const service = serviceOf(situation, name);
  if (service === undefined || set === undefined) return;
  if (selectedHash(pass.serviceNow(service)) === hashOf(set)) return;
  if (needsAvailable && !canTakeOver(service, set)) return;
  if (!mayPoint(situation, service.metadata.name, set)) return;
  switchService(situation, pass, service, hashOf(set));
}

function canTakeOver({ metadata }: Service, set: ReplicaSet): boolean {
  const available = availableOf(set);
  if (available === 0) return false;
  return metadata.annotations?.[MANAGED_BY] !== undefined || available >= set.spec.replicas;
}
