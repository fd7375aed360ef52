import { analysisIcon } from "./icons.ts";
import type { AnalysisRun, MetricResult } from "../cluster/objects.ts";
import { byCreation, isOwnedBy, type ObjectMeta, objectMetaOf, revisionOf } from "./object_meta.ts";

export interface AnalysisRunInfo {
  objectMeta: ObjectMeta;
  icon: string;
  revision: number;
  status: string;
  message?: string;
  successful: number;
  failed: number;
  inconclusive: number;
  error: number;
  /** Measurements by Jobs. */
  jobs: JobInfo[];
  /** All other measurements. */
  nonJobInfo: MeasurementInfo[];
}

export interface JobInfo {
  objectMeta: Omit<ObjectMeta, "uid">;
  status: string;
  icon: string;
  metricName: string;
}

export interface MeasurementInfo {
  metricName: string;
  value?: string;
  status: string;
  startedAt?: string;
}

type Counter = "successful" | "failed" | "inconclusive" | "error";

/** The runs that an object owns: the highest revision first, then the oldest. */
export function analysisRunsOf(uid: string, runs: readonly AnalysisRun[]): AnalysisRunInfo[] {
  return runs
    .filter((run) => isOwnedBy(run, uid))
    .map(analysisRunInfoOf)
    .sort((a, b) => b.revision - a.revision || byCreation(a, b, -1));
}

function analysisRunInfoOf(run: AnalysisRun): AnalysisRunInfo {
  const { phase = "", message, metricResults = [] } = run.status ?? {};
  const countOf = (counter: Counter) =>
    metricResults.reduce((sum, result) => sum + (result[counter] ?? 0), 0);
  const measured = metricResults.flatMap((result) => measurementsOf(run, result));
  return {
    objectMeta: objectMetaOf(run),
    icon: analysisIcon(phase),
    revision: revisionOf(run),
    status: phase,
    ...(message !== undefined && { message }),
    successful: countOf("successful"),
    failed: countOf("failed"),
    inconclusive: countOf("inconclusive"),
    error: countOf("error"),
    jobs: measured.flatMap(({ job }) => job ?? []),
    nonJobInfo: measured.flatMap(({ job, ...measurement }) => job ? [] : measurement),
  };
}

function measurementsOf(
  run: AnalysisRun,
  { name, measurements = [] }: MetricResult,
): (MeasurementInfo & { job?: JobInfo })[] {
  return measurements.map(({ phase = "", value, startedAt, metadata }) => {
    const job = metadata?.["job-name"];
    const namespace = metadata?.["job-namespace"] ?? run.metadata.namespace;
    return {
      metricName: name,
      ...(value !== undefined && { value }),
      status: phase,
      ...(startedAt !== undefined && { startedAt }),
      ...(job !== undefined && {
        job: {
          objectMeta: {
            name: job,
            ...(namespace !== undefined && { namespace }),
            ...(startedAt !== undefined && { creationTimestamp: startedAt }),
          },
          status: phase,
          icon: analysisIcon(phase),
          metricName: name,
        },
      }),
    };
  });
}
