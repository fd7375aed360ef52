import {
  boolean,
  integer,
  intOrString,
  list,
  object,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { backgroundAnalysis, rolloutAnalysis } from "./analysis_references.ts";
import { templateMetadata } from "./pod_templates.ts";
import { canaryStep } from "./rollout_steps.ts";
import { trafficRouting } from "./traffic_routing.ts";

const antiAffinity = object("New pods keep away from nodes of old ones; exactly one way.", {
  preferredDuringSchedulingIgnoredDuringExecution: object("If it can be.", {
    weight: required(integer("How much it counts, from 1 to 100.")),
  }),
  requiredDuringSchedulingIgnoredDuringExecution: object("In any case.", {}),
});
export type AntiAffinity = TypeOf<typeof antiAffinity>;

const delays = {
  scaleDownDelaySeconds: integer("Seconds until replaced pods go."),
  scaleDownDelayRevisionLimit: integer("How many replaced sets may wait at once."),
  abortScaleDownDelaySeconds: integer("Seconds until new pods go after an abort; 0: never."),
};

export const blueGreen = object("All traffic is switched at once.", {
  activeService: required(string("Service of the pods that users see.")),
  previewService: string("Service of the new pods before the switch."),
  previewReplicaCount: integer("How many new pods there are before the switch."),
  autoPromotionEnabled: boolean("Whether the switch needs nobody; true when absent."),
  autoPromotionSeconds: integer("Seconds until the switch."),
  maxUnavailable: intOrString("How many pods may be missing while pods are restarted."),
  ...delays,
  prePromotionAnalysis: rolloutAnalysis,
  postPromotionAnalysis: rolloutAnalysis,
  antiAffinity,
  previewMetadata: templateMetadata,
  activeMetadata: templateMetadata,
});
export type BlueGreenStrategy = TypeOf<typeof blueGreen>;

export const canary = object("Traffic is moved bit by bit.", {
  canaryService: string("Service of the new pods."),
  stableService: string("Service of the stable pods."),
  steps: list("What is done, in order; none: all at once.", canaryStep),
  trafficRouting,
  maxUnavailable: intOrString("How many pods may be missing; a text is a percentage."),
  maxSurge: intOrString("How many pods there may be beyond the wanted; a text is a percentage."),
  analysis: backgroundAnalysis,
  antiAffinity,
  canaryMetadata: templateMetadata,
  stableMetadata: templateMetadata,
  ...delays,
  dynamicStableScale: boolean("Whether stable pods go as their traffic does."),
  pingPong: object("Two Services that swap their parts at each promotion.", {
    pingService: required(string("One.")),
    pongService: required(string("The other.")),
  }),
  minPodsPerReplicaSet: integer("How many pods a set has at least that has any."),
});
export type CanaryStrategy = TypeOf<typeof canary>;

export const rolloutStrategy = object("How old pods are replaced by new ones; one of the two.", {
  blueGreen,
  canary,
});
export type RolloutStrategy = TypeOf<typeof rolloutStrategy>;
