import type { Condition } from "../../resources/conditions.ts";
import { withConditions } from "../../resources/conditions.ts";

/** What a condition of an object of the Gateway API is to say; each has a reason and a message. */
export type ConditionUpdate = Pick<Condition, "type" | "status" | "reason" | "message">;

/** Reason and type are often the same word. */
export function trueCondition(type: string, message: string, reason = type): ConditionUpdate {
  return { type, status: "True", reason, message };
}

export function falseCondition(type: string, reason: string, message: string): ConditionUpdate {
  return { type, status: "False", reason, message };
}

/** The conditions with the updates, which are about this generation of the object. */
export function updatedConditions(
  conditions: Condition[] | undefined,
  updates: readonly ConditionUpdate[],
  { generation = 0, nowMs }: { generation: number | undefined; nowMs: number },
): Condition[] {
  const updated = updates.map((update) => ({
    ...update,
    observedGeneration: generation,
    lastTransitionTime: "",
  }));
  return withConditions(conditions, updated, nowMs);
}
