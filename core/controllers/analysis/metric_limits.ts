import { DurationError, durationMsOf } from "../../schema/durations.ts";
import type { Metric } from "../../resources/argoproj/mod.ts";

const ERRORS_MAX_DEFAULT = 4;

/** What a metric says of how often it is measured and what it may miss, as numbers. */
export interface MetricLimits {
  /** How many measurements that are no errors; `undefined`: for ever. */
  count: number | undefined;
  /** -1: any number of failures. */
  failureLimit: number;
  inconclusiveLimit: number;
  consecutiveErrorLimit: number;
  /** 0: successes in a row do not matter. */
  consecutiveSuccessLimit: number;
}

export function limitsOf(metric: Metric): MetricLimits {
  const count = intValueOf(metric.count);
  return {
    count: count === 0 ? (metric.interval ? undefined : 1) : count,
    failureLimit: intValueOf(metric.failureLimit),
    inconclusiveLimit: intValueOf(metric.inconclusiveLimit),
    consecutiveErrorLimit: metric.consecutiveErrorLimit === undefined
      ? ERRORS_MAX_DEFAULT
      : intValueOf(metric.consecutiveErrorLimit),
    consecutiveSuccessLimit: intValueOf(metric.consecutiveSuccessLimit),
  };
}

/** The number in an IntOrString, which arguments make texts of; 0 where there is none. */
export function intValueOf(value: number | string | undefined): number {
  if (typeof value !== "string") return value ?? 0;
  return /^[+-]?[0-9]+$/.test(value) ? Number(value) : 0;
}

/** What is wrong with the metrics of a run; `undefined`: nothing. The texts are Argo's (`utils/analysis/factory.go`). */
export function faultOfMetrics(metrics: readonly Metric[]): string | undefined {
  if (metrics.length === 0) return "no metrics specified";
  const names = new Set<string>();
  for (const [index, metric] of metrics.entries()) {
    if (names.has(metric.name)) return `metrics[${index}]: duplicate name '${metric.name}'`;
    names.add(metric.name);
    const fault = faultOfMetric(metric);
    if (fault !== undefined) return `metrics[${index}]: ${fault}`;
  }
  return undefined;
}

function faultOfMetric(metric: Metric): string | undefined {
  return faultOfLimits(metric) ?? faultOfCount(metric) ?? faultOfTimes(metric) ??
    faultOfProvider(metric);
}

function faultOfLimits(metric: Metric): string | undefined {
  const { failureLimit, inconclusiveLimit, consecutiveErrorLimit, consecutiveSuccessLimit } =
    limitsOf(metric);
  if (consecutiveSuccessLimit < 0) return "consecutiveSuccessLimit must be >= 0";
  if (failureLimit < -1) return "failureLimit must be >= 0, or -1 to be disabled";
  if (consecutiveSuccessLimit === 0 && failureLimit === -1) {
    return "failureLimit and consecutiveSuccessLimit cannot both be disabled";
  }
  if (inconclusiveLimit < 0) return "inconclusiveLimit must be >= 0";
  if (consecutiveErrorLimit < 0) return "consecutiveErrorLimit must be >= 0";
  return undefined;
}

function faultOfCount(metric: Metric): string | undefined {
  const count = intValueOf(metric.count);
  if (count <= 0) return undefined;
  const { failureLimit: failures, inconclusiveLimit, consecutiveSuccessLimit: successes } =
    limitsOf(metric);
  if (failures >= 0 && count < failures + successes) {
    return `count (${count}) must be >= failureLimit + consecutiveSuccessLimit ` +
      `(${failures} + ${successes}) if both >= 0`;
  }
  if (failures < 0 && count < successes) return "count must be >= consecutiveSuccessLimit";
  if (count < inconclusiveLimit) return "count must be >= inconclusiveLimit";
  if (count > 1 && !metric.interval) return "interval must be specified when count > 1";
  return undefined;
}

function faultOfTimes({ interval, initialDelay }: Metric): string | undefined {
  const texts = [["interval", interval], ["startDelay", initialDelay]] as const;
  for (const [what, text] of texts) {
    try {
      if (text) durationMsOf(text);
    } catch (error) {
      if (error instanceof DurationError) return `invalid ${what} string: ${error.message}`;
      throw error;
    }
  }
  return undefined;
}

function faultOfProvider({ provider }: Metric): string | undefined {
  const { plugin = {}, ...others } = provider ?? {};
  const count = Object.keys(plugin).length +
    Object.values(others).filter((each) => each !== undefined).length;
  if (count === 0) return "no provider specified";
  return count > 1 ? "multiple providers specified" : undefined;
}
