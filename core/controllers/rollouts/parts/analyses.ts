import { type AnalysisRun, analysisRuns } from "../../../resources/argoproj/mod.ts";
import type { RolloutAnalysisRunStatus } from "../../../resources/argoproj/mod.ts";
import { terminations } from "../../analysis/new_run.ts";
import { remove } from "../../runtime/controller.ts";
import {
  type AnalysesInput,
  backgroundRun,
  postPromotionRun,
  prePromotionRun,
  type RunNow,
  type RunPurpose,
  type RunsByPurpose,
  runsInStatus,
  statusOf,
  stepRun,
  TYPE_OF,
} from "../analyses/current_runs.ts";
import { outlivedRuns } from "../analyses/history.ts";
import type { Pass } from "../situation/pass.ts";
import { HASH_LABEL } from "../situation/sets.ts";
import { isGoingBack } from "../situation/delays.ts";
import type { Situation } from "../situation/situation.ts";

const SUCCESSFUL_KEPT = 5;
const UNSUCCESSFUL_KEPT = 5;
/** The order in which Argo Rollouts tells of them. */
const TOLD: readonly RunPurpose[] = ["postPromotion", "prePromotion", "step", "background"];

/**
 * Begins and ends the analyses of the rollout, and does what they say: one that failed aborts it, one that is inconclusive
 * pauses it. Argo Rollouts: `reconcileAnalysisRuns`.
 */
export function runAnalyses(situation: Situation, pass: Pass): void {
  const input: AnalysesInput = { ...situation, isAborted: pass.isAborted };
  const before = runsInStatus(input);
  if (skipsAnalyses(situation, pass)) {
    setCurrent(pass, before);
    pass.write(...terminations(situation.runs));
    return;
  }
  const now = runsNow(input, before);
  for (const { run, writes, isJudged } of Object.values(now)) {
    pass.write(...writes);
    if (run && isJudged) judge(pass, run);
  }
  const current = Object.fromEntries(
    Object.entries(now).flatMap(([purpose, { run }]) => run ? [[purpose, run]] : []),
  ) as RunsByPurpose;
  setCurrent(pass, current);
  endOthers(situation, pass, [...Object.values(before), ...Object.values(current)]);
  tellChanges(situation, pass, current);
}

/** Whether nothing is judged: what is rolled out is aborted, wanted anyway, known to be good, or the first. */
function skipsAnalyses(situation: Situation, { isAborted }: Pass): boolean {
  const { promoteFull, stableRS } = situation.rollout.status;
  return isAborted || promoteFull === true || isGoingBack(situation) || !stableRS ||
    situation.isRollbackWithinWindow;
}

function runsNow(
  input: AnalysesInput,
  before: RunsByPurpose,
): Partial<Record<RunPurpose, RunNow>> {
  const { strategy } = input.rollout.spec;
  return {
    ...(strategy.canary && {
      step: stepRun(input, before.step),
      background: backgroundRun(input, before.background),
    }),
    ...(strategy.blueGreen && {
      prePromotion: prePromotionRun(input, before.prePromotion),
      postPromotion: postPromotionRun(input, before.postPromotion),
    }),
  };
}

function judge(pass: Pass, { status }: AnalysisRun): void {
  const { phase, message = "" } = status ?? {};
  if (phase === "Inconclusive") pass.addPause("InconclusiveAnalysisRun");
  if (phase === "Failed" || phase === "Error") pass.addAbort(message);
}

function setCurrent(pass: Pass, runs: RunsByPurpose): void {
  pass.runs = runs;
  pass.setCanaryStatus({
    currentStepAnalysisRunStatus: runs.step && entryOf(runs.step),
    currentBackgroundAnalysisRunStatus: runs.background && entryOf(runs.background),
  });
  pass.setBlueGreenStatus({
    prePromotionAnalysisRunStatus: runs.prePromotion && entryOf(runs.prePromotion),
    postPromotionAnalysisRunStatus: runs.postPromotion && entryOf(runs.postPromotion),
  });
}

function entryOf({ metadata, status }: AnalysisRun): RolloutAnalysisRunStatus {
  const { phase = "", message } = status ?? {};
  return { name: metadata.name, status: phase, ...(message && { message }) };
}

/** Ends and deletes the runs that are neither of this look nor of the one before. */
function endOthers(situation: Situation, pass: Pass, current: readonly AnalysisRun[]): void {
  const { all, runs, rollout: { spec } } = situation;
  const { successfulRunHistoryLimit, unsuccessfulRunHistoryLimit } = spec.analysis ?? {};
  const names = new Set(current.map(({ metadata }) => metadata.name));
  const others = runs.filter(({ metadata }) => !names.has(metadata.name));
  const outlived = outlivedRuns(others, all, {
    successful: successfulRunHistoryLimit ?? SUCCESSFUL_KEPT,
    unsuccessful: unsuccessfulRunHistoryLimit ?? UNSUCCESSFUL_KEPT,
  });
  pass.write(...terminations(others.filter((run) => !outlived.includes(run))));
  pass.write(...outlived.map((run) => remove(analysisRuns, run)));
}

function tellChanges({ rollout }: Situation, pass: Pass, current: RunsByPurpose): void {
  for (const purpose of TOLD) {
    const run = current[purpose];
    const phase = run?.status?.phase;
    if (run === undefined || !phase) continue;
    const { name } = run.metadata;
    const before = statusOf(rollout, purpose);
    if (before && (before.name !== name || before.status === phase)) continue;
    const was = before ? before.status : "NoPreviousStatus";
    pass.tell(
      `AnalysisRun${phase}`,
      `${TYPE_OF[purpose]} Analysis Run '${name}' Status New: '${phase}' Previous: '${was}'`,
      phase === "Failed" || phase === "Error" ? "Warning" : "Normal",
    );
  }
}

/** Deletes the runs of a template whose set goes, but for those that the status names. */
export function deleteRunsOfHash(situation: Situation, pass: Pass, hash: string): void {
  const current = Object.values(runsInStatus({ ...situation, isAborted: pass.isAborted }));
  const going = situation.runs.filter((run) =>
    run.metadata.labels?.[HASH_LABEL] === hash && !current.includes(run) &&
    run.metadata.deletionTimestamp === undefined
  );
  pass.write(...going.map((run) => remove(analysisRuns, run)));
}
