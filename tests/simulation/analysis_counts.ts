import type { Draft, View } from "../../core/client/client.ts";
import { isCompleted } from "../../core/controllers/analysis/metric_assessment.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type MetricResult,
} from "../../core/resources/argoproj/mod.ts";
import type { Job } from "../../core/resources/batch/jobs.ts";

/** The simulator's AnalysisRun: Jobs measure. */
export const ANALYSIS = "audit";
const COUNT = 3;

/** `image`: of the Jobs, one that ends well, or one that does not. */
export function analysisOf(namespace: string, image: string): Draft<AnalysisRun> {
  const containers = [{ name: "main", image, resources: { requests: { cpu: "10m" } } }];
  const spec = { backoffLimit: 0, template: { spec: { restartPolicy: "Never", containers } } };
  const metric = { count: COUNT, interval: "2s", failureLimit: 1, provider: { job: { spec } } };
  return {
    metadata: { namespace, name: ANALYSIS },
    spec: { metrics: [{ name: "a", ...metric }, { name: "b", ...metric, initialDelay: "3s" }] },
  } as unknown as Draft<AnalysisRun>; // the shape of a pod has more fields than are named here
}

/** Counts the measurements of AnalysisRuns beside their controller: none may be made twice, or lost. */
export class AnalysisCounts {
  readonly #runs = new Map<string, AnalysisRun>();

  runSeen(run: AnalysisRun): string | undefined {
    const { uid, name } = run.metadata;
    const before = this.#runs.get(uid)?.status;
    this.#runs.set(uid, run);
    if (isCompleted(before?.phase) && before!.phase !== run.status?.phase) {
      return `analysis ${name} was ${before!.phase} and is ${run.status?.phase}`;
    }
    for (const result of run.status?.metricResults ?? []) {
      const earlier = before?.metricResults?.find((each) => each.name === result.name);
      const fault = faultOf(result, earlier);
      if (fault !== undefined) return `analysis ${name}, metric ${result.name}: ${fault}`;
    }
    return undefined;
  }

  runGone({ metadata: { uid } }: AnalysisRun): void {
    this.#runs.delete(uid);
  }

  /** A Job measures what the status of its run does not know yet, the next in the line. */
  jobCreated({ metadata: { name, ownerReferences = [] } }: Job): string | undefined {
    const run = this.#runs.get(ownerReferences[0]?.uid ?? "");
    if (run === undefined) return undefined;
    const [, metric, number] = name.split(".");
    const result = run.status?.metricResults?.find((each) => each.name === metric);
    if (Number(number) === totalOf(result) + 1) return undefined;
    return `job ${name} was created when ${totalOf(result)} measurements were known`;
  }
}

function faultOf(now: MetricResult, before: MetricResult | undefined): string | undefined {
  const { count = 0, successful = 0, failed = 0, measurements = [] } = now;
  if (count !== successful + failed) return `${count} are not ${successful} + ${failed}`;
  if (count > COUNT) return `it was measured ${count} times`;
  const gained = totalOf(now) - totalOf(before);
  if (gained < 0 || gained > 1) return `${gained} measurements at once`;
  const unfinished = measurements.filter(({ finishedAt }) => finishedAt === undefined);
  if (unfinished.length > 1) return "two measurements are under way at once";
  if (measurements.length - unfinished.length === totalOf(now)) return undefined;
  return `${totalOf(now)} measurements are counted, there are ${measurements.length}`;
}

function totalOf(result: MetricResult | undefined): number {
  return (result?.count ?? 0) + (result?.error ?? 0);
}

/** AnalysisRuns that have not come to an end. */
export function analysisProblems(view: View): string[] {
  return view.list(analysisRuns)
    .filter(({ status }) => !isCompleted(status?.phase))
    .map(({ metadata: { name }, status }) => `analysis ${name} is ${JSON.stringify(status)}`);
}
