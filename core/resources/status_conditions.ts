import { timestamp } from "../lib/timestamp.ts";

/** What the conditions of all kinds have in common. */
export interface AnyCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  lastTransitionTime?: string;
}

/** Milliseconds since 1970, or 0 for a time that is absent or cannot be read. */
export function msOf(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time) || 0;
}

export function conditionOf<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: C["type"],
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether a condition is there and holds. */
export function holds(conditions: readonly AnyCondition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === "True";
}

/**
 * The conditions with `next` in place of the one of its type, or at the end. The time of the transition is
 * kept while the status stays the same.
 */
export function withCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  next: C,
  nowMs: number,
): C[] {
  const before = conditionOf(conditions, next.type);
  const kept = before?.status === next.status ? before.lastTransitionTime : undefined;
  const dated = { ...next, lastTransitionTime: kept ?? timestamp(nowMs) };
  if (before === undefined) return [...conditions ?? [], dated];
  return conditions!.map((condition) => condition === before ? dated : condition);
}

export function withoutCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: C["type"],
): C[] {
  return conditions?.filter((condition) => condition.type !== type) ?? [];
}
