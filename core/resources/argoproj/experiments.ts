import {
  boolean,
  integer,
  list,
  object,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { argument, dryRun, measurementRetention } from "./analysis_references.ts";
import { ARGO_GROUP, ARGO_VERSION, argoColumns, argoReading, phaseColumn } from "./custom_kind.ts";
import { barePodTemplate, templateMetadata } from "./pod_templates.ts";
import { conditions } from "./rollout_status.ts";
import { bareSelector } from "./rollout_steps.ts";

const experimentTemplate = object("A set of pods.", {
  name: required(string("Name of the set.")),
  replicas: integer("How many pods there should be; 1 when absent."),
  minReadySeconds: integer("Seconds that a pod must be ready before it counts as available."),
  selector: required(bareSelector),
  template: required(barePodTemplate),
  service: object("The Service that the set gets.", {
    name: string("Its name; that of the ReplicaSet when absent."),
  }),
});
export type ExperimentTemplate = TypeOf<typeof experimentTemplate>;

const experimentAnalysis = object("An analysis of the sets.", {
  name: required(string("Name of the analysis.")),
  templateName: required(string("Name of its template.")),
  clusterScope: boolean("Whether it is a ClusterAnalysisTemplate."),
  args: list("Arguments of the analysis.", argument),
  requiredForCompletion: boolean("Whether the experiment ends when all of these have succeeded."),
});
export type ExperimentAnalysis = TypeOf<typeof experimentAnalysis>;

const experimentSpec = object("What is run side by side.", {
  templates: required(list("Sets of pods.", experimentTemplate)),
  duration: string("How long it goes on once all pods are available, such as `10m`."),
  progressDeadlineSeconds: integer("Seconds until all pods must be available; 600 when absent."),
  terminate: boolean("Whether it is to end now."),
  analyses: list("Analyses of the sets.", experimentAnalysis),
  scaleDownDelaySeconds: integer("Seconds until pods go after the end; 30 when absent."),
  dryRun,
  measurementRetention,
  analysisRunMetadata: templateMetadata,
});
export type ExperimentSpec = TypeOf<typeof experimentSpec>;

const templateStatus = object("How a set is.", {
  name: required(string("Name of the set.")),
  replicas: required(integer("How many pods there are.")),
  updatedReplicas: required(integer("How many of them have the wanted template.")),
  readyReplicas: required(integer("How many of them are ready.")),
  availableReplicas: required(integer("How many of them have been ready for long enough.")),
  collisionCount: integer("How often the hash of its template had to be made anew."),
  status: string("Its phase."),
  message: string("Why."),
  lastTransitionTime: time("When its phase last changed."),
  serviceName: string("Its Service."),
  podTemplateHash: string("Hash of its template."),
});
export type TemplateStatus = TypeOf<typeof templateStatus>;

const experimentAnalysisRunStatus = object("How an analysis is.", {
  name: required(string("Name of the analysis.")),
  analysisRun: required(string("Name of its run.")),
  phase: required(string("Its phase.")),
  message: string("Why."),
});
export type ExperimentAnalysisRunStatus = TypeOf<typeof experimentAnalysisRunStatus>;

const experimentStatus = object("How the experiment is.", {
  phase: string("Pending, Running, Successful, Failed, Error or Inconclusive."),
  message: string("Why."),
  availableAt: time("When all pods were available."),
  templateStatuses: list("How its sets are.", templateStatus),
  analysisRuns: list("How its analyses are.", experimentAnalysisRunStatus),
  conditions,
});
export type ExperimentStatus = TypeOf<typeof experimentStatus>;

const experiment = object("Runs sets of pods side by side, for a time.", {
  spec: required(experimentSpec),
  status: experimentStatus,
});

/** https://argo-rollouts.readthedocs.io/en/stable/features/experiment/. Its status is written with the rest of it. */
export const experiments = defineResource({
  group: ARGO_GROUP,
  version: ARGO_VERSION,
  kind: "Experiment",
  plural: "experiments",
  shortNames: ["exp"],
  namespaced: true,
  needsVersion: true,
  hasStatus: false,
  isCreatedWithStatus: true,
  generation: "all content",
  schema: experiment,
  reading: argoReading(experiment, {
    templates: [["spec", "templates", "[]", "template", "spec"]],
  }),
  columns: argoColumns([phaseColumn("Experiment")]),
});
export type Experiment = ObjectOf<typeof experiments>;
