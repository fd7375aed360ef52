import { msOf } from "../../lib/timestamp.ts";
import type { Deployment } from "../../resources/apps/deployments.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import { allOf, DESIRED_REPLICAS, type History, MAX_REPLICAS } from "./replica_set_history.ts";
import { limitsOf, sizeOf, type Sizes, UNCHANGED } from "./rolling_update.ts";

/** Whether the deployment was scaled since its ReplicaSets got their sizes. */
export function isScaled({ spec }: Deployment, history: History): boolean {
  return allOf(history).filter(isSized).some(({ metadata }) => {
    const desired = metadata.annotations?.[DESIRED_REPLICAS];
    return desired !== undefined && Number(desired) !== spec.replicas;
  });
}

function isSized({ spec }: ReplicaSet): boolean {
  return spec.replicas > 0;
}

/**
 * New sizes after the deployment was scaled, or while it is paused: when a rollout is under way, each
 * ReplicaSet keeps its share, so that a template that turns out to be bad gets no more pods than it had.
 *
 * Kubernetes: `scale` in `pkg/controller/deployment/sync.go`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
 */
export function scaledSizes(deployment: Deployment, history: History): Sizes {
  const { spec: { replicas, strategy } } = deployment;
  const sized = allOf(history).filter(isSized);
  if (sized.length <= 1) {
    const only = sized[0] ?? history.current ?? newest(history.old);
    return only === undefined ? UNCHANGED : new Map([[only.metadata.name, replicas]]);
  }
  if (isSaturated(deployment, history.current)) {
    return new Map(history.old.filter(isSized).map(({ metadata }) => [metadata.name, 0]));
  }
  return strategy.type === "Recreate" ? UNCHANGED : proportionalSizes(deployment, sized);
}

function newest(replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...replicaSets].sort((a, b) => createdMs(b) - createdMs(a))[0];
}

function createdMs({ metadata }: ReplicaSet): number {
  return msOf(metadata.creationTimestamp);
}

function isSaturated({ spec: { replicas } }: Deployment, current: ReplicaSet | undefined): boolean {
  return current !== undefined && current.spec.replicas === replicas &&
    Number(current.metadata.annotations?.[DESIRED_REPLICAS]) === replicas &&
    current.status.availableReplicas === replicas;
}

function proportionalSizes(deployment: Deployment, sized: readonly ReplicaSet[]): Sizes {
  const { spec: { replicas }, status } = deployment;
  const allowed = replicas === 0 ? 0 : replicas + limitsOf(deployment).maxSurge;
  const toAdd = allowed - sizeOf(sized);
  if (toAdd === 0) return UNCHANGED;
  const isGrowing = toAdd > 0;
  const inOrder = [...sized].sort((a, b) =>
    b.spec.replicas - a.spec.replicas ||
    (isGrowing ? createdMs(b) - createdMs(a) : createdMs(a) - createdMs(b))
  );
  const sizes = new Map<string, number>();
  let left = toAdd;
  for (const replicaSet of inOrder) {
    const share = shareOf(replicaSet, allowed, status.replicas ?? 0);
    const part = isGrowing ? Math.min(share, left) : Math.max(share, left);
    left -= part;
    sizes.set(replicaSet.metadata.name, replicaSet.spec.replicas + part);
  }
  const largest = inOrder[0]!.metadata.name;
  sizes.set(largest, Math.max(0, sizes.get(largest)! + left));
  return sizes;
}

/** Pods to add, or to remove when negative, so that the ReplicaSet keeps its share of all. */
function shareOf({ metadata, spec }: ReplicaSet, allowed: number, knownPods: number): number {
  if (allowed === 0) return -spec.replicas;
  const before = Number(metadata.annotations?.[MAX_REPLICAS]) || knownPods;
  return before === 0 ? 0 : Math.round(spec.replicas * allowed / before) - spec.replicas;
}
