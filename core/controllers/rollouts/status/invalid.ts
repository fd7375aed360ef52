import type { Rollout } from "../../../resources/argoproj/mod.ts";
import { type Plan, plan } from "../../runtime/controller.ts";
import { resolvedRollout } from "../situation/situation.ts";
import { withConditionSet } from "./condition_list.ts";
import { observed, statusWrites } from "./status_writes.ts";

/** Looks again at a rollout that is invalid: what it names may have come. */
const INVALID_AGAIN_MS = 20_000;

/** Says what is wrong with the rollout; all else stays as it is. */
export function invalid(stored: Rollout, fault: string, nowMs: number): Plan {
  const rollout = resolvedRollout(stored);
  const message = `The Rollout "${stored.metadata.name}" is invalid: ${fault}`;
  const before = (rollout.status.conditions ?? [])
    .filter((condition) => condition.type !== "InvalidSpec" || condition.message === message);
  const update = {
    type: "InvalidSpec",
    status: "True",
    reason: "InvalidSpec",
    message,
  } as const;
  const status = { ...rollout.status, conditions: withConditionSet(before, update, nowMs) };
  const about = { stored, rollout, workloadGeneration: undefined };
  return plan(statusWrites(about, observed(about, status)), INVALID_AGAIN_MS);
}
