import type { ObjectName, View } from "../../client/client.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import {
  analysisRuns,
  analysisTemplates,
  clusterAnalysisTemplates,
  experiments,
  type Rollout,
  rollouts,
} from "../../resources/argoproj/mod.ts";
import { services } from "../../resources/core/services/services.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { matches, NOTHING, type Selector, selectorOf } from "../../schema/selectors.ts";
import type { Watch } from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { restartWatches } from "./parts/pod_restarts.ts";
import { servicesNamedBy } from "./parts/services.ts";
import { inPlaceWatches } from "./in_place/watches.ts";
import { routeWatches } from "./traffic/route_watches.ts";
import { resolveWorkload, workloadWatches } from "./parts/workload_reference.ts";

/** Which rollouts a change concerns. */
export const rolloutWatches: readonly Watch[] = [
  { resource: replicaSets, concerns: ownerOrAdopters, includesFormer: true },
  ...[analysisRuns, experiments].map((resource) => ({ resource, concerns: owner })),
  { resource: services, concerns: namingService },
  ...[analysisTemplates, clusterAnalysisTemplates].map((resource: AnyResource) => ({
    resource,
    concerns: invalidOnes,
  })),
  ...workloadWatches,
  ...inPlaceWatches,
  ...restartWatches,
  ...routeWatches,
];

function owner(object: KubeObject): ObjectName[] {
  const reference = controllerOf(object);
  const { namespace } = object.metadata;
  if (reference?.kind !== rollouts.kind || namespace === undefined) return [];
  return [{ namespace, name: reference.name }];
}

/** A set that nobody owns concerns all that could adopt it. */
function ownerOrAdopters(set: KubeObject, view: View): ObjectName[] {
  if (controllerOf(set) !== undefined) return owner(set);
  return view.list(rollouts, set.metadata.namespace)
    .filter((rollout) => matches(selectorIn(rollout, view), set.metadata.labels))
    .map(({ metadata }) => metadata);
}

/** Selects nothing when there is no selector, or one that cannot be read. */
function selectorIn(rollout: Rollout, view: View): Selector {
  const workload = resolveWorkload(rollout, view);
  const selector = "error" in workload ? undefined : workload.rollout.spec.selector;
  if (selector === undefined) return NOTHING;
  try {
    return selectorOf(selector);
  } catch {
    return NOTHING; // the controller says what is wrong with it
  }
}

function namingService({ metadata }: KubeObject, view: View): ObjectName[] {
  return view.list(rollouts, metadata.namespace)
    .filter((rollout) => servicesNamedBy(rollout.spec).includes(metadata.name))
    .map(({ metadata }) => metadata);
}

/** What is missing may have come. */
function invalidOnes({ metadata }: KubeObject, view: View): ObjectName[] {
  return view.list(rollouts, metadata.namespace)
    .filter(({ status }) => status?.conditions?.some(({ type }) => type === "InvalidSpec"))
    .map(({ metadata }) => metadata);
}
