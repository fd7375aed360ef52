import type {
  AnalysisRun,
  ControllerRevision,
  Experiment,
  Pod,
  ReplicaSet,
} from "../cluster/objects.ts";

/** The objects of a namespace that can belong to a rollout. */
export interface Surroundings {
  replicaSets: readonly ReplicaSet[];
  revisions: readonly ControllerRevision[];
  pods: readonly Pod[];
  experiments: readonly Experiment[];
  analysisRuns: readonly AnalysisRun[];
}
