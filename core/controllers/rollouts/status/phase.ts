import { msOf } from "../../../lib/timestamp.ts";
import type { RolloutStatus } from "../../../resources/argoproj/mod.ts";
import type { ResolvedRollout } from "../situation/situation.ts";
import { isCompleted } from "./completion.ts";

/** How a rollout is, in one word, and why. */
export interface RolloutPhase {
  phase: "Healthy" | "Degraded" | "Progressing" | "Paused";
  message: string;
}

/** Reasons of conditions that make a rollout Degraded. */
const FAILURES: readonly string[] = ["RolloutAborted", "ProgressDeadlineExceeded"];
/** Phases in which an analysis has ended. */
const ENDED: readonly string[] = ["Successful", "Failed", "Error", "Inconclusive"];

/**
 * What the status is to say of the rollout in `phase` and `message`: the first that applies.
 *
 * Argo Rollouts: `CalculateRolloutPhase` in `utils/rollout/rolloututil.go`.
 */
export function phaseOf(
  { spec }: Pick<ResolvedRollout, "spec">,
  status: RolloutStatus,
): RolloutPhase {
  const failure = failureOf(status);
  if (failure !== undefined) return { phase: "Degraded", message: failure };
  if (spec.paused) return { phase: "Paused", message: "manually paused" };
  const pause = status.pauseConditions?.[0];
  if (pause !== undefined) return { phase: "Paused", message: pause.reason };
  const missing = missingFor(spec, status);
  if (missing !== undefined) return { phase: "Progressing", message: missing };
  return { phase: "Healthy", message: "" };
}

/** The first of the conditions that is a failure decides. */
function failureOf({ conditions }: RolloutStatus): string | undefined {
  const failure = conditions?.find(({ type, reason }) =>
    type === "InvalidSpec" || FAILURES.includes(reason)
  );
  if (failure === undefined) return undefined;
  const { type, reason, message } = failure;
  return `${type === "InvalidSpec" ? type : reason}: ${message}`;
}

/** What a rollout waits for; `undefined` when it has all. */
function missingFor(spec: ResolvedRollout["spec"], status: RolloutStatus): string | undefined {
  if (isRestarting(spec, status)) return "rollout is restarting";
  const { updatedReplicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < spec.replicas) return "more replicas need to be updated";
  if (availableReplicas < updatedReplicas) {
    return "updated replicas are still becoming available";
  }
  if (spec.strategy.blueGreen) return missingForBlueGreen(spec, status);
  return spec.strategy.canary && missingForCanary(spec, status);
}

function isRestarting({ restartAt }: ResolvedRollout["spec"], { restartedAt }: RolloutStatus) {
  return restartAt !== undefined && msOf(restartAt) !== msOf(restartedAt);
}

function missingForBlueGreen(
  { strategy }: ResolvedRollout["spec"],
  status: RolloutStatus,
): string | undefined {
  const { activeSelector = "", postPromotionAnalysisRunStatus: run } = status.blueGreen ?? {};
  if (activeSelector === "" || activeSelector !== status.currentPodHash) {
    return "active service cutover pending";
  }
  if (isCompleted(status)) return undefined;
  const isJudged = strategy.blueGreen?.postPromotionAnalysis === undefined ||
    ENDED.includes(run?.status ?? "");
  return isJudged
    ? "waiting for post-promotion verification to complete"
    : "waiting for analysis to complete";
}

/** With traffic routing, replaced pods may stay for a while. */
function missingForCanary(
  { strategy }: ResolvedRollout["spec"],
  status: RolloutStatus,
): string | undefined {
  const { replicas = 0, updatedReplicas = 0 } = status;
  if (strategy.canary?.trafficRouting === undefined && replicas > updatedReplicas) {
    return "old replicas are pending termination";
  }
  return isCompleted(status) ? undefined : "waiting for all steps to complete";
}
