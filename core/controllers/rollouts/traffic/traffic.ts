import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { TrafficRouting, TrafficWeights } from "../../../resources/argoproj/mod.ts";
import { pointService, serviceOf } from "../parts/services.ts";
import type { ServedTraffic } from "../../../traffic/served_traffic.ts";
import type { Outcome, Pass } from "../situation/pass.ts";
import { availableOf, hashOf, revisionOf } from "../situation/sets.ts";
import { isRoutedByUs } from "../situation/shares.ts";
import type { Situation } from "../situation/situation.ts";
import { currentStepOf, maxWeightOf } from "../situation/steps.ts";
import type { DesiredWeight } from "./desired_weight.ts";
import { StagedObjects } from "./port/staged_objects.ts";
import { trafficWeights, weightMessage } from "./traffic_weights.ts";
import { type RoutedRollout, RoutingError, type TrafficWriter } from "./port/traffic_writer.ts";
import { weightNow } from "./weight_now.ts";
import { writersOf } from "./writers/mod.ts";

/** Argo Rollouts: how long it waits before it asks a router again. */
const AGAIN_MS = 10_000;

/**
 * Splits the traffic as the steps say, and as the sets can carry. Argo Rollouts: `reconcileTrafficRouting`.
 *
 * With our own routers, the last weight must be in use before anything else goes on: then the stable pods may go.
 */
export function routeTraffic(situation: Situation, pass: Pass): Outcome {
  const { trafficRouting } = situation.rollout.spec.strategy.canary!;
  try {
    if (trafficRouting) return route(situation, pass, trafficRouting);
    pass.setCanaryStatus({ weights: undefined });
    return undefined;
  } catch (error) {
    if (!(error instanceof RoutingError)) throw error;
    pass.tell("TrafficRoutingError", error.message, "Warning");
    pass.wakeIn(AGAIN_MS);
    return "stop";
  }
}

function route(situation: Situation, pass: Pass, routing: TrafficRouting): Outcome {
  const routed = routedBy(situation, pass, routing);
  const writers = writersOf(routed);
  if (writers.length === 0) {
    pass.setCanaryStatus({ weights: undefined });
    return undefined;
  }
  const isOwn = writers.some((writer) => writer.isOwn);
  const desired = weightNow(situation, pass, { isOwn });
  leaveAborted(situation, pass, desired, isOwn);
  if (desired.removesManagedRoutes) writers.forEach((writer) => writer.removeManagedRoutes());
  const isWritten = isOwn ? situation.stable !== undefined : canStableTake(situation, desired);
  if (isWritten) write(situation, writers, desired);
  const outcome = isWritten ? note(situation, pass, writers, desired) : undefined;
  pass.write(...routed.objects.writes);
  return outcome;
}

function routedBy(
  { stored, rollout, view }: Situation,
  pass: Pass,
  routing: TrafficRouting,
): RoutedRollout {
  return {
    rollout: stored,
    canary: rollout.spec.strategy.canary!,
    routing,
    max: maxWeightOf(rollout),
    objects: new StagedObjects(view),
    services: {
      now: (service) => pass.serviceNow(service),
      change: (service, change) => pass.changeService(service, change),
    },
    tell: (reason, message) => pass.tell(reason, message),
  };
}

/** After an abort the canary's service leads to stable pods, too: at once, or when nothing comes to it any more. */
function leaveAborted(
  situation: Situation,
  pass: Pass,
  { weight }: DesiredWeight,
  isOwn: boolean,
): void {
  const { rollout, stable } = situation;
  const { canaryService, dynamicStableScale } = rollout.spec.strategy.canary!;
  if (!pass.isAborted || ((dynamicStableScale || isOwn) && weight > 0)) return;
  pointService(situation, pass, canaryService, stable, { needsAvailable: false });
}

/** Whether the stable pods can take their share. Argo Rollouts always counts it of 100: `checkReplicasAvailable`. */
function canStableTake({ rollout, stable }: Situation, { weight }: DesiredWeight): boolean {
  const share = maxWeightOf(rollout) - weight;
  return stable !== undefined &&
    availableOf(stable) >= Math.trunc(share * rollout.spec.replicas / 100);
}

function write(
  { rollout }: Situation,
  writers: readonly TrafficWriter[],
  { weight, extra }: DesiredWeight,
): void {
  const { step } = currentStepOf(rollout);
  const isUpdate = revisionOf(rollout) > 1;
  for (const writer of writers) {
    if (isUpdate && step?.setHeaderRoute) writer.setHeaderRoute(step.setHeaderRoute);
    if (isUpdate && step?.setMirrorRoute) writer.setMirrorRoute(step.setMirrorRoute);
    writer.setWeight(weight, extra);
  }
}

/** Puts the weights into the status, with whether they are in use. */
function note(
  situation: Situation,
  pass: Pass,
  writers: readonly TrafficWriter[],
  { weight, extra, canaryHash }: DesiredWeight,
): Outcome {
  const { rollout, stable, traffic } = situation;
  const { stableService, canaryService } = rollout.spec.strategy.canary!;
  const max = maxWeightOf(rollout);
  const weights = trafficWeights({
    max,
    weight,
    extra,
    hashes: { canary: canaryHash, stable: hashOf(stable) },
    services: { stable: stableService, canary: canaryService },
  });
  const message = weightMessage(rollout.status.canary.weights, weights);
  if (message !== undefined) pass.tell("TrafficWeightUpdated", message);
  const verified = traffic && verifiedBy(situation, pass, writers, traffic);
  pass.setCanaryStatus({ weights: { ...weights, ...(verified !== undefined && { verified }) } });
  if (verified !== false) return undefined;
  pass.wakeIn(AGAIN_MS);
  return weight === max ? "stop" : undefined;
}

/**
 * Whether all proxies serve the weights, and the services as they are now; `undefined` when nobody can know.
 */
function verifiedBy(
  situation: Situation,
  pass: Pass,
  writers: readonly TrafficWriter[],
  traffic: ServedTraffic,
): boolean | undefined {
  const answers = writers.map((writer) => writer.verified(traffic));
  if (answers.every((answer) => answer === undefined)) return undefined;
  const { stableService, canaryService } = situation.rollout.spec.strategy.canary!;
  const areServed = [stableService, canaryService].every((name) => {
    const service = serviceOf(situation, name);
    if (service === undefined) return true;
    return pass.serviceNow(service) === service && traffic.serves("Service", service);
  });
  return areServed && !answers.includes(false);
}

/** Whether no request can reach the set any more, by a weight or from before; as far as our own proxies know. */
export function mayScaleDown({ rollout, traffic }: Situation, set: ReplicaSet): boolean {
  if (traffic === undefined || !isRoutedByUs(rollout)) return true;
  const { namespace } = rollout.metadata;
  return traffic.waysTo({ namespace, hash: hashOf(set) }).every(({ by }) => by === "address");
}

/**
 * Pods that a set must keep for its share of the traffic, by the weights in use and by those that will be: all of them
 * while it is not known which are in use, or while requests get to a set without a share. 0 where our own proxies do not
 * split the traffic.
 */
export function podsInUse(situation: Situation, pass: Pass, set: ReplicaSet): number {
  const { rollout, traffic } = situation;
  if (traffic === undefined || !isRoutedByUs(rollout)) return 0;
  const inUse = rollout.status.canary.weights;
  const coming = pass.status.canary.weights;
  if (inUse?.verified === false) return set.spec.replicas;
  const share = Math.max(...[inUse, coming].map((weights) => shareIn(weights, hashOf(set))));
  if (share === 0) return mayScaleDown(situation, set) ? 0 : set.spec.replicas;
  const needed = Math.ceil(rollout.spec.replicas * share / maxWeightOf(rollout));
  return Math.min(needed, set.spec.replicas);
}

function shareIn(weights: TrafficWeights | undefined, hash: string): number {
  if (weights === undefined) return 0;
  return [weights.canary, weights.stable].filter(({ podTemplateHash }) => podTemplateHash === hash)
    .reduce((sum, { weight }) => sum + weight, 0);
}
