import type { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type AnalysisRunStatus,
  type Measurement,
  type Metric,
  type MetricResult,
} from "../../resources/argoproj/mod.ts";
import { jobs } from "../../resources/batch/jobs.ts";
import { create, update, type Write } from "../runtime/controller.ts";
import { nextMeasurement } from "./measurement_schedule.ts";
import { emptyResult, nextNumber, textToKeep, withMeasurement } from "./measurements.ts";
import { beginJob, failedMeasurement, jobDeletion, resumeJob } from "./metric_jobs.ts";
import { type Answer, type Ask, type AskingRun, RESUME_MS } from "./measuring.ts";
import { isTerminating } from "./run_assessment.ts";

/** What was answered to an ask, and when. */
export interface Answered {
  metric: string;
  /** Of the ask. */
  number: number;
  answer: Answer;
  askedMs: number;
  answeredMs: number;
}

export interface StepsInput {
  view: View;
  nowMs: number;
  answers: readonly Answered[];
  /** With all arguments but the values of secrets: these decide when and how often is measured. */
  metrics: readonly Metric[];
  /** The same metrics with the values of secrets: these are measured. */
  complete: readonly Metric[];
  secrets: readonly string[];
  isDryRun: (metric: string) => boolean;
}

/** What is done about the metrics of a run in one look. */
export interface Steps {
  results: readonly MetricResult[];
  asks: readonly Ask[];
  /** Metrics of which an answer is counted. */
  counted: readonly string[];
  /** Jobs to create and to delete, before the status is written. */
  writes: (status: AnalysisRunStatus) => readonly Write[];
}

/** Measures what is due, and goes on with what is under way. */
export function stepsOf(run: AnalysisRun, input: StepsInput): Steps {
  const results = new Map((run.status?.metricResults ?? []).map((each) => [each.name, each]));
  const asks: Ask[] = [];
  const counted: string[] = [];
  const writes: ((status: AnalysisRunStatus) => Write)[] = [];
  for (const [index, metric] of input.metrics.entries()) {
    const before = results.get(metric.name);
    const complete = input.complete[index]!;
    const step = metric.provider.job ? jobStep : askStep;
    const made = step(run, { metric, complete, before }, input);
    if (made.ask) asks.push(made.ask);
    if (made.isAnswer) counted.push(metric.name);
    writes.push(...made.writes ?? []);
    if (!made.measurement) continue;
    const isDryRun = input.isDryRun(metric.name);
    const result = withMeasurement(before ?? emptyResult(metric.name, isDryRun), made.measurement);
    const { metricMetadata } = made;
    results.set(metric.name, { ...result, ...(metricMetadata && { metadata: metricMetadata }) });
  }
  return {
    results: [...results.values()],
    asks,
    counted,
    writes: (status) => writes.map((write) => write(status)),
  };
}

interface MetricNow {
  metric: Metric;
  complete: Metric;
  before: MetricResult | undefined;
}

interface StepMade {
  measurement?: Measurement;
  metricMetadata?: Record<string, string>;
  /** Whether the measurement is an answer. */
  isAnswer?: true;
  ask?: Ask;
  writes?: ((status: AnalysisRunStatus) => Write)[];
}

function nextOf(run: AnalysisRun, { metric, before }: MetricNow, nowMs: number) {
  const { startedAt } = run.status ?? {};
  return nextMeasurement(metric, before, { startedAt, nowMs, isTerminating: isTerminating(run) });
}

function jobStep(run: AnalysisRun, now: MetricNow, { view, nowMs }: StepsInput): StepMade {
  const next = nextOf(run, now, nowMs);
  if (next.step === "resume") {
    if (!isTerminating(run)) {
      return { measurement: resumeJob(run, next.unfinished, { view, nowMs }) };
    }
    const deletions = jobDeletion(run, next.unfinished, view);
    return {
      measurement: terminated(next.unfinished, nowMs),
      writes: deletions.map((write) => () => write),
    };
  }
  if (next.step !== "measure") return {};
  const number = nextNumber(now.before);
  const { measurement, draft } = beginJob(run, now.complete, { number, view, nowMs });
  if (draft === undefined) return { measurement };
  const refused = (status: AnalysisRunStatus) => (error: ApiError) => [
    update(analysisRuns, { ...run, status: withRefusedJob(status, now.metric.name, error, nowMs) }),
  ];
  return {
    measurement,
    writes: [(status) => create(jobs, draft, { refused: refused(status) })],
  };
}

/** The status as if the Job of the metric had never begun: its measurement is an error. */
function withRefusedJob(
  status: AnalysisRunStatus,
  metric: string,
  { message }: ApiError,
  nowMs: number,
): AnalysisRunStatus {
  const metricResults = (status.metricResults ?? []).map((result) => {
    if (result.name !== metric) return result;
    const { startedAt } = result.measurements!.at(-1)!;
    return withMeasurement(result, failedMeasurement({ startedAt: startedAt! }, message, nowMs));
  });
  return { ...status, metricResults };
}

function askStep(run: AnalysisRun, now: MetricNow, input: StepsInput): StepMade {
  const { nowMs, answers, secrets } = input;
  const number = nextNumber(now.before);
  const next = nextOf(run, now, nowMs);
  if (next.step === "resume" && isTerminating(run)) {
    return { measurement: terminated(next.unfinished, nowMs) };
  }
  if (next.step !== "resume" && next.step !== "measure") return {};
  const unfinished = next.step === "resume" ? next.unfinished : undefined;
  const answered = answers.find((each) =>
    each.metric === now.metric.name && each.number === number
  );
  const measurement = answered && measurementOf(answered, unfinished, secrets);
  if (measurement === undefined || isKnown(measurement, unfinished)) {
    const ask = { run: askingRun(run), metric: now.complete, number };
    return { ask: unfinished ? { ...ask, unfinished } : ask };
  }
  const { metricMetadata } = answered!.answer;
  return {
    measurement,
    isAnswer: true,
    ...(metricMetadata && { metricMetadata: metadataToKeep(metricMetadata, secrets) }),
  };
}

/** An answer `Running` that the status has already. */
function isKnown(measurement: Measurement, unfinished: Measurement | undefined): boolean {
  return measurement.finishedAt === undefined && measurement.resumeAt === unfinished?.resumeAt;
}

function measurementOf(
  { answer, askedMs, answeredMs }: Answered,
  unfinished: Measurement | undefined,
  secrets: readonly string[],
): Measurement {
  const { phase, value, message, metadata, resumeAfterMs = RESUME_MS } = answer;
  const isOver = phase !== "Running";
  return {
    phase,
    startedAt: unfinished?.startedAt ?? timestamp(askedMs),
    ...(value !== undefined && { value: textToKeep(value, []) }),
    ...(message && { message: textToKeep(message, secrets) }),
    ...(metadata && { metadata: metadataToKeep(metadata, secrets) }),
    ...(isOver
      ? { finishedAt: timestamp(answeredMs) }
      : { resumeAt: timestamp(answeredMs + Math.max(1_000, resumeAfterMs)) }),
  };
}

function metadataToKeep(
  metadata: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [key, textToKeep(text, secrets)]),
  );
}

function terminated(measurement: Measurement, nowMs: number): Measurement {
  const { resumeAt: _, ...rest } = measurement;
  return {
    ...rest,
    phase: "Successful",
    message: "Metric Terminated",
    finishedAt: timestamp(nowMs),
  };
}

function askingRun({ metadata: { namespace, name, uid, labels = {} } }: AnalysisRun): AskingRun {
  return { namespace, name, uid, labels };
}
