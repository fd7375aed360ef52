import { type Experiment, experiments } from "../../../resources/argoproj/mod.ts";
import { isCompleted } from "../../analysis/metric_assessment.ts";
import { create, remove, update } from "../../runtime/controller.ts";
import { outlivedRuns } from "../analyses/history.ts";
import type { Pass } from "../situation/pass.ts";
import { pauseOf } from "../situation/pauses.ts";
import { HASH_LABEL } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";
import { currentStepOf } from "../situation/steps.ts";
import { stepExperiment } from "./step_experiment.ts";

const SUCCESSFUL_KEPT = 5;
const UNSUCCESSFUL_KEPT = 5;

/**
 * Begins the experiment of the current step, does what its end says, and ends those of other steps. One that failed aborts
 * the rollout, one that is inconclusive pauses it. Argo Rollouts: `reconcileExperiments`.
 */
export function runExperimentStep(situation: Situation, pass: Pass): void {
  const { rollout, experiments: all } = situation;
  if (pass.isAborted || rollout.status.promoteFull) return end(pass, all);
  const isPaused = pauseOf(rollout, "InconclusiveAnalysisRun") ??
    pauseOf(rollout, "InconclusiveExperiment");
  if (isPaused) {
    return pass.setCanaryStatus({ currentExperiment: rollout.status.canary.currentExperiment });
  }
  const { step, index } = currentStepOf(rollout);
  const current = step?.experiment && currentExperiment(situation);
  const found = step?.experiment && current === undefined
    ? begin(situation, pass, index!)
    : current;
  if (found) follow(pass, found);
  endOthers(situation, pass, found);
}

/** The experiment that the status names. */
export function currentExperiment({ rollout, experiments }: Situation): Experiment | undefined {
  const { currentExperiment: name } = rollout.status.canary;
  return experiments.find(({ metadata }) => metadata.name === name);
}

/** Creates the experiment of the current step. Gives one that was created before. */
function begin(situation: Situation, pass: Pass, index: number): Experiment | undefined {
  const { stable } = situation;
  if (stable === undefined) return undefined;
  const { experiment } = currentStepOf(situation.rollout).step!;
  const made = stepExperiment({ ...situation, stable }, experiment!, index);
  const { name } = ("draft" in made ? made.draft : made.experiment).metadata;
  pass.tell("ExperimentCreated", `Created Experiment '${name}'`);
  pass.setCanaryStatus({ currentExperiment: name });
  if (!("draft" in made)) return made.experiment;
  pass.write(create(experiments, made.draft));
  return undefined;
}

function follow(pass: Pass, experiment: Experiment): void {
  pass.experiment = experiment;
  const { phase, message = "" } = experiment.status ?? {};
  if (phase === "Inconclusive") pass.addPause("InconclusiveExperiment");
  if (phase === "Failed" || phase === "Error") pass.addAbort(message);
  if (isCompleted(phase)) return;
  pass.setCanaryStatus({ currentExperiment: experiment.metadata.name });
}

/** Ends and deletes the experiments that are not of this step. */
function endOthers(
  { rollout: { spec }, all, experiments: known }: Situation,
  pass: Pass,
  current?: Experiment,
): void {
  const { successfulRunHistoryLimit, unsuccessfulRunHistoryLimit } = spec.analysis ?? {};
  const others = known.filter((each) => each.metadata.name !== current?.metadata.name);
  const going = outlivedRuns(others, all, {
    successful: successfulRunHistoryLimit ?? SUCCESSFUL_KEPT,
    unsuccessful: unsuccessfulRunHistoryLimit ?? UNSUCCESSFUL_KEPT,
  });
  end(pass, others.filter((each) => !going.includes(each)));
  pass.write(...going.map((each) => remove(experiments, each)));
}

function end(pass: Pass, ending: readonly Experiment[]): void {
  const running = ending.filter(({ spec, status }) =>
    !spec.terminate && !isCompleted(status?.phase)
  );
  pass.write(
    ...running.map((each) =>
      update(experiments, { ...each, spec: { ...each.spec, terminate: true } })
    ),
  );
}

/** Deletes the experiments of a template whose set goes. */
export function deleteExperimentsOfHash(situation: Situation, pass: Pass, hash: string): void {
  const going = situation.experiments.filter(({ metadata }) =>
    metadata.labels?.[HASH_LABEL] === hash && metadata.deletionTimestamp === undefined &&
    metadata.name !== situation.rollout.status.canary.currentExperiment
  );
  pass.write(...going.map((each) => remove(experiments, each)));
}
