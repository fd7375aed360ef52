import { analysisIcon, KIND_ICONS } from "./icons.ts";
import type { Experiment } from "../cluster/objects.ts";
import { type AnalysisRunInfo, analysisRunsOf } from "./analysis_runs.ts";
import { type Image, mergedImages } from "./images.ts";
import { isOwnedBy, type ObjectMeta, objectMetaOf, revisionOf } from "./object_meta.ts";
import { type ReplicaSetInfo, replicaSetsOf } from "./replica_sets.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ExperimentInfo {
  objectMeta: ObjectMeta;
  icon: string;
  revision: number;
  status: string;
  message: string;
  replicaSets: ReplicaSetInfo[];
  analysisRuns: AnalysisRunInfo[];
}

/** The experiments that an object owns: the highest revision first, then the oldest. */
export function experimentsOf(uid: string, all: Surroundings): ExperimentInfo[] {
  return all.experiments
    .filter((experiment) => isOwnedBy(experiment, uid))
    .map((experiment) => experimentInfoOf(experiment, all))
    .sort((a, b) => b.revision - a.revision || ageOrder(a, b));
}

function ageOrder(a: ExperimentInfo, b: ExperimentInfo): number {
  const [x = "", y = ""] = [a, b].map(({ objectMeta }) => objectMeta.creationTimestamp);
  return x.localeCompare(y);
}

export function experimentInfoOf(experiment: Experiment, all: Surroundings): ExperimentInfo {
  const { metadata: { uid }, status: { phase = "", message = "" } = {} } = experiment;
  return {
    objectMeta: objectMetaOf(experiment),
    icon: analysisIcon(phase),
    revision: revisionOf(experiment),
    status: phase,
    message,
    replicaSets: replicaSetsOf(uid, undefined, all),
    analysisRuns: analysisRunsOf(uid, all.analysisRuns),
  };
}

/** The images of its sets that have pods, and the templates that they are of. */
export function imagesOfExperiment({ replicaSets }: ExperimentInfo): Image[] {
  return mergedImages(
    replicaSets.filter(({ replicas }) => replicas > 0).flatMap(({ images, template }) =>
      images.map((image) => ({
        image,
        tags: template === undefined ? [] : [`${KIND_ICONS.Experiment}:${template}`],
      }))
    ),
  );
}
