import type {
  AnalysisRun,
  Metric,
  MetricResult,
  RunSummary,
} from "../../resources/argoproj/mod.ts";
import {
  type AnalysisPhase,
  isCompleted,
  isWorse,
  metricPhase,
  passedLimit,
} from "./metric_assessment.ts";

/** What the results of a run's metrics make of it. */
export interface Assessment {
  phase: AnalysisPhase;
  message: string;
  results: MetricResult[];
  runSummary: RunSummary;
  dryRunSummary: RunSummary;
  /** Metrics that have just come to their end. */
  completed: MetricResult[];
}

export interface Measured {
  metrics: readonly Metric[];
  results: readonly MetricResult[];
  isDryRun: (metric: string) => boolean;
  /** As it was before `results` were measured. */
  isTerminating: boolean;
}

/**
 * Whether a run measures nothing more: it was told to end, or one of its metrics has failed, could not be measured or
 * was inconclusive; one in dry run does not matter.
 */
export function isTerminating({ spec, status }: AnalysisRun): boolean {
  if (spec.terminate) return true;
  return (status?.metricResults ?? []).some(({ dryRun, phase }) =>
    !dryRun && (phase === "Failed" || phase === "Error" || phase === "Inconclusive")
  );
}

/** Assesses all metrics of a run, and the run. Argo Rollouts: `analysis/analysis.go`, `assessRunStatus`. */
export function assessRun(run: AnalysisRun, measured: Measured): Assessment {
  const { metrics, isDryRun } = measured;
  const worst = new Worst(run.spec.terminate ? "Run Terminated" : "");
  const summaries = { run: emptySummary(), dryRun: emptySummary() };
  const assessed = new Map(measured.results.map((result) => [result.name, result]));
  const completed: MetricResult[] = [];
  let isAllCompleted = true;
  for (const metric of metrics) {
    const isDry = isDryRun(metric.name);
    const summary = isDry ? summaries.dryRun : summaries.run;
    summary.count!++;
    const before = assessed.get(metric.name);
    const result = before && withPhase(metric, before, measured.isTerminating);
    if (result === undefined || !isCompleted(result.phase)) isAllCompleted = false;
    if (result === undefined) continue;
    if (result.phase !== before!.phase && isCompleted(result.phase)) completed.push(result);
    assessed.set(metric.name, isDry ? withDryRunMessage(metric, result) : result);
    if (!isCompleted(result.phase)) continue;
    summary[summaryField(metric, result)]!++;
    if (isDry) worst.addDryRun();
    else worst.add(metric, result);
  }
  return {
    ...worst.outcome({ isAllCompleted, isTerminating: measured.isTerminating }),
    results: [...assessed.values()],
    runSummary: withoutZeros(summaries.run),
    dryRunSummary: withoutZeros(summaries.dryRun),
    completed,
  };
}

function withPhase(metric: Metric, result: MetricResult, isTerminating: boolean): MetricResult {
  const phase = metricPhase(metric, result, isTerminating);
  if (phase === result.phase) return result;
  const { message: _, ...rest } = result;
  const message = result.measurements?.at(-1)?.message;
  return { ...rest, phase, ...(message && { message }) };
}

function withDryRunMessage(metric: Metric, result: MetricResult): MetricResult {
  const limit = isCompleted(result.phase) ? passedLimit(metric, result) : undefined;
  if (limit === undefined) return result;
  return { ...result, message: `Metric assessed ${result.phase} due to ${limit.message}` };
}

type SummaryField = "successful" | "failed" | "inconclusive" | "error";

/** A metric counts as successful unless it has passed a limit. */
function summaryField(metric: Metric, result: MetricResult): SummaryField {
  switch (passedLimit(metric, result)?.phase) {
    case "Error":
      return "error";
    case "Failed":
      return "failed";
    case "Inconclusive":
      return "inconclusive";
    default:
      return "successful";
  }
}

/** The worst phase of the completed metrics, and why. */
class Worst {
  #phase: AnalysisPhase | undefined;
  #message: string;

  constructor(message: string) {
    this.#message = message;
  }

  add(metric: Metric, result: MetricResult): void {
    if (this.#phase !== undefined && !isWorse(result.phase, this.#phase)) return;
    this.#phase = result.phase;
    const limit = passedLimit(metric, result);
    if (limit === undefined) return;
    const said = result.message ? `: "Error Message: ${result.message}"` : "";
    this.#message =
      `Metric "${metric.name}" assessed ${result.phase} due to ${limit.message}${said}`;
  }

  addDryRun(): void {
    this.#phase ??= "Successful";
  }

  outcome(
    { isAllCompleted, isTerminating }: { isAllCompleted: boolean; isTerminating: boolean },
  ): { phase: AnalysisPhase; message: string } {
    if (isTerminating) {
      return { phase: this.#phase ?? "Successful", message: this.#message.trim() };
    }
    if (!isAllCompleted || this.#phase === undefined) return { phase: "Running", message: "" };
    return { phase: this.#phase, message: this.#message.trim() };
  }
}

function emptySummary(): Required<RunSummary> {
  return { count: 0, successful: 0, failed: 0, inconclusive: 0, error: 0 };
}

function withoutZeros(summary: RunSummary): RunSummary {
  return Object.fromEntries(Object.entries(summary).filter(([, count]) => count !== 0));
}
