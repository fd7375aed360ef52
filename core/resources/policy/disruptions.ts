import { matches, selectorOf } from "../../schema/selectors.ts";
import { type Condition, withCondition } from "../conditions.ts";
import type { KubeObject } from "../resource.ts";
import type { BudgetSpec, BudgetStatus } from "./pod_disruption_budgets.ts";

/** How long an evicted pod may stay before it counts again: Kubernetes' `DeletionTimeout`. */
export const DISRUPTION_MS = 2 * 60 * 1_000;

/** Whether a budget is about pods with these labels. One without a selector is about none, an empty one about all. */
export function isSelectedBy(
  { selector }: Pick<BudgetSpec, "selector">,
  { metadata: { labels } }: KubeObject,
): boolean {
  return selector !== undefined && matches(selectorOf(selector), labels);
}

/** The status with the condition that says whether a pod may be evicted: `UpdateDisruptionAllowedCondition`. */
export function withAllowedCondition(status: BudgetStatus, nowMs: number): BudgetStatus {
  const { disruptionsAllowed, observedGeneration } = status;
  const isAllowed = disruptionsAllowed > 0;
  return withDisruptionCondition(status, {
    status: isAllowed ? "True" : "False",
    reason: isAllowed ? "SufficientPods" : "InsufficientPods",
    message: "",
    ...(observedGeneration !== undefined && { observedGeneration }),
  }, nowMs);
}

export function withDisruptionCondition(
  status: BudgetStatus,
  condition: Omit<Condition, "type" | "lastTransitionTime">,
  nowMs: number,
): BudgetStatus {
  // The time is set here: it changes with the status of the condition alone.
  const next = { type: "DisruptionAllowed", ...condition } as Condition;
  return { ...status, conditions: withCondition(status.conditions, next, nowMs) };
}
