import {
  type ContainerRole,
  containersInRoles,
} from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { rolloutIcon } from "./icons.ts";
import type { PodTemplate, Rollout } from "../cluster/objects.ts";
import type { Surroundings } from "./surroundings.ts";
import {
  isInSteps,
  maxWeightOf,
  phaseOf,
  setWeightOf,
  stepsOf,
  stepTextOf,
  strategyOf,
} from "./phase.ts";
import { type AnalysisRunInfo, analysisRunsOf } from "./analysis_runs.ts";
import { type ExperimentInfo, experimentsOf, imagesOfExperiment } from "./experiments.ts";
import { type Image, mergedImages } from "./images.ts";
import { type ObjectMeta, objectMetaOf } from "./object_meta.ts";
import { type ReplicaSetInfo, replicaSetsOf, type Role } from "./replica_sets.ts";
import { revisionSetsOf } from "./revisions.ts";

/** A share of requests, in percent. */
export interface MeasuredWeight {
  weight: number;
  requests: number;
  seconds: number;
}

interface ImageOfContainer {
  name: string;
  image: string;
}

/** Everything about a rollout at a glance, with the names that Argo Rollouts' dashboard gives them (`RolloutInfo`). */
export interface RolloutInfo {
  objectMeta: ObjectMeta;
  status: string;
  message: string;
  icon: string;
  strategy: string;
  /** Of a canary: `2/8`. */
  step?: string;
  /** Of a canary: what the steps ask for. */
  setWeight?: string;
  /** Of a canary: what the routes say; without routes, what the pods make of it. */
  actualWeight?: string;
  /** Of a canary that is watched: what the proxies have counted. */
  measuredWeight?: MeasuredWeight;
  ready: number;
  current: number;
  desired: number;
  updated: number;
  available: number;
  restartedAt: string;
  generation: string;
  steps?: readonly object[];
  containers: ImageOfContainer[];
  "initContainers": ImageOfContainer[];
  replicaSets: ReplicaSetInfo[];
  experiments: ExperimentInfo[];
  analysisRuns: AnalysisRunInfo[];
}

/** `template`: of the workload that the rollout refers to. */
export function rolloutInfoOf(
  rollout: Rollout,
  all: Surroundings,
  template: PodTemplate | undefined = rollout.spec.template,
): RolloutInfo {
  const { metadata: { uid }, spec, status = {} } = rollout;
  const replicaSets = [...replicaSetsOf(uid, rollout, all), ...revisionSetsOf(rollout, all)];
  const { phase, message } = phaseOf(rollout);
  return {
    objectMeta: objectMetaOf(rollout),
    status: phase,
    message,
    icon: rolloutIcon(phase),
    strategy: strategyOf(rollout),
    ...(spec.strategy?.canary && canaryInfoOf(rollout, replicaSets)),
    ready: status.readyReplicas ?? 0,
    current: status.replicas ?? 0,
    desired: spec.replicas ?? 1,
    updated: status.updatedReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    restartedAt: status.restartedAt ?? "Never",
    generation: status.observedGeneration ?? "",
    containers: imagesInRoles(template, "main"),
    "initContainers": imagesInRoles(template, "init", "sidecar"),
    replicaSets,
    experiments: experimentsOf(uid, all),
    analysisRuns: analysisRunsOf(uid, all.analysisRuns),
  };
}

function canaryInfoOf(rollout: Rollout, replicaSets: readonly ReplicaSetInfo[]) {
  const step = stepTextOf(rollout);
  return {
    ...(step !== undefined && { step, steps: stepsOf(rollout) }),
    setWeight: String(setWeightOf(rollout)),
    actualWeight: String(actualWeightOf(rollout, replicaSets)),
  };
}

function actualWeightOf(rollout: Rollout, replicaSets: readonly ReplicaSetInfo[]): number {
  const { spec, status = {} } = rollout;
  if (!isInSteps(rollout)) return maxWeightOf(rollout);
  const { availableReplicas = 0 } = status;
  if (availableReplicas === 0) return 0;
  if (spec.strategy?.canary?.trafficRouting) {
    const { weights } = status.canary ?? {};
    return weights ? weights.canary?.weight ?? 0 : setWeightOf(rollout);
  }
  const canary = replicaSets.find((replicaSet) => replicaSet.canary);
  return Math.floor((canary?.available ?? 0) * maxWeightOf(rollout) / availableReplicas);
}

function imagesInRoles(
  template: PodTemplate | undefined,
  ...roles: readonly ContainerRole[]
): ImageOfContainer[] {
  if (!template?.spec) return [];
  return containersInRoles(template.spec, ...roles).map(({ name, image = "" }) => ({
    name,
    image,
  }));
}

const TAGS: readonly Role[] = ["canary", "stable", "active", "preview", "ping", "pong"];

/** The images that run now, and which parts run them. */
export function imagesOf({ replicaSets, experiments }: RolloutInfo): Image[] {
  const ofSets = replicaSets.filter(({ replicas }) => replicas > 0).flatMap((replicaSet) =>
    replicaSet.images.map((image) => ({ image, tags: TAGS.filter((role) => replicaSet[role]) }))
  );
  return mergedImages([...ofSets, ...experiments.flatMap(imagesOfExperiment)]);
}

/** All revisions that something is left of, the highest first. */
export function revisionsOf({ replicaSets, experiments, analysisRuns }: RolloutInfo): number[] {
  const all = [...replicaSets, ...experiments, ...analysisRuns].map(({ revision }) => revision);
  return [...new Set(all)].sort((a, b) => b - a);
}
