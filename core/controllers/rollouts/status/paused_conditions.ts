import type { RolloutCondition } from "../../../resources/argoproj/mod.ts";
import { isPaused } from "../situation/pauses.ts";
import type { ResolvedRollout } from "../situation/situation.ts";
import { isCompleted } from "./completion.ts";
import { conditionIn, type ConditionUpdate, withConditionSet } from "./condition_list.ts";

/**
 * The stored conditions, and what they have to say of a pause that began or ended or of an abort that was taken back,
 * so that the time of a pause does not count against the deadline. The same list when they say so already.
 *
 * Argo Rollouts: `checkPausedConditions` in `rollout/sync.go`.
 */
export function withPausedConditions(rollout: ResolvedRollout, nowMs: number): RolloutCondition[] {
  const { status } = rollout;
  return pausedUpdates(rollout).reduce(
    (conditions, update) => withConditionSet(conditions, update, nowMs),
    status.conditions ?? [],
  );
}

function pausedUpdates(rollout: ResolvedRollout): ConditionUpdate[] {
  const { status } = rollout;
  const reason = conditionIn(status.conditions, "Progressing")?.reason;
  if (reason === "RolloutAborted") {
    return status.abort ? [] : [progressing("RolloutRetry", "Retrying Rollout after abort")];
  }
  const paused = isPaused(rollout);
  const updates: ConditionUpdate[] = [];
  if (paused !== (reason === "RolloutPaused") && !isCompleted(status)) {
    updates.push(
      paused
        ? progressing("RolloutPaused", "Rollout is paused")
        : progressing("RolloutResumed", "Rollout is resumed"),
    );
  }
  if (paused !== (conditionIn(status.conditions, "Paused")?.status === "True")) {
    updates.push({
      type: "Paused",
      status: paused ? "True" : "False",
      reason: "RolloutPaused",
      message: "Rollout is paused",
    });
  }
  return updates;
}

function progressing(reason: string, message: string): ConditionUpdate {
  return { type: "Progressing", status: "Unknown", reason, message };
}
