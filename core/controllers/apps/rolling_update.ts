import { msOf } from "../../lib/timestamp.ts";
import type { Deployment } from "../../resources/apps/deployments.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";

/** How many pods ReplicaSets are to have, by name; those that stay as they are need not be named. */
export type Sizes = ReadonlyMap<string, number>;
export const UNCHANGED: Sizes = new Map();

/** How many pods more or less than wanted a rolling update may have. */
export interface Limits {
  maxSurge: number;
  maxUnavailable: number;
}

/**
 * The limits of a deployment in pods: percentages of the wanted number, the surge rounded up, the
 * unavailable down; never both 0, or nothing could move. Kubernetes: `deploymentutil.ResolveFenceposts`.
 */
export function limitsOf({ spec: { replicas, strategy } }: Deployment): Limits {
  if (strategy.type === "Recreate") return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = strategy.rollingUpdate ?? {};
  const surge = podsOf(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(podsOf(maxUnavailable, replicas, Math.floor), replicas);
  if (replicas > 0 && surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 };
  return { maxSurge: surge, maxUnavailable: unavailable };
}

function podsOf(limit: number | string, replicas: number, round: (pods: number) => number): number {
  if (typeof limit === "number") return limit;
  return round(Number.parseInt(limit) * replicas / 100) || 0;
}

/**
 * How many pods the ReplicaSet of the new template may have now: as many as the surge has room for, at most
 * the wanted number. Kubernetes: `deploymentutil.NewRSNewReplicas`.
 */
export function newSize(deployment: Deployment, currentSize: number, oldSize: number): number {
  const { replicas, strategy } = deployment.spec;
  if (strategy.type === "Recreate" || currentSize >= replicas) return replicas;
  const room = replicas + limitsOf(deployment).maxSurge - currentSize - oldSize;
  return currentSize + Math.max(0, Math.min(room, replicas - currentSize));
}

/**
 * The next step of a rolling update: first the new ReplicaSet grows as far as it may; when it cannot, old
 * ones shrink by as many pods as can be spared. Unhealthy pods of old ReplicaSets go first.
 *
 * Kubernetes: `pkg/controller/deployment/rolling.go`.
 */
export function rollingStep(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): Sizes {
  const grown = newSize(deployment, current.spec.replicas, sizeOf(old));
  if (grown !== current.spec.replicas) return new Map([[current.metadata.name, grown]]);
  const oldestFirst = old.filter((replicaSet) => replicaSet.spec.replicas > 0)
    .sort((a, b) => msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp));
  const availableMin = deployment.spec.replicas - limitsOf(deployment).maxUnavailable;
  const currentUnavailable = grown - stayingAvailable([current]);
  const droppableMax = sizeOf(old) + grown - availableMin - currentUnavailable;
  const healthy = dropUnhealthy(oldestFirst, Math.max(0, droppableMax));
  const spare = stayingAvailable([current, ...old]) - availableMin;
  return dropSpare(oldestFirst, healthy, spare);
}

function dropUnhealthy(oldestFirst: readonly ReplicaSet[], droppableMax: number): Sizes {
  const sizes = new Map<string, number>();
  let left = droppableMax;
  for (const { metadata: { name }, spec: { replicas }, status } of oldestFirst) {
    const unhealthy = Math.max(0, replicas - (status.availableReplicas ?? 0));
    const dropped = Math.min(left, unhealthy);
    if (dropped > 0) sizes.set(name, replicas - dropped);
    left -= dropped;
  }
  return sizes;
}

function dropSpare(oldestFirst: readonly ReplicaSet[], before: Sizes, spare: number): Sizes {
  const sizes = new Map(before);
  let left = spare;
  for (const { metadata: { name }, spec } of oldestFirst) {
    if (left <= 0) break;
    const size = sizes.get(name) ?? spec.replicas;
    const dropped = Math.min(size, left);
    if (dropped > 0) sizes.set(name, size - dropped);
    left -= dropped;
  }
  return sizes;
}

/**
 * Available pods that no size given so far takes away. A ReplicaSet that has not yet shrunk to its size still
 * counts the pods that are about to go; Kubernetes takes them for available and may then drop too many.
 */
function stayingAvailable(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce(
    (sum, { spec, status }) => sum + Math.min(spec.replicas, status.availableReplicas ?? 0),
    0,
  );
}

/** Pods that ReplicaSets are to have together. */
export function sizeOf(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, { spec }) => sum + spec.replicas, 0);
}

/** Pods of ReplicaSets that count as available. */
export function availableOf(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, { status }) => sum + (status.availableReplicas ?? 0), 0);
}
