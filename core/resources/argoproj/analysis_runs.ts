import {
  boolean,
  integer,
  list,
  mapOf,
  object,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { ARGO_GROUP, ARGO_VERSION, argoColumns, argoReading, phaseColumn } from "./custom_kind.ts";
import { analysisFields, METRIC_TEMPLATES, metrics } from "./metrics.ts";
import { metricWarnings } from "./unimplemented_fields.ts";

const analysisRunSpec = object("What is measured.", {
  metrics: required(metrics),
  ...analysisFields,
  terminate: boolean("Whether it is to end now."),
  ttlStrategy: object("When it is deleted, in seconds after its end.", {
    secondsAfterCompletion: integer("However it ended."),
    secondsAfterFailure: integer("When it did not succeed."),
    secondsAfterSuccess: integer("When it succeeded."),
  }),
});
export type AnalysisRunSpec = TypeOf<typeof analysisRunSpec>;

const measurement = object("One measurement.", {
  phase: required(string("How it went.")),
  message: string("Why."),
  startedAt: time("When it began."),
  finishedAt: time("When it ended."),
  value: string("The result, as a text."),
  metadata: mapOf("What the provider says of it.", string("Value.")),
  resumeAt: time("When it is looked at again."),
});
export type Measurement = TypeOf<typeof measurement>;

const metricResult = object("What was measured.", {
  name: required(string("Name of the metric.")),
  phase: required(string("How it is.")),
  measurements: list("The last measurements.", measurement),
  message: string("Why."),
  count: integer("Measurements that count."),
  successful: integer("Good ones."),
  failed: integer("Bad ones."),
  inconclusive: integer("Neither good nor bad."),
  error: integer("Measurements that failed."),
  consecutiveError: integer("Of these, in a row by now."),
  consecutiveSuccess: integer("Good ones in a row by now."),
  dryRun: boolean("Whether it decides nothing."),
  metadata: mapOf("What the provider says of it.", string("Value.")),
});
export type MetricResult = TypeOf<typeof metricResult>;

const runSummary = object("How many metrics ended how.", {
  count: integer("All of them."),
  successful: integer("Good ones."),
  failed: integer("Bad ones."),
  inconclusive: integer("Neither good nor bad."),
  error: integer("Metrics that could not be measured."),
});
export type RunSummary = TypeOf<typeof runSummary>;

const analysisRunStatus = object("How the analysis is.", {
  phase: required(
    string("Pending, Running, Successful, Failed, Error or Inconclusive."),
  ),
  message: string("Why."),
  metricResults: list("What was measured.", metricResult),
  startedAt: time("When it began."),
  completedAt: time("When it ended."),
  runSummary,
  dryRunSummary: runSummary,
});
export type AnalysisRunStatus = TypeOf<typeof analysisRunStatus>;

const analysisRun = object("Measures, and judges pods by it.", {
  spec: required(analysisRunSpec),
  status: analysisRunStatus,
});

/** https://argo-rollouts.readthedocs.io/en/stable/features/analysis/. Its status is written with the rest of it. */
export const analysisRuns = defineResource({
  group: ARGO_GROUP,
  version: ARGO_VERSION,
  kind: "AnalysisRun",
  plural: "analysisruns",
  shortNames: ["ar"],
  namespaced: true,
  needsVersion: true,
  hasStatus: false,
  isCreatedWithStatus: true,
  generation: "all content",
  schema: analysisRun,
  warnings: metricWarnings,
  reading: argoReading(analysisRun, { templates: METRIC_TEMPLATES }),
  columns: argoColumns([phaseColumn("AnalysisRun")]),
});
export type AnalysisRun = ObjectOf<typeof analysisRuns>;
