import type { Metric, MetricResult } from "../../resources/argoproj/mod.ts";
import { limitsOf } from "./metric_limits.ts";

/** Of a run, a metric or a measurement; empty before it has begun. */
export type AnalysisPhase = string;

/** From best to worst: the phase of a run is the worst of its metrics. */
const ORDER: readonly string[] = [
  "Successful",
  "Running",
  "Pending",
  "Inconclusive",
  "Error",
  "Failed",
];

export function isWorse(phase: AnalysisPhase, than: AnalysisPhase): boolean {
  return ORDER.indexOf(phase) > ORDER.indexOf(than);
}

export function isCompleted(phase: AnalysisPhase | undefined): boolean {
  return phase !== undefined && phase !== "Pending" && phase !== "Running" && phase !== "";
}

/** A limit that a metric has passed. */
export interface PassedLimit {
  phase: "Failed" | "Inconclusive" | "Error";
  /** E.g. `failed (1) > failureLimit (0)`. */
  message: string;
}

/** The limit that a metric has passed, if any; of several an error's, then an inconclusive one's. */
export function passedLimit(metric: Metric, result: MetricResult): PassedLimit | undefined {
  const { failureLimit, inconclusiveLimit, consecutiveErrorLimit } = limitsOf(metric);
  const { failed = 0, inconclusive = 0, consecutiveError = 0 } = result;
  if (consecutiveError > consecutiveErrorLimit) {
    const message =
      `consecutiveErrors (${consecutiveError}) > consecutiveErrorLimit (${consecutiveErrorLimit})`;
    return { phase: "Error", message };
  }
  if (inconclusive > inconclusiveLimit) {
    const message = `inconclusive (${inconclusive}) > inconclusiveLimit (${inconclusiveLimit})`;
    return { phase: "Inconclusive", message };
  }
  if (failureLimit >= 0 && failed > failureLimit) {
    return { phase: "Failed", message: `failed (${failed}) > failureLimit (${failureLimit})` };
  }
  return undefined;
}

/** The phase of a metric by what has been measured. `isTerminating`: nothing more will be measured. */
export function metricPhase(
  metric: Metric,
  result: MetricResult,
  isTerminating: boolean,
): AnalysisPhase {
  if (isCompleted(result.phase)) return result.phase;
  const last = result.measurements?.at(-1);
  if (last === undefined) return isTerminating ? "Successful" : "Pending";
  if (!isCompleted(last.phase)) return "Running";
  return passedLimit(metric, result)?.phase ?? phaseByCount(metric, result) ??
    (isTerminating ? "Successful" : "Running");
}

/** The phase of a metric that has been measured often enough; `undefined`: it has not. */
function phaseByCount(metric: Metric, result: MetricResult): AnalysisPhase | undefined {
  const { count, failureLimit, consecutiveSuccessLimit } = limitsOf(metric);
  const needsSuccesses = consecutiveSuccessLimit > 0;
  if (needsSuccesses && (result.consecutiveSuccess ?? 0) >= consecutiveSuccessLimit) {
    return "Successful";
  }
  if (count === undefined || (result.count ?? 0) < count) return undefined;
  if (!needsSuccesses) return "Successful";
  return failureLimit >= 0 ? "Inconclusive" : "Failed";
}
