import {
  type Deployment,
  type DeploymentCondition,
  type DeploymentStatus,
} from "../../../resources/apps/deployments.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { Rollout } from "../../../resources/argoproj/mod.ts";
import { conditionOf, withCondition } from "../../../resources/conditions.ts";
import { timestamp } from "../../../lib/timestamp.ts";
import { countedStatus } from "../../apps/deployment_status.ts";
import { hashOf } from "../situation/sets.ts";

export const INVALID = "InvalidStrategy";

type Progress = Pick<DeploymentCondition, "status"> & { reason: string; message: string };

/** The status of a Deployment whose pods are a Rollout's, as kubectl reads it. */
export function stepwiseStatus(
  deployment: Deployment,
  rollout: Rollout,
  sets: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  const { currentPodHash } = rollout.status ?? {};
  const current = sets.find((set) => hashOf(set) === currentPodHash);
  const old = sets.filter((set) => set !== current);
  const counted = countedStatus(deployment, { current, old }, nowMs);
  const status = hasSeen(deployment, rollout)
    ? counted
    : withGeneration(counted, deployment.status.observedGeneration);
  return withProgressing(status, progressOf(deployment, rollout, current), nowMs);
}

/** Whether the Rollout has begun to do what the Deployment says now. */
function hasSeen({ metadata }: Deployment, { metadata: own, spec, status = {} }: Rollout): boolean {
  return spec.workloadRef !== undefined &&
    status.observedGeneration === String(own.generation) &&
    status.workloadObservedGeneration === String(metadata.generation);
}

function withGeneration(
  { observedGeneration: _, ...status }: DeploymentStatus,
  observedGeneration: number | undefined,
): DeploymentStatus {
  return observedGeneration === undefined ? status : { ...status, observedGeneration };
}

/** kubectl knows one reason for which it gives up: the deadline. */
const GIVEN_UP = "ProgressDeadlineExceeded";

function progressOf(
  { metadata, spec: { paused } }: Deployment,
  { status = {} }: Rollout,
  current: ReplicaSet | undefined,
): Progress {
  const { phase, message = "" } = status;
  const subject = current
    ? `ReplicaSet "${current.metadata.name}"`
    : `Deployment "${metadata.name}"`;
  if (phase === "Degraded") return { status: "False", reason: GIVEN_UP, message };
  if (paused) {
    return { status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  }
  if (phase === "Healthy") {
    const reason = "NewReplicaSetAvailable";
    return { status: "True", reason, message: `${subject} has successfully progressed.` };
  }
  return { status: "True", reason: "ReplicaSetUpdated", message: `${subject} is progressing.` };
}

/** The status of a Deployment whose annotations cannot be used. */
export function invalidStatus(
  { status }: Deployment,
  causes: readonly string[],
  nowMs: number,
): DeploymentStatus {
  const message = causes.join("; ");
  return withProgressing(status, { status: "False", reason: INVALID, message }, nowMs);
}

function withProgressing(
  status: DeploymentStatus,
  update: Progress,
  nowMs: number,
): DeploymentStatus {
  const before = conditionOf(status.conditions, "Progressing");
  const isSame = before?.status === update.status && before.reason === update.reason &&
    before.message === update.message;
  if (isSame) return status;
  const lastUpdateTime = timestamp(nowMs);
  const next = { type: "Progressing" as const, ...update, lastUpdateTime };
  return { ...status, conditions: withCondition(status.conditions, next, nowMs) };
}
