import {
  type Deployment,
  type DeploymentCondition,
  type DeploymentStatus,
} from "../../resources/apps/deployments.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../../resources/apps/replica_sets.ts";
import { allOf, type History } from "./replica_set_history.ts";
import { availableOf, limitsOf, sizeOf } from "./rolling_update.ts";
import { conditionOf, withCondition, withoutCondition } from "../../resources/conditions.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";

/** Kubernetes: the value that means no deadline. */
const NO_DEADLINE = 2_147_483_647;
/** Kubernetes: looks again this much after the deadline, because times are rounded to seconds. */
const DEADLINE_SLACK_MS = 1_000;

type ConditionUpdate = Pick<DeploymentCondition, "type" | "status"> & {
  reason: string;
  message: string;
};

/** The conditions with the update, unless one of the same status and reason is there. */
function updatedConditions(
  conditions: DeploymentCondition[] | undefined,
  update: ConditionUpdate,
  nowMs: number,
): DeploymentCondition[] {
  const before = conditionOf(conditions, update.type);
  if (before?.status === update.status && before.reason === update.reason) return conditions!;
  return refreshedConditions(conditions, update, nowMs);
}

function refreshedConditions(
  conditions: DeploymentCondition[] | undefined,
  update: ConditionUpdate,
  nowMs: number,
): DeploymentCondition[] {
  return withCondition(conditions, { ...update, lastUpdateTime: timestamp(nowMs) }, nowMs);
}

/** The status with another condition Progressing; the same when the deployment has no deadline for progress. */
export function withProgress(
  deployment: Deployment,
  update: Omit<ConditionUpdate, "type">,
  nowMs: number,
): DeploymentStatus {
  const { status } = deployment;
  if (!hasDeadline(deployment)) return status;
  const conditions = updatedConditions(
    status.conditions,
    { type: "Progressing", ...update },
    nowMs,
  );
  return { ...status, conditions };
}

/**
 * The status of a deployment that was paused or resumed, so that the time it was paused does not count
 * against the deadline; `undefined` when the status says so already.
 */
export function pausedOrResumed(
  deployment: Deployment,
  nowMs: number,
): DeploymentStatus | undefined {
  const { spec: { paused = false }, status } = deployment;
  const reason = conditionOf(status.conditions, "Progressing")?.reason;
  const saysPaused = reason === "DeploymentPaused";
  if (!hasDeadline(deployment) || reason === "ProgressDeadlineExceeded" || paused === saysPaused) {
    return undefined;
  }
  const cause = paused
    ? { reason: "DeploymentPaused", message: "Deployment is paused" }
    : { reason: "DeploymentResumed", message: "Deployment is resumed" };
  return withProgress(deployment, { status: "Unknown", ...cause }, nowMs);
}

/** The status that follows from the counts of the ReplicaSets, without its progress. */
export function countedStatus(
  deployment: Deployment,
  history: History,
  nowMs: number,
): DeploymentStatus {
  const { metadata, spec, status } = deployment;
  const all = allOf(history);
  const available = availableOf(all);
  const isEnough = available >= spec.replicas - limitsOf(deployment).maxUnavailable;
  const availability: ConditionUpdate = {
    type: "Available",
    status: isEnough ? "True" : "False",
    reason: isEnough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
    message: isEnough
      ? "Deployment has minimum availability."
      : "Deployment does not have minimum availability.",
  };
  return withoutZeros({
    observedGeneration: metadata.generation ?? 0,
    replicas: sum(all, "replicas"),
    updatedReplicas: sum(history.current ? [history.current] : [], "replicas"),
    readyReplicas: sum(all, "readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sizeOf(all) - available),
    conditions: updatedConditions(status.conditions, availability, nowMs),
    ...(status.collisionCount !== undefined && { collisionCount: status.collisionCount }),
  });
}

function sum(
  replicaSets: readonly ReplicaSet[],
  count: keyof ReplicaSetStatus & ("replicas" | "readyReplicas"),
): number {
  return replicaSets.reduce((total, { status }) => total + (status[count] ?? 0), 0);
}

function withoutZeros(status: DeploymentStatus): DeploymentStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}

/**
 * The status during a rollout: also whether there is progress. Kubernetes: `syncRolloutStatus` in
 * `pkg/controller/deployment/progress.go`.
 */
export function rolloutStatus(
  deployment: Deployment,
  history: History,
  nowMs: number,
): DeploymentStatus {
  const counted = countedStatus(deployment, history, nowMs);
  const conditions = withReplicaFailure(
    progressConditions(deployment, counted, history, nowMs),
    history,
  );
  return { ...counted, conditions };
}

function progressConditions(
  deployment: Deployment,
  counted: DeploymentStatus,
  { current }: History,
  nowMs: number,
): DeploymentCondition[] {
  const conditions = counted.conditions ?? [];
  if (!hasDeadline(deployment)) return withoutCondition(conditions, "Progressing");
  const before = conditionOf(deployment.status.conditions, "Progressing");
  const wasComplete = (counted.replicas ?? 0) === (counted.updatedReplicas ?? 0) &&
    before?.reason === "NewReplicaSetAvailable";
  if (wasComplete) return conditions;
  const subject = current
    ? `ReplicaSet "${current.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  const progressing = (
    status: ConditionUpdate["status"],
    reason: string,
    what: string,
  ): ConditionUpdate => ({
    type: "Progressing",
    status,
    reason,
    message: `${subject} ${what}.`,
  });
  if (isComplete(deployment, counted)) {
    const done = progressing("True", "NewReplicaSetAvailable", "has successfully progressed");
    return updatedConditions(conditions, done, nowMs);
  }
  if (hasProgressed(deployment.status, counted)) {
    return refreshedConditions(
      conditions,
      progressing("True", "ReplicaSetUpdated", "is progressing"),
      nowMs,
    );
  }
  if (isOverdue(deployment, before, nowMs)) {
    const late = progressing("False", "ProgressDeadlineExceeded", "has timed out progressing");
    return updatedConditions(conditions, late, nowMs);
  }
  if (before !== undefined || current === undefined) return conditions;
  const found = {
    type: "Progressing",
    status: "True",
    reason: "FoundNewReplicaSet",
    message: `Found new replica set "${current.metadata.name}"`,
  } as const;
  return updatedConditions(conditions, found, nowMs);
}

/** Whether all pods are of the new template and available, and the controller has seen the spec. */
export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus): boolean {
  return (status.updatedReplicas ?? 0) === spec.replicas &&
    (status.replicas ?? 0) === spec.replicas &&
    (status.availableReplicas ?? 0) === spec.replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
}

function isOverdue(
  { spec }: Deployment,
  progressing: DeploymentCondition | undefined,
  nowMs: number,
): boolean {
  if (progressing === undefined || progressing.reason === "NewReplicaSetAvailable") return false;
  return msOf(progressing.lastUpdateTime) + spec.progressDeadlineSeconds * 1_000 < nowMs;
}

/** When to look whether the deadline for progress has passed; `undefined` when it does not matter. */
export function deadlineInMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const progressing = conditionOf(status.conditions, "Progressing");
  if (!hasDeadline(deployment) || deployment.spec.paused || progressing === undefined) {
    return undefined;
  }
  const isSettled = progressing.reason === "ProgressDeadlineExceeded" ||
    progressing.reason === "NewReplicaSetAvailable" || isComplete(deployment, status);
  if (isSettled) return undefined;
  const dueMs = msOf(progressing.lastUpdateTime) + deployment.spec.progressDeadlineSeconds * 1_000;
  return Math.max(0, dueMs - nowMs) + DEADLINE_SLACK_MS;
}

function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== NO_DEADLINE;
}

/** Copies the condition ReplicaFailure of a ReplicaSet, the current one's first. */
function withReplicaFailure(
  conditions: DeploymentCondition[],
  { current, old }: History,
): DeploymentCondition[] {
  const failure = [...current ? [current] : [], ...old]
    .map(({ status }) => conditionOf(status.conditions, "ReplicaFailure"))
    .find((condition) => condition !== undefined);
  if (failure === undefined) return withoutCondition(conditions, "ReplicaFailure");
  const { lastTransitionTime } = failure;
  const copied = lastTransitionTime ? { ...failure, lastUpdateTime: lastTransitionTime } : failure;
  return [...withoutCondition(conditions, "ReplicaFailure"), copied];
}
