import { int64Of } from "../../../lib/int64.ts";
import { msOf } from "../../../lib/timestamp.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import type { ResolvedRollout } from "./situation.ts";
import {
  HASH_LABEL,
  INSTANCE_LABEL,
  MANAGED_BY,
  REVISION,
  SCALE_DOWN_DEADLINE,
} from "../../../resources/argoproj/rollout_keys.ts";

export { HASH_LABEL, INSTANCE_LABEL, MANAGED_BY, REVISION, SCALE_DOWN_DEADLINE };

export const REVISION_HISTORY = "rollout.argoproj.io/revision-history";
/** On a ReplicaSet: replicas of the Rollout when it was last sized. */
export const DESIRED_REPLICAS = "rollout.argoproj.io/desired-replicas";
/** On a ReplicaSet of an Experiment. */
export const EXPERIMENT_NAME = "experiment.argoproj.io/name";

/** The hash of the template that the set was made of; empty when it has none. */
export function hashOf(set: ReplicaSet | undefined): string {
  return set?.metadata.labels?.[HASH_LABEL] ?? "";
}

export function availableOf(set: ReplicaSet | undefined): number {
  return set?.status.availableReplicas ?? 0;
}

/** The sum over the sets. */
export function availableIn(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + availableOf(set), 0);
}

/** Pods that the sets should have. */
export function sizeOf(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, { spec }) => sum + spec.replicas, 0);
}

/** Pods that there are. */
export function podsIn(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, { status }) => sum + status.replicas, 0);
}

export function readyIn(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, { status }) => sum + (status.readyReplicas ?? 0), 0);
}

/** The revision of a Rollout, or of something that belongs to one; 0 when nothing says so. */
export function revisionOf({ metadata }: Pick<KubeObject, "metadata">): number {
  return Number(int64Of(metadata.annotations?.[REVISION]) ?? 0n);
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map(revisionOf));
}

export function hasDeadline({ metadata }: ReplicaSet): boolean {
  return (metadata.annotations?.[SCALE_DOWN_DEADLINE] ?? "") !== "";
}

/** When the pods of the set are to go; `undefined` when nothing says so, or nothing that can be read. */
export function deadlineMsOf({ metadata }: ReplicaSet): number | undefined {
  return msOf(metadata.annotations?.[SCALE_DOWN_DEADLINE]) || undefined;
}

/** Whether the set has all the pods that the Rollout wants, and all are available. Argo Rollouts: `IsSaturated`. */
export function isSaturated(set: ReplicaSet | undefined, { spec }: ResolvedRollout): boolean {
  return set !== undefined && set.spec.replicas === spec.replicas &&
    set.metadata.annotations?.[DESIRED_REPLICAS] === String(spec.replicas) &&
    availableOf(set) === spec.replicas;
}

/** From the highest revision to the lowest. */
export function newestFirst(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return oldestFirst(sets).sort((a, b) => revisionOf(b) - revisionOf(a));
}

/** In the order in which they were created. */
export function oldestFirst(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...sets].sort((a, b) =>
    msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}
