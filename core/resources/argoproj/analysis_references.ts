import {
  boolean,
  integer,
  list,
  object,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { templateMetadata } from "./pod_templates.ts";

const fieldRef = object("A field of the Rollout.", {
  fieldPath: required(string("Path of the field, such as `metadata.labels['region']`.")),
});

/** An argument of an analysis that a Rollout starts. */
export const analysisRunArgument = object("An argument of an analysis.", {
  name: required(string("Name of the argument.")),
  value: string("Its value."),
  valueFrom: object("Where its value comes from.", {
    podTemplateHashValue: string("Stable or Latest: the hash of these pods."),
    fieldRef,
  }),
});
export type AnalysisRunArgument = TypeOf<typeof analysisRunArgument>;

/** An argument of a template or of a run. */
export const argument = object("An argument of an analysis.", {
  name: required(string("Name of the argument.")),
  value: string("Its value."),
  valueFrom: object("Where its value comes from.", {
    secretKeyRef: object("A key of a Secret.", {
      name: required(string("Name of the Secret.")),
      key: required(string("Key in it.")),
    }),
    fieldRef,
  }),
});
export type Argument = TypeOf<typeof argument>;

const analysisTemplateRef = object("A template of an analysis.", {
  templateName: string("Name of the template."),
  clusterScope: boolean("Whether it is a ClusterAnalysisTemplate."),
});
export type AnalysisTemplateRef = TypeOf<typeof analysisTemplateRef>;
export const analysisTemplateRefs = list("Templates of the analysis.", analysisTemplateRef);

export const dryRun = list(
  "Metrics that are measured and decide nothing.",
  object("Metrics that decide nothing.", {
    metricName: required(string("Name of the metrics, as a regular expression.")),
  }),
);
export type DryRun = TypeOf<typeof dryRun>[number];

export const measurementRetention = list(
  "How many measurements are kept.",
  object("How many measurements of some metrics are kept.", {
    metricName: required(string("Name of the metrics, as a regular expression.")),
    limit: required(integer("How many measurements are kept.")),
  }),
);
export type MeasurementRetention = TypeOf<typeof measurementRetention>[number];

const rolloutAnalysisFields = {
  templates: analysisTemplateRefs,
  args: list("Arguments of the analysis.", analysisRunArgument),
  dryRun,
  measurementRetention,
  analysisRunMetadata: templateMetadata,
};

/** An analysis that a Rollout starts. */
export const rolloutAnalysis = object("An analysis of what is rolled out.", rolloutAnalysisFields);
export type RolloutAnalysis = TypeOf<typeof rolloutAnalysis>;

export const backgroundAnalysis = object("An analysis while steps go on.", {
  ...rolloutAnalysisFields,
  startingStep: integer("Index of the step at which it starts."),
});
export type BackgroundAnalysis = TypeOf<typeof backgroundAnalysis>;
