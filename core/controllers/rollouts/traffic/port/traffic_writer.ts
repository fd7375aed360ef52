import type {
  CanaryStrategy,
  Rollout,
  SetHeaderRoute,
  SetMirrorRoute,
  TrafficRouting,
  WeightDestination,
} from "../../../../resources/argoproj/mod.ts";
import type { Service } from "../../../../resources/core/services/services.ts";
import type { KubeObject } from "../../../../resources/resource.ts";
import type { StagedObjects } from "./staged_objects.ts";

/**
 * Makes one kind of router split the traffic of a rollout, by changing objects that the router reads. Every method may
 * be called in each look, and changes nothing when all is as it should be.
 *
 * Throws {@linkcode RoutingError} when it cannot be done.
 */
export interface TrafficWriter {
  /** What Argo Rollouts calls the router, or its plugin. */
  readonly type: string;
  /** Whether our own proxy is the router: then no set gets more than it can carry, and weights are verified. */
  readonly isOwn: boolean;
  /** `weight` of the canary, those of experiments, and all that is left for the stable pods. */
  setWeight(weight: number, extra: readonly WeightDestination[]): void;
  setHeaderRoute(route: SetHeaderRoute): void;
  setMirrorRoute(route: SetMirrorRoute): void;
  /** Takes away the routes that steps made. */
  removeManagedRoutes(): void;
  /**
   * Whether every table in use has the weights as they are stored now; `undefined` when nobody can know. Asked before
   * anything is changed.
   */
  verified(proxies: Proxies): boolean | undefined;
}

/** What is known of the tables that our proxies serve by. */
export interface Proxies {
  /** Whether every proxy that can be reached serves this version of the object, or a later one. */
  serves(kind: "HTTPRoute" | "Service", object: KubeObject): boolean;
}

export function sumOf(extra: readonly WeightDestination[]): number {
  return extra.reduce((sum, { weight }) => sum + weight, 0);
}

/** What the traffic of a rollout is routed by. */
export interface RoutedRollout {
  readonly rollout: Rollout;
  readonly canary: CanaryStrategy;
  readonly routing: TrafficRouting;
  /** The weight of all traffic. */
  readonly max: number;
  readonly objects: StagedObjects;
  /** Services with the changes of other parts of the look. */
  readonly services: ServiceChanges;
  /** Records an event of type Normal about the rollout. */
  tell(reason: string, message: string): void;
}

export interface ServiceChanges {
  now(service: Service): Service;
  change(service: Service, change: (now: Service) => Service): void;
}

/** The traffic cannot be routed as the rollout says. The message is that of the event TrafficRoutingError. */
export class RoutingError extends Error {
  override name = "RoutingError";
}

/** The stable and the canary service. With ping-pong, one of the two pairs of names. */
export function servicesOf(
  { rollout, canary }: Pick<RoutedRollout, "rollout" | "canary">,
  { prefersPingPong = false }: { prefersPingPong?: boolean } = {},
): { stable: string; canary: string } {
  const { pingPong, stableService: stable = "", canaryService = "" } = canary;
  const isUnnamed = stable === "" && canaryService === "";
  if (pingPong === undefined || !(prefersPingPong || isUnnamed)) {
    return { stable, canary: canaryService };
  }
  const { pingService: ping, pongService: pong } = pingPong;
  const isStablePing = rollout.status?.canary?.stablePingPong === "ping";
  return isStablePing ? { stable: ping, canary: pong } : { stable: pong, canary: ping };
}
