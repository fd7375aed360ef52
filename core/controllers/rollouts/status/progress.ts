import { msOf } from "../../../lib/timestamp.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { RolloutCondition, RolloutStatus } from "../../../resources/argoproj/mod.ts";
import { isPaused } from "../situation/pauses.ts";
import { hasDeadline } from "../situation/sets.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";
import { isHealthy } from "./completion.ts";
import { conditionIn } from "./condition_list.ts";

const PROGRESS_DEADLINE_DEFAULT_SECONDS = 600;
/** Looks again this much after the deadline, because times are rounded to seconds. */
const DEADLINE_SLACK_MS = 1_000;

/** What the progress of a rollout is judged by. */
export interface ProgressFacts {
  rollout: ResolvedRollout;
  /** The status to be. */
  status: RolloutStatus;
  /** Sets that are neither current nor stable. */
  others: readonly ReplicaSet[];
  nowMs: number;
}

/**
 * Whether the status to be is a step ahead of the stored one: pods of the template came or went, old ones went, pods
 * became ready, a service was switched, a step taken. Argo Rollouts: `RolloutProgressing`.
 */
export function hasProgressed(rollout: ResolvedRollout, status: RolloutStatus): boolean {
  const before = rollout.status;
  return (status.updatedReplicas ?? 0) !== (before.updatedReplicas ?? 0) ||
    oldPodsOf(status) < oldPodsOf(before) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    hasSwitchedService(rollout, status) || hasTakenStep(rollout, status);
}

function oldPodsOf({ replicas = 0, updatedReplicas = 0 }: RolloutStatus): number {
  return replicas - updatedReplicas;
}

function hasSwitchedService({ spec, status: before }: ResolvedRollout, status: RolloutStatus) {
  if (spec.strategy.blueGreen === undefined) return false;
  const { activeSelector = "", previewSelector = "" } = status.blueGreen ?? {};
  return activeSelector !== (before.blueGreen?.activeSelector ?? "") ||
    previewSelector !== (before.blueGreen?.previewSelector ?? "");
}

function hasTakenStep({ spec, status: before }: ResolvedRollout, status: RolloutStatus) {
  if (spec.strategy.canary === undefined) return false;
  const [from, to] = [before.currentStepIndex, status.currentStepIndex];
  return (status.stableRS ?? "") !== (before.stableRS ?? "") ||
    (from !== undefined && to !== undefined && from !== to) ||
    (status.currentStepHash ?? "") !== (before.currentStepHash ?? "");
}

/**
 * Whether there was no progress for too long. `progressing` is what the condition says so far: while that is of a pause
 * or an abort, no time counts. Argo Rollouts: `RolloutTimedOut`, and the case that asks it.
 */
export function hasTimedOut(
  facts: ProgressFacts,
  progressing: RolloutCondition | undefined,
): boolean {
  if (progressing === undefined || waits(facts, progressing)) return false;
  return progressing.reason === "ProgressDeadlineExceeded" ||
    deadlineMsOf(facts.rollout, progressing) < facts.nowMs;
}

/** Whether something is waited for that may take as long as it likes. */
function waits({ rollout, others }: ProgressFacts, { reason }: RolloutCondition): boolean {
  return reason === "RolloutAborted" || reason === "RolloutPaused" ||
    isAtOpenEndedStep(rollout) || others.some(hasDeadline);
}

/** Whether the rollout is paused, or at a step that says itself how long it takes. */
function isAtOpenEndedStep({ spec, status }: ResolvedRollout): boolean {
  if (conditionIn(status.conditions, "Paused")?.status === "True") return true;
  const { steps = [] } = spec.strategy.canary ?? {};
  const step = steps[status.currentStepIndex ?? 0];
  return step !== undefined &&
    (step.experiment !== undefined || step.analysis !== undefined || step.pause !== undefined);
}

function deadlineMsOf({ spec }: ResolvedRollout, { lastUpdateTime }: RolloutCondition): number {
  const seconds = spec.progressDeadlineSeconds ?? PROGRESS_DEADLINE_DEFAULT_SECONDS;
  return msOf(lastUpdateTime) + seconds * 1_000;
}

/**
 * In how long to see whether the deadline for progress has passed; `undefined` when it does not matter. `status` is the
 * one to be. Argo Rollouts: `requeueStuckRollout`.
 */
export function deadlineInMs(
  { rollout, others, nowMs }: Situation,
  status: RolloutStatus,
): number | undefined {
  const progressing = conditionIn(status.conditions, "Progressing");
  if (progressing === undefined || progressing.reason === "ProgressDeadlineExceeded") return;
  const isSettled = isHealthy(rollout, status) || isPaused(rollout) || status.abort === true;
  if (isSettled || waits({ rollout, status, others, nowMs }, progressing)) return undefined;
  return Math.max(0, deadlineMsOf(rollout, progressing) - nowMs) + DEADLINE_SLACK_MS;
}
