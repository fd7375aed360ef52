import type { Measurement, MetricResult } from "../../resources/argoproj/mod.ts";
import { isCompleted } from "./metric_assessment.ts";

/** Measurements kept per metric, unless a rule says otherwise. Argo Rollouts: `DefaultMeasurementHistoryLimit`. */
export const MEASUREMENTS_KEPT = 10;
/** Whatever a rule says: a run is one object. */
const MEASUREMENTS_KEPT_MAX = 1_000;
/** Texts that providers give are cut off behind this: a run is one object. */
const TEXT_CHARS_MAX = 16_384;

/** The number of the measurement that comes next, or is under way: 1 for the first. */
export function nextNumber(result: MetricResult | undefined): number {
  return (result?.count ?? 0) + (result?.error ?? 0) + 1;
}

/** A metric that nothing has been measured of. */
export function emptyResult(name: string, isDryRun: boolean): MetricResult {
  return { name, phase: "Running", ...(isDryRun && { dryRun: true }) };
}

/** The result with a measurement: in place of the one that was under way, counted when it has come to its end. */
export function withMeasurement(result: MetricResult, measurement: Measurement): MetricResult {
  const before = result.measurements ?? [];
  const isUnderWay = before.length > 0 && before.at(-1)!.finishedAt === undefined;
  const measurements = [...isUnderWay ? before.slice(0, -1) : before, measurement];
  const counted = isCompleted(measurement.phase) ? counts(result, measurement) : {};
  return withoutZeros({ ...result, ...counted, measurements });
}

/** A count of zero is not there, as in Argo's results. */
function withoutZeros(result: MetricResult): MetricResult {
  const entries = Object.entries(result).filter(([, value]) => value !== 0);
  return Object.fromEntries(entries) as MetricResult; // what is required is no number
}

function counts(result: MetricResult, { phase }: Measurement): Partial<MetricResult> {
  const plus = (field: "count" | "successful" | "failed" | "inconclusive" | "error") => ({
    [field]: (result[field] ?? 0) + 1,
  });
  switch (phase) {
    case "Successful": {
      const consecutiveSuccess = (result.consecutiveSuccess ?? 0) + 1;
      return {
        ...plus("count"),
        ...plus("successful"),
        consecutiveError: 0,
        consecutiveSuccess,
      };
    }
    case "Failed":
      return { ...plus("count"), ...plus("failed"), consecutiveError: 0, consecutiveSuccess: 0 };
    case "Inconclusive":
      return {
        ...plus("count"),
        ...plus("inconclusive"),
        consecutiveError: 0,
        consecutiveSuccess: 0,
      };
    default: {
      const consecutiveError = (result.consecutiveError ?? 0) + 1;
      return { ...plus("error"), consecutiveError, consecutiveSuccess: 0 };
    }
  }
}

/** The measurements that are dropped of a metric for which a rule keeps `limit`; oldest first. */
export function outlivedMeasurements(
  { measurements = [] }: MetricResult,
  limit: number | undefined,
): readonly Measurement[] {
  const kept = limit !== undefined && limit > 0
    ? Math.min(limit, MEASUREMENTS_KEPT_MAX)
    : MEASUREMENTS_KEPT;
  return measurements.slice(0, Math.max(0, measurements.length - kept));
}

/** A text of a provider as it is kept: without secrets, and not too long. */
export function textToKeep(text: string, secrets: readonly string[]): string {
  const masked = secrets.filter((secret) => secret !== "")
    .reduce((masked, secret) => masked.replaceAll(secret, "*****"), text);
  return masked.length > TEXT_CHARS_MAX ? `${masked.slice(0, TEXT_CHARS_MAX)}...` : masked;
}
