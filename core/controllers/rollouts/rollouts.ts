import type { ObjectName, View } from "../../client/client.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { type Rollout, rollouts } from "../../resources/argoproj/mod.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { claimWrites } from "../runtime/ownership.ts";
import {
  type ControllerWithMemory,
  keyOf,
  type Memory,
  NOTHING,
  type Plan,
  plan,
  type PlanWithMemory,
  recordEvent,
  update,
} from "../runtime/controller.ts";
import type { ServedTraffic } from "../../traffic/served_traffic.ts";
import { inPlaceWorkloadOf, lookInPlace } from "./in_place/in_place.ts";
import { blueGreen } from "./blue_green/blue_green.ts";
import { canary, scaleCanary } from "./canary/canary.ts";
import { persist } from "./status/finish.ts";
import { Pass } from "./situation/pass.ts";
import { createCurrent, syncCurrent } from "./revisions.ts";
import { DESIRED_REPLICAS } from "./situation/sets.ts";
import {
  isFullyPromoted,
  type OpenSituation,
  resolvedRollout,
  type Situation,
} from "./situation/situation.ts";
import { situationOf } from "./situations.ts";
import { withPausedConditions } from "./status/paused_conditions.ts";
import { invalid } from "./status/invalid.ts";
import { observed, statusWrites } from "./status/status_writes.ts";
import { invalidityOf } from "./validation/validation.ts";
import { rolloutWatches } from "./watches.ts";
import { resolveWorkload } from "./parts/workload_reference.ts";

type Surroundings = Pick<Situation, "view" | "traffic" | "nowMs">;

/**
 * Brings the pods of a Rollout to its template, in steps that people and analyses can judge: one step in each look, whose
 * result leads to the next one.
 *
 * Argo Rollouts 1.8: `rollout/controller.go`, `rollout/sync.go`.
 * https://argo-rollouts.readthedocs.io/en/stable/
 */
export function rolloutController(
  traffic?: ServedTraffic,
): ControllerWithMemory<Rollout, KubeObject> {
  return {
    name: "rollouts-controller",
    resource: rollouts,
    watches: rolloutWatches,
    ...(traffic && { outside: (view, add) => traffic.onChange(waitingIn(view, add)) }),
    workers: 4,
    reconcile: (rollout, view, nowMs, { memory }) =>
      withFirstSight(rollout, memory, look(rollout, { view, traffic, nowMs })),
    gone: (name, _view, _nowMs, { memory }) => lastSight(name, memory),
  };
}

/** Looks again at rollouts that may wait for the proxies: all but canaries whose traffic nobody routes. */
function waitingIn(
  view: View,
  add: (name: ObjectName) => void,
): (namespaces: ReadonlySet<string>) => void {
  return (namespaces) => {
    for (const namespace of namespaces) {
      for (const { metadata, spec: { strategy } } of view.list(rollouts, namespace)) {
        if (strategy?.blueGreen || strategy?.canary?.trafficRouting) add(metadata);
      }
    }
  };
}

/** Tells of each rollout when it is first seen, as Argo Rollouts does. */
function withFirstSight(
  rollout: Rollout,
  memory: Memory<KubeObject>,
  made: Plan,
): PlanWithMemory<KubeObject> {
  const { apiVersion, kind, metadata } = rollout;
  const { uid, namespace, name, resourceVersion, creationTimestamp } = metadata;
  const key = keyOf(metadata);
  if (memory.get(key)?.metadata.uid === uid) return made;
  const seen = recordEvent({
    about: rollout,
    type: "Normal",
    reason: "RolloutAddedToInformer",
    message: `Rollout resource added to informer: ${namespace}/${name}`,
  });
  const known = { uid, namespace, name, resourceVersion, creationTimestamp };
  const identity = { apiVersion, kind, metadata: known };
  return { ...made, writes: [seen, ...made.writes], remember: [[key, identity]] };
}

/** Tells of a rollout that it is gone, in Argo Rollouts' words. */
function lastSight(name: ObjectName, memory: Memory<KubeObject>): PlanWithMemory<KubeObject> {
  const key = keyOf(name);
  const about = memory.get(key);
  if (about === undefined) return NOTHING;
  const message = `Rollout ${name.name}/${name.namespace} is deleted.`;
  const told = recordEvent({ about, type: "Normal", reason: "RolloutDeleted", message });
  return { writes: [told], remember: [[key, undefined]] };
}

function look(stored: Rollout, { view, traffic, nowMs }: Surroundings): Plan {
  if (stored.metadata.deletionTimestamp) return NOTHING;
  const inPlace = inPlaceWorkloadOf(stored, view);
  if (inPlace) return lookInPlace(stored, inPlace, { view, traffic, nowMs });
  const workload = resolveWorkload(stored, view);
  if ("error" in workload) return invalid(stored, workload.error, nowMs);
  const fault = invalidityOf(workload.rollout, view);
  if (fault !== undefined) return invalid(stored, fault, nowMs);
  const rollout = resolvedRollout(workload.rollout);
  const claims = claimWrites(view, {
    children: replicaSets,
    owner: stored,
    ownerResource: rollouts,
    selector: rollout.spec.selector,
  });
  if (claims.length > 0) return plan(claims);
  if (stored.spec.replicas === undefined) {
    return plan([update(rollouts, { ...stored, spec: { ...stored.spec, replicas: 1 } })]);
  }
  const { generation: workloadGeneration } = workload;
  const situation = situationOf({ stored, rollout, workloadGeneration, view, traffic, nowMs });
  return hasCurrent(situation) ? proceed(situation) : createCurrent(situation);
}

function hasCurrent(situation: OpenSituation): situation is Situation {
  return situation.current !== undefined;
}

/** One step of a rollout that is valid. */
function proceed(situation: Situation): Plan {
  const { rollout, nowMs } = situation;
  const conditions = withPausedConditions(rollout, nowMs);
  if (conditions !== rollout.status.conditions && conditions.length > 0) {
    const status = observed(situation, { ...rollout.status, conditions });
    return plan(statusWrites(situation, status));
  }
  const pass = new Pass(situation);
  if (isFullyPromoted(rollout)) pass.removeAbort();
  syncCurrent(situation, pass);
  if (rollout.spec.strategy.blueGreen) return blueGreen(situation, pass);
  return isScaled(situation) ? scaleOnly(situation, pass) : canary(situation, pass);
}

/** Whether somebody has changed the number of pods since a set was last sized. */
function isScaled({ current, stable, rollout }: Situation): boolean {
  const wanted = String(rollout.spec.replicas);
  return [current, stable].some((set) => {
    const sizedFor = set?.metadata.annotations?.[DESIRED_REPLICAS];
    return set !== undefined && set.spec.replicas > 0 && sizedFor !== undefined &&
      sizedFor !== wanted;
  });
}

/** While the number of pods changes nothing else goes on with a canary. Argo Rollouts: `syncReplicasOnly`. */
function scaleOnly(situation: Situation, pass: Pass): Plan {
  pass.status = { ...situation.rollout.status };
  scaleCanary(situation, pass);
  return persist(situation, pass);
}
