import type { Draft, View } from "../../client/client.ts";
import { timestamp } from "../../lib/timestamp.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type Measurement,
  type Metric,
} from "../../resources/argoproj/mod.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { remove, type Write } from "../runtime/controller.ts";
import { controllerReference, isControlledBy } from "../runtime/ownership.ts";

/** Argo's names: `metricproviders/job/job.go`. */
const UID_LABEL = "analysisrun.argoproj.io/uid";
const RUN_NAME = "analysisrun.argoproj.io/name";
const RUN_NAMESPACE = "analysisrun.argoproj.io/namespace";
const METRIC_NAME = "analysisrun.argoproj.io/metric-name";
const JOB_NAME = "job-name";
const JOB_NAMESPACE = "job-namespace";

/** What began, or what became of a measurement, and the Job to create for it. */
export interface JobMeasurement {
  measurement: Measurement;
  draft?: Draft<Job>;
}

/** A measurement by a Job begins. A Job of that name that the run controls is that of a look before. */
export function beginJob(
  run: AnalysisRun,
  metric: Metric,
  { number, view, nowMs }: { number: number; view: View; nowMs: number },
): JobMeasurement {
  const name = `${run.metadata.uid}.${metric.name}.${number}`;
  const { namespace } = run.metadata;
  const startedAt = timestamp(nowMs);
  const existing = view.get(jobs, { namespace, name });
  if (existing !== undefined && !isControlledBy(existing, run)) {
    return { measurement: failedMeasurement({ startedAt }, alreadyExists(name), nowMs) };
  }
  const metadata = { [JOB_NAME]: name, [JOB_NAMESPACE]: namespace };
  const measurement: Measurement = { phase: "Running", startedAt, metadata };
  return existing === undefined
    ? { measurement, draft: jobDraft(run, metric, name) }
    : { measurement };
}

/** The measurement of a Job that has ended, or does not exist any more; else the same one. */
export function resumeJob(
  run: AnalysisRun,
  measurement: Measurement,
  { view, nowMs }: { view: View; nowMs: number },
): Measurement {
  const name = measurement.metadata?.[JOB_NAME];
  if (!name) return failedMeasurement(measurement, "job metadata reference missing", nowMs);
  const job = jobOf(run, measurement, view);
  if (job === undefined) {
    return failedMeasurement(measurement, `job.batch "${name}" not found`, nowMs);
  }
  const end = (job.status?.conditions ?? []).find(({ type, status }) =>
    status === "True" && (type === "Complete" || type === "Failed")
  );
  if (end === undefined) return measurement;
  const phase = end.type === "Complete" ? "Successful" : "Failed";
  return { ...measurement, phase, finishedAt: timestamp(nowMs) };
}

/** The deletion of the Job of a measurement, with its pods; nothing if it is gone, or not this run's. */
export function jobDeletion(run: AnalysisRun, measurement: Measurement, view: View): Write[] {
  const job = jobOf(run, measurement, view);
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) return [];
  return [remove(jobs, job, { propagationPolicy: "Foreground" })];
}

/** What a measurement says of its Job may have been written by a user: only the run's own Jobs count. */
function jobOf(run: AnalysisRun, { metadata }: Measurement, view: View): Job | undefined {
  const name = metadata?.[JOB_NAME];
  if (!name) return undefined;
  const job = view.get(jobs, { namespace: run.metadata.namespace, name });
  return job !== undefined && isControlledBy(job, run) ? job : undefined;
}

export function failedMeasurement(
  measurement: Partial<Measurement>,
  message: string,
  nowMs: number,
): Measurement {
  return { ...measurement, phase: "Error", message, finishedAt: timestamp(nowMs) };
}

function alreadyExists(name: string): string {
  return `jobs.batch "${name}" already exists`;
}

function jobDraft(run: AnalysisRun, metric: Metric, name: string): Draft<Job> {
  const { metadata = {}, spec } = metric.provider.job!;
  const { namespace, uid } = run.metadata;
  return {
    metadata: {
      name,
      namespace,
      labels: { ...metadata.labels, [UID_LABEL]: uid },
      annotations: {
        ...metadata.annotations,
        [RUN_NAME]: run.metadata.name,
        [RUN_NAMESPACE]: namespace,
        [METRIC_NAME]: metric.name,
      },
      ownerReferences: [controllerReference(analysisRuns, run)],
    },
    spec: spec as Job["spec"],
  };
}
