import { timestamp } from "../../../lib/timestamp.ts";
import type { RolloutCondition } from "../../../resources/argoproj/mod.ts";
import type { ConditionStatus } from "../../../resources/conditions.ts";

/** What a condition is to say; its times follow from what it said before. */
export interface ConditionUpdate {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
}

/**
 * The conditions with the update at the end; the same list when the one of its type has this status and reason already,
 * even if its message differs. `lastTransitionTime` survives an equal status.
 *
 * Argo Rollouts: `SetRolloutCondition` in `utils/conditions/conditions.go`.
 */
export function withConditionSet(
  conditions: readonly RolloutCondition[] | undefined = [],
  update: ConditionUpdate,
  nowMs: number,
): RolloutCondition[] {
  const before = conditionIn(conditions, update.type);
  return before?.status === update.status && before.reason === update.reason
    ? conditions as RolloutCondition[]
    : withConditionRenewed(conditions, update, nowMs);
}

/** As {@linkcode withConditionSet}, but also when only the time changes: it tells when there was progress last. */
export function withConditionRenewed(
  conditions: readonly RolloutCondition[] | undefined = [],
  { type, status, reason, message }: ConditionUpdate,
  nowMs: number,
): RolloutCondition[] {
  const before = conditionIn(conditions, type);
  const lastUpdateTime = timestamp(nowMs);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : lastUpdateTime;
  return [
    ...conditions.filter((condition) => condition.type !== type),
    { type, status, lastUpdateTime, lastTransitionTime, reason, message },
  ];
}

export function conditionIn(
  conditions: readonly RolloutCondition[] | undefined,
  type: string,
): RolloutCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
