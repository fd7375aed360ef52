import { msOf } from "../../lib/timestamp.ts";
import { durationMsOf } from "../../schema/durations.ts";
import type { Measurement, Metric, MetricResult } from "../../resources/argoproj/mod.ts";
import { isCompleted } from "./metric_assessment.ts";

/** After an error, whatever the interval. Argo Rollouts: `DefaultErrorRetryInterval`. */
const ERROR_RETRY_MS = 10_000;
/** Times are kept in whole seconds: a shorter interval would measure without a pause. */
const INTERVAL_MS_MIN = 1_000;

/** What is to be done next about a metric. */
export type NextMeasurement =
  /** Nothing more, or not before something else has happened. */
  | { step: "none" }
  | { step: "wait"; untilMs: number }
  | { step: "measure" }
  | { step: "resume"; unfinished: Measurement };

export interface Progress {
  /** When the run began; `undefined`: it begins now. */
  startedAt: string | undefined;
  nowMs: number;
  isTerminating: boolean;
}

/**
 * What comes next for a metric: measure it when its initial delay, its interval, or the pause after an error is over;
 * go on with a measurement that has not come to its end. Argo Rollouts: `analysis/analysis.go`, `generateMetricTasks`.
 */
export function nextMeasurement(
  metric: Metric,
  result: MetricResult | undefined,
  { startedAt, nowMs, isTerminating }: Progress,
): NextMeasurement {
  if (isCompleted(result?.phase)) return { step: "none" };
  const last = result?.measurements?.at(-1);
  if (last !== undefined && last.finishedAt === undefined) {
    const untilMs = msOf(last.resumeAt);
    if (untilMs > nowMs && !isTerminating) return { step: "wait", untilMs };
    return { step: "resume", unfinished: last };
  }
  if (isTerminating) return { step: "none" };
  const sinceMs = last ? msOf(last.finishedAt) : startedAt ? msOf(startedAt) : nowMs;
  const waitMs = waitBefore(metric, last);
  const restMs = sinceMs + waitMs - nowMs;
  // A rest that is longer than two waits comes from a clock that was set back.
  const isDue = restMs <= 0 || restMs > 2 * waitMs;
  return isDue ? { step: "measure" } : { step: "wait", untilMs: sinceMs + waitMs };
}

/** How long to wait after a measurement, or at first after the beginning of the run. */
function waitBefore(metric: Metric, last: Measurement | undefined): number {
  if (last === undefined) return durationOf(metric.initialDelay);
  if (last.phase === "Error") return ERROR_RETRY_MS;
  const intervalMs = metric.interval ? durationOf(metric.interval) : ERROR_RETRY_MS;
  return Math.max(intervalMs, INTERVAL_MS_MIN);
}

function durationOf(text: string | undefined): number {
  return text ? durationMsOf(text) : 0;
}
