import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { RolloutCondition } from "../../../resources/argoproj/mod.ts";
import { conditionOf } from "../../../resources/conditions.ts";
import type { Pass } from "../situation/pass.ts";
import { isPaused } from "../situation/pauses.ts";
import { availableIn, hashOf, isSaturated, revisionOf } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";
import { isCompleted, isHealthy } from "./completion.ts";
import {
  conditionIn,
  type ConditionUpdate,
  withConditionRenewed,
  withConditionSet,
} from "./condition_list.ts";
import { hasProgressed, hasTimedOut, type ProgressFacts } from "./progress.ts";

/** What the conditions of a rollout follow from. */
export interface ConditionFacts extends ProgressFacts {
  current: ReplicaSet | undefined;
  all: readonly ReplicaSet[];
  revision: number;
  /** Whether the update is given up, as far as it is decided by now, and why. */
  isAborted: boolean;
  abortMessage: string | undefined;
}

export interface ConditionOutcome {
  conditions: RolloutCondition[];
  /** What to tell about the rollout, in this order. */
  notices: readonly { reason: string; message: string; type?: "Warning" }[];
  /** Why to give the update up. */
  abort?: string;
}

/** Puts the conditions into the status to be, and gives the update up when its deadline says so. */
export function withRolloutConditions(situation: Situation, pass: Pass): void {
  const { rollout, current, others, all, nowMs } = situation;
  const { conditions, notices, abort } = rolloutConditions({
    rollout,
    status: pass.status,
    current,
    others,
    all,
    revision: revisionOf(pass.setNow(current)),
    isAborted: pass.isAborted,
    abortMessage: pass.abortMessage,
    nowMs,
  });
  pass.status.conditions = conditions;
  if (abort !== undefined) pass.addAbort(abort);
  for (const { reason, message, type } of notices) pass.tell(reason, message, type);
}

/** Argo Rollouts: `calculateRolloutConditions` in `rollout/sync.go`. */
export function rolloutConditions(facts: ConditionFacts): ConditionOutcome {
  const { status, nowMs } = facts;
  const before = status.conditions ?? [];
  const judged = withHealth(facts, before);
  const progress = facts.isAborted ? withAbort(facts, judged) : withProgress(facts, judged, before);
  const available = withConditionSet(progress.conditions, availability(facts), nowMs);
  const failing = withReplicaFailure(available, facts);
  const conditions = withConditionSet(failing, completion(facts), nowMs);
  const started = conditions !== failing && !isCompleted(status);
  return {
    ...progress,
    conditions,
    notices: [...progress.notices, ...(started ? [startedNotice(facts)] : [])],
  };
}

/** Healthy is False only once it has been there. */
function withHealth(
  { rollout, status, nowMs }: ConditionFacts,
  conditions: RolloutCondition[],
): RolloutCondition[] {
  const health = { type: "Healthy", reason: "RolloutHealthy" };
  if (!isPaused(rollout) && isHealthy(rollout, status)) {
    const update = { ...health, status: "True", message: "Rollout is healthy" } as const;
    return withConditionSet(conditions, update, nowMs);
  }
  if (conditionIn(conditions, "Healthy") === undefined) return conditions;
  const update = { ...health, status: "False", message: "Rollout is not healthy" } as const;
  return withConditionSet(conditions, update, nowMs);
}

function withAbort(
  { revision, abortMessage, nowMs }: ConditionFacts,
  conditions: RolloutCondition[],
): ConditionOutcome {
  const why = abortMessage ? `: ${abortMessage}` : "";
  const message = `Rollout aborted update to revision ${revision}${why}`;
  const reason = "RolloutAborted";
  const update = { type: "Progressing", status: "False", reason, message } as const;
  const next = withConditionSet(conditions, update, nowMs);
  return {
    conditions: next,
    notices: next === conditions ? [] : [{ reason, message, type: "Warning" }],
  };
}

function withProgress(
  facts: ConditionFacts,
  judged: RolloutCondition[],
  before: RolloutCondition[],
): ConditionOutcome {
  const { rollout, status, nowMs } = facts;
  const becameUnhealthy = judged !== before && !isHealthy(rollout, status);
  if (isHealthy(rollout, status)) {
    // It says that it is paused; Argo Rollouts says the one and the other in turns.
    if (isPaused(rollout) && !isCompleted(status)) return { conditions: judged, notices: [] };
    const update = progressing(facts, "NewReplicaSetAvailable", "has successfully progressed.");
    return { conditions: withConditionSet(judged, update, nowMs), notices: [] };
  }
  if (hasProgressed(rollout, status) || becameUnhealthy) {
    const update = becameUnhealthy && isCompleted(status)
      ? lostAvailability()
      : progressing(facts, "ReplicaSetUpdated", "is progressing.");
    return { conditions: withConditionRenewed(judged, update, nowMs), notices: [] };
  }
  if (!hasTimedOut(facts, conditionIn(judged, "Progressing"))) {
    return { conditions: judged, notices: [] };
  }
  return timedOut(facts, judged);
}

function timedOut(facts: ConditionFacts, judged: RolloutCondition[]): ConditionOutcome {
  const { rollout, nowMs } = facts;
  const reason = "ProgressDeadlineExceeded";
  const late = progressing(facts, reason, "has timed out progressing.");
  const conditions = withConditionSet(judged, { ...late, status: "False" }, nowMs);
  if (!rollout.spec.progressDeadlineAbort) return { conditions, notices: [] };
  const { message } = late;
  return {
    conditions,
    notices: [{ reason: "RolloutAborted", message, type: "Warning" }],
    abort: message,
  };
}

function progressing(
  { rollout, current }: ConditionFacts,
  reason: string,
  what: string,
): ConditionUpdate {
  const subject = current
    ? `${current.kind} "${current.metadata.name}"`
    : `Rollout "${rollout.metadata.name}"`;
  return { type: "Progressing", status: "True", reason, message: `${subject} ${what}` };
}

/** A promoted rollout that lost pods gets the whole deadline to have them again. */
function lostAvailability(): ConditionUpdate {
  return {
    type: "Progressing",
    status: "True",
    reason: "ReplicaSetNotAvailable",
    message: "Rollout does not have minimum availability",
  };
}

function availability(facts: ConditionFacts): ConditionUpdate {
  const isAvailable = hasMinimum(facts);
  return {
    type: "Available",
    status: isAvailable ? "True" : "False",
    reason: "AvailableReason",
    message: isAvailable
      ? "Rollout has minimum availability"
      : "Rollout does not have minimum availability",
  };
}

function hasMinimum({ rollout, status, all }: ConditionFacts): boolean {
  if (rollout.spec.strategy.blueGreen === undefined) {
    return availableIn(all) >= rollout.spec.replicas;
  }
  const active = status.blueGreen?.activeSelector ?? "";
  return active !== "" && isSaturated(all.find((set) => hashOf(set) === active), rollout);
}

/** Copies the condition ReplicaFailure of a ReplicaSet, the current one's first. */
function withReplicaFailure(
  conditions: RolloutCondition[],
  { current, all }: ConditionFacts,
): RolloutCondition[] {
  const failure = [...current ? [current] : [], ...all]
    .map(({ status }) => conditionOf(status.conditions, "ReplicaFailure"))
    .find((condition) => condition !== undefined);
  const others = conditions.filter(({ type }) => type !== "ReplicaFailure");
  if (failure === undefined) return others.length === conditions.length ? conditions : others;
  const { type, status, reason = "", message = "", lastTransitionTime = "" } = failure;
  const before = conditionIn(conditions, type);
  if (before?.status === status && before.reason === reason) return conditions;
  const lastUpdateTime = lastTransitionTime;
  return [...others, { type, status, lastUpdateTime, lastTransitionTime, reason, message }];
}

function completion({ status }: ConditionFacts): ConditionUpdate {
  const reason = "RolloutCompleted";
  return {
    type: "Completed",
    status: isCompleted(status) ? "True" : "False",
    reason,
    message: reason,
  };
}

function startedNotice({ revision, status }: ConditionFacts): { reason: string; message: string } {
  return {
    reason: "RolloutNotCompleted",
    message:
      `Rollout not completed, started update to revision ${revision} (${status.currentPodHash})`,
  };
}
