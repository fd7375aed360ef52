import { msOf, timestamp } from "../../lib/timestamp.ts";
import type {
  Experiment,
  ExperimentAnalysisRunStatus,
  ExperimentStatus,
  TemplateStatus,
} from "../../resources/argoproj/mod.ts";
import { earliest } from "../runtime/controller.ts";
import { withConditionRenewed, withConditionSet } from "../rollouts/status/condition_list.ts";
import {
  endMsOf,
  haveRequiredSucceeded,
  isEnding,
  isOver,
  progressDeadlineS,
  replicasOf,
  requiredAnalyses,
} from "./experiment_state.ts";
import { isEnded, type Judgement, worstOf } from "./phases.ts";

/** How the parts of an experiment are now. */
export interface PartStatuses {
  readonly templates: readonly TemplateStatus[];
  readonly runs: readonly ExperimentAnalysisRunStatus[];
}

/**
 * The status of an experiment with the statuses of its parts.
 *
 * Argo Rollouts: `experiments/experiment.go`, `calculateStatus`.
 */
export function experimentStatus(
  experiment: Experiment,
  { templates, runs }: PartStatuses,
  nowMs: number,
): ExperimentStatus {
  const before = experiment.status ?? {};
  const status: ExperimentStatus = {
    ...before,
    ...(templates.length > 0 && { templateStatuses: [...templates] }),
    ...(runs.length > 0 && { analysisRuns: [...runs] }),
  };
  const judged = withPhase(experiment, status, nowMs);
  const conditions = conditionsOf(experiment, judged, nowMs);
  const { conditions: _, ...rest } = judged;
  return conditions.length > 0 ? { ...rest, conditions } : rest;
}

function withPhase(
  experiment: Experiment,
  status: ExperimentStatus,
  nowMs: number,
): ExperimentStatus {
  if (!status.phase) return { ...status, phase: "Pending" };
  if (isEnded(status.phase)) return status;
  const ofTemplates = judgementOfTemplates(status);
  const isAvailable = ofTemplates.phase === "Running" && status.availableAt === undefined;
  const marked = isAvailable ? { ...status, availableAt: timestamp(nowMs) } : status;
  const { phase, message } = judgement(experiment, marked, ofTemplates);
  const { message: _, ...rest } = marked;
  return { ...rest, phase, ...(message !== "" && { message }) };
}

function judgement(
  experiment: Experiment,
  status: ExperimentStatus,
  ofTemplates: Judgement,
): Judgement {
  const ofRuns = judgementOfRuns(experiment, status);
  if (isEnded(ofTemplates.phase)) {
    const isUpToRuns = isEnded(ofRuns.phase) || requiredAnalyses(experiment).length > 0;
    return ofTemplates.phase === "Successful" && isUpToRuns ? ofRuns : ofTemplates;
  }
  const isBad = isEnded(ofRuns.phase) && ofRuns.phase !== "Successful";
  return isBad || haveRequiredSucceeded(experiment, status) ? ofRuns : ofTemplates;
}

function judgementOfTemplates({ templateStatuses = [] }: ExperimentStatus): Judgement {
  const { phase, message } = worstOf(
    "templates",
    templateStatuses.map(({ status, message }) => ({ phase: status, message })),
  );
  return { phase: phase === "Progressing" ? "Pending" : phase, message };
}

function judgementOfRuns(experiment: Experiment, status: ExperimentStatus): Judgement {
  const worst = worstOf("runs", status.analysisRuns ?? []);
  const isStillGoing = worst.phase === "Running" || worst.phase === "Pending";
  if (haveRequiredSucceeded(experiment, status) && isStillGoing) {
    return { phase: "Successful", message: "Required AnalysisRuns completed" };
  }
  return worst.phase === "Pending" ? { ...worst, phase: "Running" } : worst;
}

function conditionsOf(
  experiment: Experiment,
  status: ExperimentStatus,
  nowMs: number,
): NonNullable<ExperimentStatus["conditions"]> {
  const stored = (experiment.status?.conditions ?? []).filter(({ type }) => type !== "InvalidSpec");
  const name = `Experiment "${experiment.metadata.name}"`;
  const type = "Progressing";
  if (status.phase === "Successful") {
    const message = `${name} has successfully ran and completed.`;
    const update = { type, status: "False" as const, reason: "ExperimentCompleted", message };
    return withConditionSet(stored, update, nowMs);
  }
  if (hasProgressed(experiment.status, status)) {
    const update = {
      type,
      status: "True" as const,
      reason: "ReplicaSetUpdated",
      message: `${name} is progressing.`,
    };
    return withConditionRenewed(stored, update, nowMs);
  }
  if (experiment.status?.availableAt !== undefined && !isOver(experiment, nowMs)) {
    const message = `${name} is running.`;
    const update = { type, status: "True" as const, reason: "NewReplicaSetAvailable", message };
    return withConditionSet(stored, update, nowMs);
  }
  return stored;
}

/** Whether there are new sets, or other numbers of pods. */
function hasProgressed(before: ExperimentStatus | undefined, now: ExperimentStatus): boolean {
  const [old, next] = [before?.templateStatuses ?? [], now.templateStatuses ?? []];
  if (old.length < next.length) return true;
  return next.some((each) => {
    const then = old.find(({ name }) => name === each.name);
    return then !== undefined && COUNTS.some((count) => then[count] !== each[count]);
  });
}

const COUNTS = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] as const;

/** Milliseconds until time alone changes something: its end, or the deadline of a set. */
export function nextChangeInMs(
  { spec }: Experiment,
  status: ExperimentStatus,
  nowMs: number,
): number | undefined {
  if (isEnding({ spec }, status)) return undefined;
  const deadlineMs = progressDeadlineS({ spec }) * 1_000 + 1_000; // over only after its second
  const deadlines = (status.templateStatuses ?? []).flatMap((each) => {
    const template = spec.templates.find(({ name }) => name === each.name);
    const isWaited = each.status === "Progressing" || each.status === "Running";
    if (template === undefined || !isWaited || each.lastTransitionTime === undefined) return [];
    if (each.availableReplicas === replicasOf(template)) return [];
    return [msOf(each.lastTransitionTime) + deadlineMs];
  });
  const atMs = [endMsOf({ spec, status }), ...deadlines].reduce(earliest, undefined);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}
