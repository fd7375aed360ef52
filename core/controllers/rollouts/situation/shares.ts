import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { ownField } from "../../../lib/own_field.ts";
import type { RolloutSpec } from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { availableOf, HASH_LABEL, hashOf } from "./sets.ts";
import type { ResolvedRollout, Situation } from "./situation.ts";
import { maxWeightOf } from "./steps.ts";

/** Names of the traffic routers behind which our own proxy is. */
export const GATEWAY_PLUGIN = "argoproj-labs/gatewayAPI";
export const SERVICE_PLUGIN = "coracle.dev/service";

/** The Service whose traffic the settings of {@linkcode SERVICE_PLUGIN} split: what they name, or the stable one. */
export function sharedServiceOf({ strategy }: Pick<RolloutSpec, "strategy">): unknown {
  const { trafficRouting, stableService } = strategy?.canary ?? {};
  const settings = ownField(trafficRouting?.plugins, SERVICE_PLUGIN);
  if (settings === undefined) return undefined;
  const isObject = typeof settings === "object" && settings !== null;
  return (isObject ? (settings as { service?: unknown }).service : undefined) ?? stableService;
}

/** Whether our own proxy splits the traffic of the rollout, so that it can be known what is served. */
export function isRoutedByUs({ spec }: Pick<ResolvedRollout, "spec">): boolean {
  const { plugins = {} } = spec.strategy.canary?.trafficRouting ?? {};
  return [GATEWAY_PLUGIN, SERVICE_PLUGIN].some((name) => Object.hasOwn(plugins, name));
}

/**
 * The weight that a number of pods stands for, rounded down: all of it when no pod is wanted, since none is missing
 * then.
 */
export function shareOf(available: number, replicas: number, max: number): number {
  return replicas === 0 ? max : Math.floor(max * available / replicas);
}

/**
 * Whether a Service of a canary may select the set: its ready pods must carry what all Services that lead to it get by the
 * weights in use. Always, where our own proxy does not split the traffic, and for a Service without a share.
 */
export function mayPoint(
  { rollout, view }: Pick<Situation, "rollout" | "view">,
  service: string,
  set: ReplicaSet,
): boolean {
  const { weights } = rollout.status.canary;
  if (!isRoutedByUs(rollout) || weights === undefined) return true;
  if (weights.verified === false) return false;
  const { stableService = "", canaryService = "" } = rollout.spec.strategy.canary!;
  const shares = new Map([
    [stableService, weights.stable.weight],
    [canaryService, weights.canary.weight],
  ]);
  const own = shares.get(service) ?? 0;
  if (own === 0) return true;
  const { namespace } = rollout.metadata;
  const selects = (name: string) =>
    view.get(services, { namespace, name })?.spec.selector?.[HASH_LABEL] === hashOf(set);
  const others = [...shares].filter(([name]) => name !== service && selects(name));
  const total = others.reduce((sum, [, share]) => sum + share, own);
  return total <= shareOf(availableOf(set), rollout.spec.replicas, maxWeightOf(rollout));
}
