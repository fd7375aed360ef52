import type { Notice } from "../../client/event_recorder.ts";
import {
  type AnalysisRun,
  analysisRuns,
  analysisTemplates,
  clusterAnalysisTemplates,
  type ExperimentAnalysis,
  type ExperimentAnalysisRunStatus,
  experiments,
  rollouts,
} from "../../resources/argoproj/mod.ts";
import { newRun, terminations } from "../analysis/new_run.ts";
import { TemplateError } from "../analysis/templates.ts";
import { INSTANCE_LABEL } from "../rollouts/situation/sets.ts";
import { create, recordEvent, type Write } from "../runtime/controller.ts";
import { ExperimentArgumentError, resolvedArguments } from "./arguments.ts";
import type { ExperimentState, PartPlan } from "./experiment_state.ts";
import { isBad, isEnded } from "./phases.ts";

type Status = ExperimentAnalysisRunStatus;

/**
 * Begins an analysis once all pods are available, follows it, and ends it with the experiment.
 *
 * Argo Rollouts: `experiments/experiment.go`, `reconcileAnalysisRun`.
 */
export function analysisPlan(
  state: ExperimentState,
  analysis: ExperimentAnalysis,
): PartPlan<Status> {
  const { status: stored } = state.experiment;
  const before = stored?.analysisRuns?.find((each) => each.name === analysis.name) ??
    { name: analysis.name, analysisRun: "", phase: "" };
  const { status, writes } = made(state, analysis, before);
  return { status, writes, told: told(state, before, status) };
}

interface Made {
  status: Status;
  writes: readonly Write[];
}

function made(state: ExperimentState, analysis: ExperimentAnalysis, before: Status): Made {
  if (state.experiment.status?.availableAt === undefined) return verified(state, analysis, before);
  if (before.analysisRun === "") return begun(state, analysis, before);
  return followed(state, before);
}

/** Before it begins, its template must be there. */
function verified(
  { experiment, view }: ExperimentState,
  analysis: ExperimentAnalysis,
  before: Status,
): Made {
  const { templateName: name, clusterScope } = analysis;
  const { namespace } = experiment.metadata;
  const template = clusterScope
    ? view.get(clusterAnalysisTemplates, { name })
    : view.get(analysisTemplates, { namespace, name });
  if (template !== undefined) return { status: before, writes: [] };
  const kind = clusterScope ? "ClusterAnalysisTemplate" : "AnalysisTemplate";
  const why = `${kind.toLowerCase()}.argoproj.io "${name}" not found`;
  const message = `${kind} verification failed for analysis '${analysis.name}': ${why}`;
  return { status: { ...before, phase: "Error", message }, writes: [] };
}

function begun(state: ExperimentState, analysis: ExperimentAnalysis, before: Status): Made {
  if (state.isEnding) return { status: before, writes: [] };
  try {
    const made = runOf(state, analysis);
    const { name } = ("run" in made ? made.run : made.draft).metadata;
    const status = { ...before, analysisRun: name, phase: "Pending" };
    return { status, writes: "run" in made ? [] : [create(analysisRuns, made.draft)] };
  } catch (error) {
    if (!(error instanceof TemplateError || error instanceof ExperimentArgumentError)) throw error;
    const message =
      `Failed to create AnalysisRun for analysis '${analysis.name}': ${error.message}`;
    return { status: { ...before, phase: "Error", message }, writes: [] };
  }
}

function runOf(state: ExperimentState, analysis: ExperimentAnalysis): ReturnType<typeof newRun> {
  const { experiment, view } = state;
  const { dryRun, measurementRetention, analysisRunMetadata: given = {} } = experiment.spec;
  const instance = experiment.metadata.labels?.[INSTANCE_LABEL];
  const { templateName, clusterScope = false } = analysis;
  return newRun({
    view,
    owner: experiment,
    ownerResource: experiments,
    name: `${experiment.metadata.name}-${analysis.name}`,
    separator: "-",
    templates: [{ templateName, clusterScope }],
    args: resolvedArguments(state, analysis.args),
    ...(dryRun && { dryRun }),
    ...(measurementRetention && { measurementRetention }),
    labels: { ...(instance && { [INSTANCE_LABEL]: instance }), ...given.labels },
    annotations: { ...given.annotations },
  });
}

function followed({ experiment, view, isEnding }: ExperimentState, before: Status): Made {
  if (isEnded(before.phase)) return { status: before, writes: [] };
  const { namespace } = experiment.metadata;
  const run = view.get(analysisRuns, { namespace, name: before.analysisRun });
  if (run === undefined) {
    const message = `analysisrun.argoproj.io "${before.analysisRun}" not found`;
    return { status: { ...before, phase: "Error", message }, writes: [] };
  }
  if (isEnding) return { status: before, writes: endWrites(experiment, before, run) };
  const { phase, message } = run.status ?? {};
  const { message: _, ...rest } = before;
  return {
    status: { ...rest, phase: phase || before.phase, ...(message && { message }) },
    writes: [],
  };
}

function endWrites(
  about: ExperimentState["experiment"],
  { name }: Status,
  run: AnalysisRun,
): Write[] {
  const ends = terminations([run]);
  if (ends.length === 0) return [];
  const message = `Terminating ${name} (${run.metadata.name})`;
  return [
    ...ends,
    recordEvent({ about, type: "Normal", reason: "AnalysisRunTerminating", message }),
  ];
}

/** The rollout whose step the experiment is hears of it as well: as a warning, whatever it is. */
function told(
  { experiment, view }: ExperimentState,
  before: Status,
  { name, phase, message }: Status,
): Notice[] {
  if (before.phase === phase || phase === "") return [];
  const change = `AnalysisRun '${name}' transitioned from ${before.phase} -> ${phase}`;
  const notice = {
    reason: `AnalysisRun${phase}`,
    message: message ? `${change}: ${message}` : change,
  };
  const { namespace, ownerReferences = [] } = experiment.metadata;
  const owner = ownerReferences.find(({ kind }) => kind === "Rollout");
  const rollout = owner && view.get(rollouts, { namespace, name: owner.name });
  return [
    { about: experiment, type: isBad(phase) ? "Warning" : "Normal", ...notice },
    ...(rollout ? [{ about: rollout, type: "Warning" as const, ...notice }] : []),
  ];
}
