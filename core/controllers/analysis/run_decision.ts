import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { isEqual } from "../../lib/equality.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type AnalysisRunStatus,
  type Metric,
  type MetricResult,
} from "../../resources/argoproj/mod.ts";
import { earliest, recordEvent, remove, update, type Write } from "../runtime/controller.ts";
import { ArgumentError, withArguments } from "./arguments.ts";
import type { Ask } from "./measuring.ts";
import { nextMeasurement } from "./measurement_schedule.ts";
import { outlivedMeasurements } from "./measurements.ts";
import { isCompleted } from "./metric_assessment.ts";
import { jobDeletion } from "./metric_jobs.ts";
import { faultOfMetrics } from "./metric_limits.ts";
import { rulesByMetric } from "./metric_rules.ts";
import { argumentsOf, argumentsWithoutSecrets } from "./run_arguments.ts";
import { assessRun, isTerminating } from "./run_assessment.ts";
import { type Answered, type Steps, stepsOf } from "./run_steps.ts";

/** What is known of a run besides the view. */
export interface RunFacts {
  view: View;
  nowMs: number;
  /** What was answered to asks for this run; those that the status knows already are left out of account. */
  answers: readonly Answered[];
}

export interface RunDecision {
  writes: readonly Write[];
  /** Every measurement that has to be under way now; asks of other measurements are in vain. */
  asks: readonly Ask[];
  /** Metrics of which the writes count an answer. */
  counted: readonly string[];
  againAfterMs?: number;
}

const NO_MORE: RunDecision = { writes: [], asks: [], counted: [] };

/**
 * What comes next for an AnalysisRun: its metrics are measured when they are due, and assessed by what was measured,
 * until one passes a limit, all are complete, or it is told to end.
 *
 * https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
 */
export function decideRun(run: AnalysisRun, facts: RunFacts): RunDecision {
  if (run.metadata.deletionTimestamp !== undefined) return NO_MORE;
  if (isCompleted(run.status?.phase)) return expiry(run, facts.nowMs);
  const plan = resolve(run);
  if ("fault" in plan) return endWith(run, plan.fault);
  try {
    const args = argumentsOf(run, facts.view);
    const complete = run.spec.metrics.map((metric) => withArguments(metric, args.values));
    return progress(run, plan, {
      ...stepsOf(run, { ...facts, ...plan, complete, secrets: args.secrets }),
      ...facts,
    });
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    return endWith(run, `Unable to resolve metric arguments: ${error.message}`);
  }
}

interface RunPlan {
  /** With all arguments but the values of secrets. */
  metrics: readonly Metric[];
  isDryRun: (metric: string) => boolean;
  /** How many measurements a rule keeps of a metric. */
  limitOf: (metric: string) => number | undefined;
}

function resolve(run: AnalysisRun): RunPlan | { fault: string } {
  const { spec } = run;
  try {
    const values = argumentsWithoutSecrets(run);
    const metrics = spec.metrics.map((metric) => withArguments(metric, values));
    const fault = faultOfMetrics(metrics);
    if (fault !== undefined) return { fault: `Analysis spec invalid: ${fault}` };
    const dryRun = rulesByMetric("dryRun", spec.dryRun ?? [], metrics);
    if ("fault" in dryRun) return { fault: `Analysis spec invalid: ${dryRun.fault}` };
    const kept = rulesByMetric("measurementRetention", spec.measurementRetention ?? [], metrics);
    if ("fault" in kept) return { fault: `Analysis spec invalid: ${kept.fault}` };
    return {
      metrics,
      isDryRun: (metric) => dryRun.rules.has(metric),
      limitOf: (metric) => kept.rules.get(metric)?.limit,
    };
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    return { fault: `Unable to resolve metric arguments: ${error.message}` };
  }
}

/** The end of a run that cannot be measured. It has no `completedAt`, as in Argo. */
function endWith(run: AnalysisRun, message: string): RunDecision {
  const status: AnalysisRunStatus = { ...run.status, phase: "Error", message };
  const writes = [withStatus(run, status), recordEvent(completionOf(run, "Error"))];
  return { ...NO_MORE, writes };
}

function progress(
  run: AnalysisRun,
  plan: RunPlan,
  { writes, asks, counted, results, view, nowMs }: Steps & RunFacts,
): RunDecision {
  const isEnding = isTerminating(run);
  const assessment = assessRun(run, { ...plan, results, isTerminating: isEnding });
  const { kept, deletions } = withoutOutlived(run, assessment.results, plan, view);
  const now = timestamp(nowMs);
  const isOver = isCompleted(assessment.phase);
  const { message: _, ...before } = run.status ?? {};
  const status: AnalysisRunStatus = {
    ...before,
    ...phaseOf(run, assessment),
    ...(kept.length > 0 && { metricResults: kept }),
    startedAt: run.status?.startedAt ?? now,
    ...(isOver && { completedAt: run.status?.completedAt ?? now }),
    runSummary: assessment.runSummary,
    dryRunSummary: assessment.dryRunSummary,
  };
  const notices = [
    ...assessment.completed.map((result) => metricNotice(run, result)),
    ...isOver ? [completionOf(run, assessment.phase)] : [],
  ];
  const decision = {
    writes: [
      ...deletions,
      ...writes(status),
      ...isEqual(status, run.status) ? [] : [withStatus(run, status)],
      ...notices.map(recordEvent),
    ],
    asks: isOver ? [] : asks,
    counted,
  };
  const againMs = isOver ? undefined : nextLookMs(run, status, plan, nowMs);
  return againMs === undefined ? decision : { ...decision, againAfterMs: againMs };
}

/** The message stays with its phase. */
function phaseOf(
  { status }: AnalysisRun,
  { phase, message }: { phase: AnalysisRunStatus["phase"]; message: string },
): Pick<AnalysisRunStatus, "phase" | "message"> {
  const said = phase === status?.phase ? status.message : message;
  return { phase, ...(said && { message: said }) };
}

function withoutOutlived(
  run: AnalysisRun,
  results: readonly MetricResult[],
  { limitOf }: RunPlan,
  view: View,
): { kept: MetricResult[]; deletions: Write[] } {
  const deletions: Write[] = [];
  const kept = results.map((result) => {
    const outlived = outlivedMeasurements(result, limitOf(result.name));
    if (outlived.length === 0) return result;
    deletions.push(...outlived.flatMap((measurement) => jobDeletion(run, measurement, view)));
    return { ...result, measurements: result.measurements!.slice(outlived.length) };
  });
  return { kept, deletions };
}

function nextLookMs(
  run: AnalysisRun,
  status: AnalysisRunStatus,
  { metrics }: RunPlan,
  nowMs: number,
): number | undefined {
  const isEnding = isTerminating({ ...run, status });
  const { startedAt, metricResults = [] } = status;
  return metrics
    .map((metric) => {
      const result = metricResults.find(({ name }) => name === metric.name);
      const next = nextMeasurement(metric, result, { startedAt, nowMs, isTerminating: isEnding });
      return next.step === "wait" ? next.untilMs - nowMs : undefined;
    })
    .reduce(earliest, undefined);
}

/** A finished run whose time is over is deleted. */
function expiry(run: AnalysisRun, nowMs: number): RunDecision {
  const { ttlStrategy } = run.spec;
  const { phase, completedAt } = run.status!;
  const seconds = (phase === "Successful" ? ttlStrategy?.secondsAfterSuccess : undefined) ??
    (phase === "Failed" ? ttlStrategy?.secondsAfterFailure : undefined) ??
    ttlStrategy?.secondsAfterCompletion;
  if (seconds === undefined || completedAt === undefined) return NO_MORE;
  const restMs = msOf(completedAt) + seconds * 1_000 - nowMs;
  if (restMs > 0) return { ...NO_MORE, againAfterMs: restMs };
  return { ...NO_MORE, writes: [remove(analysisRuns, run)] };
}

function withStatus(run: AnalysisRun, status: AnalysisRunStatus): Write {
  return update(analysisRuns, { ...run, status });
}

function metricNotice(run: AnalysisRun, { name, phase }: MetricResult): Notice {
  const message = `Metric '${name}' Completed. Result: ${phase}`;
  return { about: run, type: noticeType(phase), reason: `Metric${phase}`, message };
}

function completionOf(run: AnalysisRun, phase: string): Notice {
  const message = `Analysis Completed. Result: ${phase}`;
  return { about: run, type: noticeType(phase), reason: `AnalysisRun${phase}`, message };
}

function noticeType(phase: string): Notice["type"] {
  return phase === "Failed" || phase === "Error" ? "Warning" : "Normal";
}
