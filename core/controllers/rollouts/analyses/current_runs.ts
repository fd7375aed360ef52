import type { View } from "../../../client/client.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type RolloutAnalysis,
  type RolloutAnalysisRunStatus,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { create, type Write } from "../../runtime/controller.ts";
import { newRun, terminations } from "../../analysis/new_run.ts";
import { pauseOf } from "../situation/pauses.ts";
import { HASH_LABEL, hashOf, INSTANCE_LABEL, isSaturated, REVISION } from "../situation/sets.ts";
import { isFullyPromoted, type ResolvedRollout } from "../situation/situation.ts";
import { currentStepOf } from "../situation/steps.ts";
import { rolloutArguments } from "./arguments.ts";

const TYPE_LABEL = "rollout-type";
const STEP_LABEL = "step-index";

/** What a run of a rollout is for. */
export type RunPurpose = "step" | "background" | "prePromotion" | "postPromotion";

/** As labels and events call it. */
export const TYPE_OF: Readonly<Record<RunPurpose, string>> = {
  step: "Step",
  background: "Background",
  prePromotion: "PrePromotion",
  postPromotion: "PostPromotion",
};

export type RunsByPurpose = Readonly<Partial<Record<RunPurpose, AnalysisRun>>>;

/** What the runs of a rollout depend on, all as it was at the beginning of the look. */
export interface AnalysesInput {
  rollout: ResolvedRollout;
  view: View;
  /** All that the rollout controls. */
  runs: readonly AnalysisRun[];
  /** All its sets. */
  all: readonly ReplicaSet[];
  current: ReplicaSet;
  stable: ReplicaSet | undefined;
  isRollbackWithinWindow: boolean;
  /** With what this look has decided so far. */
  isAborted: boolean;
}

/** A run that a rollout has, or is about to create; and what is written for it. */
export interface RunNow {
  run?: AnalysisRun;
  writes: readonly Write[];
  /** Whether its end decides something; one that has just begun, or waits for people, does not. */
  isJudged: boolean;
}

const NO_RUN: RunNow = { writes: [], isJudged: false };

/** The runs that the status names, by what they are for. */
export function runsInStatus({ rollout, runs }: AnalysesInput): RunsByPurpose {
  const named: Record<RunPurpose, string | undefined> = {
    step: statusOf(rollout, "step")?.name,
    background: statusOf(rollout, "background")?.name,
    prePromotion: statusOf(rollout, "prePromotion")?.name,
    postPromotion: statusOf(rollout, "postPromotion")?.name,
  };
  const found = Object.entries(named).flatMap(([purpose, name]) => {
    const run = name && runs.find(({ metadata }) => metadata.name === name);
    return run ? [[purpose, run] as const] : [];
  });
  return Object.fromEntries(found);
}

/** What the status says of a run. */
export function statusOf(
  { status: { canary, blueGreen } }: ResolvedRollout,
  purpose: RunPurpose,
): RolloutAnalysisRunStatus | undefined {
  switch (purpose) {
    case "step":
      return canary.currentStepAnalysisRunStatus;
    case "background":
      return canary.currentBackgroundAnalysisRunStatus;
    case "prePromotion":
      return blueGreen.prePromotionAnalysisRunStatus;
    case "postPromotion":
      return blueGreen.postPromotionAnalysisRunStatus;
  }
}

/** The run of the current step. Argo Rollouts: `reconcileStepBasedAnalysisRun`. */
export function stepRun(input: AnalysesInput, before: AnalysisRun | undefined): RunNow {
  const { rollout } = input;
  const { step, index } = currentStepOf(rollout);
  if ((rollout.status.pauseConditions ?? []).length > 0 || rollout.status.abort) {
    return unjudged(before);
  }
  const analysis = step?.analysis;
  const isOfAnotherStep = before !== undefined &&
    before.metadata.labels?.[STEP_LABEL] !== String(index);
  if (analysis === undefined || isOfAnotherStep) return ended(before);
  if (!needsNewRun(before, rollout)) return judged(before!);
  return begun(input, analysis, { purpose: "step", suffix: String(index) });
}

/** The run that goes on beside the steps. Argo Rollouts: `reconcileBackgroundAnalysisRun`. */
export function backgroundRun(input: AnalysesInput, before: AnalysisRun | undefined): RunNow {
  const { rollout } = input;
  const { analysis } = rollout.spec.strategy.canary!;
  if (!analysis?.templates?.length) return ended(before);
  const { stableRS, currentPodHash } = rollout.status;
  const { index } = currentStepOf(rollout);
  const { startingStep } = analysis;
  const isEarly = index !== undefined && startingStep !== undefined && index < startingStep;
  if (isFullyPromoted(rollout) || !stableRS || !currentPodHash || isEarly) return NO_RUN;
  if (pauseOf(rollout, "InconclusiveAnalysisRun")) return unjudged(before);
  if (!needsNewRun(before, rollout)) return judged(before!);
  return begun(input, analysis, { purpose: "background" });
}

/** The run before the active service is switched. Argo Rollouts: `reconcilePrePromotionAnalysisRun`. */
export function prePromotionRun(input: AnalysesInput, before: AnalysisRun | undefined): RunNow {
  const { prePromotionAnalysis: analysis } = input.rollout.spec.strategy.blueGreen!;
  if (analysis === undefined) return ended(before);
  const isSkipped = skipsPrePromotion(input, before);
  return promotionRun(input, before, { analysis, isSkipped, purpose: "prePromotion" });
}

/** The run after the active service was switched. Argo Rollouts: `reconcilePostPromotionAnalysisRun`. */
export function postPromotionRun(input: AnalysesInput, before: AnalysisRun | undefined): RunNow {
  const { postPromotionAnalysis: analysis } = input.rollout.spec.strategy.blueGreen!;
  if (analysis === undefined) return ended(before);
  const isSkipped = skipsPostPromotion(input, before);
  return promotionRun(input, before, { analysis, isSkipped, purpose: "postPromotion" });
}

function promotionRun(
  input: AnalysesInput,
  before: AnalysisRun | undefined,
  { analysis, isSkipped, purpose }: {
    analysis: RolloutAnalysis;
    isSkipped: boolean;
    purpose: "prePromotion" | "postPromotion";
  },
): RunNow {
  const { rollout } = input;
  if (isSkipped) {
    const writes = before ? terminations([before]) : [];
    return before ? { ...judged(before), writes } : NO_RUN;
  }
  if (pauseOf(rollout, "InconclusiveAnalysisRun")) return before ? judged(before) : NO_RUN;
  if (!needsNewRun(before, rollout)) return judged(before!);
  const suffix = purpose === "prePromotion" ? "pre" : "post";
  return begun(input, analysis, { purpose, suffix });
}

/**
 * Whether the new set is not to be judged before its promotion: it is in use already, or not complete. A run that has
 * begun goes on when pods come and go.
 */
function skipsPrePromotion(
  { rollout, current }: AnalysesInput,
  before: AnalysisRun | undefined,
): boolean {
  const hash = hashOf(current);
  const { activeSelector = "" } = rollout.status.blueGreen;
  if (rollout.status.stableRS === hash || hash === "") return true;
  if (activeSelector === "" || activeSelector === hash) return true;
  if (before !== undefined) return false;
  const { previewReplicaCount } = rollout.spec.strategy.blueGreen!;
  if (previewReplicaCount === undefined) return !isSaturated(current, rollout);
  return current.spec.replicas !== previewReplicaCount ||
    (current.status.availableReplicas ?? 0) !== previewReplicaCount;
}

/** Whether the new set is not to be judged after its promotion: it is stable already, or gets no requests. */
export function skipsPostPromotion(
  { rollout, current }: AnalysesInput,
  before: AnalysisRun | undefined,
): boolean {
  const hash = hashOf(current);
  const { activeSelector = "" } = rollout.status.blueGreen;
  if (rollout.status.stableRS === hash || activeSelector !== hash || hash === "") return true;
  return before === undefined && !isSaturated(current, rollout);
}

/**
 * Whether a run has to begin: there is none, somebody goes on after one that was inconclusive, or tries again what was
 * aborted. Argo Rollouts: `needsNewAnalysisRun`.
 */
function needsNewRun(before: AnalysisRun | undefined, rollout: ResolvedRollout): boolean {
  if (before === undefined) return true;
  const isResumed = rollout.status.controllerPause === true &&
    !pauseOf(rollout, "CanaryPauseStep") && !pauseOf(rollout, "BlueGreenPause");
  if (isResumed) return before.status?.phase === "Inconclusive";
  return rollout.status.abortedAt !== undefined;
}

function judged(run: AnalysisRun): RunNow {
  return { run, writes: [], isJudged: true };
}

function unjudged(run: AnalysisRun | undefined): RunNow {
  return run ? { run, writes: [], isJudged: false } : NO_RUN;
}

/** A run that is not needed any more. */
function ended(run: AnalysisRun | undefined): RunNow {
  return run ? { ...NO_RUN, writes: terminations([run]) } : NO_RUN;
}

function begun(
  input: AnalysesInput,
  analysis: RolloutAnalysis,
  { purpose, suffix }: { purpose: RunPurpose; suffix?: string },
): RunNow {
  const { rollout, view, current, stable } = input;
  const { name, annotations = {}, labels = {} } = rollout.metadata;
  const revision = annotations[REVISION] ?? "";
  const hash = hashOf(current);
  const made = newRun({
    view,
    owner: rollout,
    ownerResource: rollouts,
    name: [name, hash, revision, ...suffix === undefined ? [] : [suffix]].join("-"),
    separator: ".",
    templates: analysis.templates ?? [],
    args: rolloutArguments(analysis.args ?? [], { rollout, current, stable }),
    ...(analysis.dryRun && { dryRun: analysis.dryRun }),
    ...(analysis.measurementRetention && { measurementRetention: analysis.measurementRetention }),
    labels: {
      [HASH_LABEL]: hash,
      [TYPE_LABEL]: TYPE_OF[purpose],
      ...(purpose === "step" && { [STEP_LABEL]: suffix! }),
      ...(labels[INSTANCE_LABEL] && { [INSTANCE_LABEL]: labels[INSTANCE_LABEL] }),
      ...analysis.analysisRunMetadata?.labels,
      ...rollout.spec.selector.matchLabels,
    },
    annotations: { [REVISION]: revision, ...analysis.analysisRunMetadata?.annotations },
  });
  if ("run" in made) return { run: made.run, writes: [], isJudged: false };
  // It has what others read of it: its name, and no status yet.
  const run = made.draft as AnalysisRun;
  return { run, writes: [create(analysisRuns, made.draft)], isJudged: false };
}
