import { msOf, timestamp } from "../../../lib/timestamp.ts";
import type { PauseCondition, RolloutStatus } from "../../../resources/argoproj/mod.ts";
import type { ResolvedRollout } from "./situation.ts";

export type PauseReason =
  | "CanaryPauseStep"
  | "BlueGreenPause"
  | "InconclusiveAnalysisRun"
  | "InconclusiveExperiment";

export function pauseOf(
  { status }: Pick<ResolvedRollout, "status">,
  reason: PauseReason,
): PauseCondition | undefined {
  return status.pauseConditions?.find((condition) => condition.reason === reason);
}

/** Whether somebody, or something, has paused it. */
export function isPaused({ spec, status }: ResolvedRollout): boolean {
  return spec.paused === true || (status.pauseConditions ?? []).length > 0;
}

/** Why no set may change its size, and no Service its set; `undefined` when they may. */
export function haltReason(rollout: ResolvedRollout): string | undefined {
  if (rollout.spec.paused) return "user paused";
  return pauseOf(rollout, "InconclusiveAnalysisRun") && "inconclusive analysis";
}

/** When a pause of so many seconds ends. */
export function pauseEndMs({ startTime }: PauseCondition, seconds: number): number {
  return msOf(startTime) + seconds * 1_000;
}

/** What a look has decided about pauses and aborts. */
export class PauseChanges {
  readonly #rollout: ResolvedRollout;
  readonly #added = new Set<PauseReason>();
  readonly #removed = new Set<string>();
  #clearsAll = false;
  #abort: "kept" | "added" | "removed" = "kept";
  abortMessage: string | undefined;

  constructor(rollout: ResolvedRollout) {
    this.#rollout = rollout;
  }

  get isAborted(): boolean {
    return this.#abort === "added" ||
      (this.#abort === "kept" && this.#rollout.status.abort === true);
  }

  get hasAdded(): boolean {
    return this.#added.size > 0;
  }

  add(reason: PauseReason): void {
    this.#added.add(reason);
  }

  remove(reason: PauseReason): void {
    this.#removed.add(reason);
  }

  clear(): void {
    this.#clearsAll = true;
  }

  addAbort(message: string): void {
    this.#abort = "added";
    this.abortMessage = message;
  }

  removeAbort(): void {
    this.#abort = "removed";
  }

  /** What the status is to say of pauses and of an abort. An abort ends all pauses. Argo Rollouts: `CalculatePauseStatus`. */
  statusAt(
    nowMs: number,
  ): Pick<RolloutStatus, "abort" | "abortedAt" | "pauseConditions" | "controllerPause"> {
    const { abortedAt, pauseConditions = [], controllerPause = false } = this.#rollout.status;
    if (this.isAborted) return { abort: true, abortedAt: abortedAt ?? timestamp(nowMs) };
    if (this.#clearsAll) return {};
    const fresh = [...this.#added].filter((reason) => !pauseOf(this.#rollout, reason));
    const conditions = [
      ...pauseConditions.filter(({ reason }) => !this.#removed.has(reason)),
      ...fresh.map((reason) => ({ reason, startTime: timestamp(nowMs) })),
    ];
    if (conditions.length === 0) return {};
    const isByController = controllerPause || fresh.length > 0;
    return { pauseConditions: conditions, ...(isByController && { controllerPause: true }) };
  }
}
