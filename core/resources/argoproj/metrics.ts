import { intOrString, list, object, required, string, type TypeOf } from "../../schema/schema.ts";
import {
  analysisTemplateRefs,
  argument,
  dryRun,
  measurementRetention,
} from "./analysis_references.ts";
import type { TemplatePath } from "./malformed_amounts.ts";
import { metricProvider } from "./metric_providers.ts";

/** Numbers may be texts in which arguments stand: `{{args.count}}`. */
const metric = object("What is measured, how often, and what it means.", {
  name: required(string("Its name.")),
  provider: required(metricProvider),
  interval: string("Time between two measurements, such as `30s`."),
  initialDelay: string("Time before the first one."),
  count: intOrString("How many measurements there are; without end when there is an interval."),
  successCondition: string("Expression that is true of a good result."),
  failureCondition: string("Expression that is true of a bad result."),
  failureLimit: intOrString("How many bad results are allowed; -1: any number."),
  inconclusiveLimit: intOrString("How many results may be neither good nor bad."),
  consecutiveErrorLimit: intOrString("How many errors in a row are allowed; 4 when absent."),
  consecutiveSuccessLimit: intOrString("How many good results in a row are enough."),
});
export type Metric = TypeOf<typeof metric>;

/** Where metrics have templates of pods. */
export const METRIC_TEMPLATES: readonly TemplatePath[] = [
  ["spec", "metrics", "[]", "provider", "job", "spec", "template", "spec"],
];

/** What templates and runs have. */
export const analysisFields = {
  args: list("Arguments of the analysis.", argument),
  dryRun,
  measurementRetention,
};

export const metrics = list("What is measured.", metric);

/** Of AnalysisTemplates and ClusterAnalysisTemplates. */
export const analysisTemplateSpec = object("What is measured.", {
  metrics,
  ...analysisFields,
  templates: analysisTemplateRefs,
});
export type AnalysisTemplateSpec = TypeOf<typeof analysisTemplateSpec>;
