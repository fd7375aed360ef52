import { object, required } from "../../schema/schema.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { ARGO_GROUP, ARGO_VERSION, argoColumns, argoReading } from "./custom_kind.ts";
import { analysisTemplateSpec, METRIC_TEMPLATES } from "./metrics.ts";
import { metricWarnings } from "./unimplemented_fields.ts";

const template = object("What is measured to judge pods.", {
  spec: required(analysisTemplateSpec),
});

/** https://argo-rollouts.readthedocs.io/en/stable/features/analysis/ */
export const analysisTemplates = defineResource({
  group: ARGO_GROUP,
  version: ARGO_VERSION,
  kind: "AnalysisTemplate",
  plural: "analysistemplates",
  shortNames: ["at"],
  namespaced: true,
  needsVersion: true,
  generation: "all content",
  schema: template,
  warnings: metricWarnings,
  reading: argoReading(template, { templates: METRIC_TEMPLATES }),
  columns: argoColumns([]),
});
export type AnalysisTemplate = ObjectOf<typeof analysisTemplates>;

/** The same for all namespaces. */
export const clusterAnalysisTemplates = defineResource({
  group: ARGO_GROUP,
  version: ARGO_VERSION,
  kind: "ClusterAnalysisTemplate",
  plural: "clusteranalysistemplates",
  shortNames: ["cat"],
  namespaced: false,
  needsVersion: true,
  generation: "all content",
  schema: template,
  warnings: metricWarnings,
  reading: argoReading(template, { templates: METRIC_TEMPLATES }),
  columns: argoColumns([]),
});
export type ClusterAnalysisTemplate = ObjectOf<typeof clusterAnalysisTemplates>;
