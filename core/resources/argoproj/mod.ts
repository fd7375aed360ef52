import type { AnyResource } from "../resource.ts";
import { analysisRuns } from "./analysis_runs.ts";
import { analysisTemplates, clusterAnalysisTemplates } from "./analysis_templates.ts";
import { experiments } from "./experiments.ts";
import { rollouts, workloadKeyOf } from "./rollouts.ts";

export type * from "./analysis_references.ts";
export type * from "./analysis_runs.ts";
export type * from "./analysis_templates.ts";
export type * from "./experiments.ts";
export type * from "./metric_providers.ts";
export type * from "./metrics.ts";
export type * from "./pod_templates.ts";
export type * from "./rollout_status.ts";
export type * from "./rollout_steps.ts";
export type * from "./rollout_strategies.ts";
export type * from "./rollouts.ts";
export type * from "./traffic_routing.ts";

export {
  analysisRuns,
  analysisTemplates,
  clusterAnalysisTemplates,
  experiments,
  rollouts,
  workloadKeyOf,
};

/** The kinds of `argoproj.io/v1alpha1`, as in Argo Rollouts 1.8. */
export const ARGOPROJ_KINDS: readonly AnyResource[] = [
  analysisRuns,
  analysisTemplates,
  clusterAnalysisTemplates,
  experiments,
  rollouts,
];
