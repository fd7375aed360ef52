import {
  anything,
  boolean,
  integer,
  intOrString,
  list,
  mapOf,
  object,
  required,
  type Schema,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import { analysisRunArgument, dryRun, rolloutAnalysis } from "./analysis_references.ts";
import { templateMetadata } from "./pod_templates.ts";
import { withoutDefaults } from "./without_defaults.ts";

/** A selector as custom resources have it: any words are taken. */
export const bareSelector = withoutDefaults(labelSelector) as typeof labelSelector;

const stringMatch = object("How a text is compared; exactly one way.", {
  exact: string("It is this text."),
  prefix: string("It begins with this text."),
  regex: string("It matches this regular expression."),
});
export type StringMatch = TypeOf<typeof stringMatch>;

const experimentTemplate = object("A set of pods of the experiment.", {
  name: required(string("Name of the set.")),
  specRef: required(string("canary or stable: whose template it takes.")),
  replicas: integer("How many pods there should be."),
  metadata: templateMetadata,
  selector: bareSelector,
  weight: integer("Percentage of the traffic that it gets."),
  service: object("The Service that the set gets.", { name: string("Name of the Service.") }),
});
export type RolloutExperimentTemplate = TypeOf<typeof experimentTemplate>;

const experimentAnalysis = object("An analysis of the experiment.", {
  name: required(string("Name of the analysis.")),
  templateName: required(string("Name of its template.")),
  clusterScope: boolean("Whether it is a ClusterAnalysisTemplate."),
  args: list("Arguments of the analysis.", analysisRunArgument),
  requiredForCompletion: boolean("Whether the experiment ends when all of these have succeeded."),
});
export type RolloutExperimentAnalysis = TypeOf<typeof experimentAnalysis>;

const experimentStep = object("An experiment that must succeed.", {
  templates: required(list("Its sets of pods.", experimentTemplate)),
  duration: string("How long it goes on, such as `10m`."),
  analyses: list("Its analyses.", experimentAnalysis),
  dryRun,
  analysisRunMetadata: templateMetadata,
});
export type RolloutExperimentStep = TypeOf<typeof experimentStep>;

const setCanaryScale = object("How many pods the canary has, whatever its weight.", {
  weight: integer("Percentage of the Rollout's replicas."),
  replicas: integer("Number of pods."),
  matchTrafficWeight: boolean("Whether the number follows the weight again."),
});
export type SetCanaryScale = TypeOf<typeof setCanaryScale>;

const setHeaderRoute = object("Requests with certain headers go to the canary.", {
  name: string("Name of the route, one of the managed routes."),
  match: list(
    "Headers that a request must have; none: the route goes.",
    object("A header.", {
      headerName: required(string("Name of the header.")),
      headerValue: required(stringMatch),
    }),
  ),
});
export type SetHeaderRoute = TypeOf<typeof setHeaderRoute>;

const setMirrorRoute = object("Requests are sent to the canary as well.", {
  name: required(string("Name of the route, one of the managed routes.")),
  match: list(
    "Requests that are mirrored; none: the route goes.",
    object("What a request must be like.", {
      method: stringMatch,
      path: stringMatch,
      headers: mapOf("Headers that it must have.", stringMatch),
    }),
  ),
  percentage: integer("Percentage of these requests; all when absent."),
});
export type SetMirrorRoute = TypeOf<typeof setMirrorRoute>;

export const canaryStep = object("One step; exactly one field is set.", {
  setWeight: integer("Percentage of pods or traffic that the canary gets."),
  pause: object("Waits.", {
    duration: intOrString("How long, in seconds or as `1h`; absent: until somebody goes on."),
  }),
  analysis: rolloutAnalysis,
  experiment: experimentStep,
  setCanaryScale,
  setHeaderRoute,
  setMirrorRoute,
  plugin: object("A step of a plugin.", {
    name: required(string("Name of the plugin.")),
    config: objectOfAnything("What the plugin is told."),
  }),
});
export type CanaryStep = TypeOf<typeof canaryStep>;

/** An object of which nothing is known. */
export function objectOfAnything(description: string): Schema<Record<string, unknown>> {
  return { ...anything(description), type: "object" } as Schema<Record<string, unknown>>; // only objects pass
}
