import type { AnyResource } from "../resource.ts";
import { podDisruptionBudgets } from "./pod_disruption_budgets.ts";

/** The kinds of `policy/v1`. */
export const POLICY_KINDS: readonly AnyResource[] = [
  podDisruptionBudgets,
];
