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
import { objectOfAnything } from "./rollout_steps.ts";

const condition = object("One aspect of its state.", {
  type: required(string("What it is about.")),
  status: required(string("True, False or Unknown.")),
  lastUpdateTime: required(time("When it was last written.")),
  lastTransitionTime: required(time("When its status last changed.")),
  reason: required(string("Why, in one word.")),
  message: required(string("Why, for people.")),
});
/** A condition of a Rollout or of an Experiment. */
export type RolloutCondition = TypeOf<typeof condition>;
export const conditions = list("Aspects of its state.", condition);

const pauseCondition = object("Why the rollout waits.", {
  reason: required(string("The reason.")),
  startTime: required(time("Since when.")),
});
export type PauseCondition = TypeOf<typeof pauseCondition>;

const runStatus = object("How an AnalysisRun is.", {
  name: required(string("Its name.")),
  status: required(string("Its phase.")),
  message: string("Why."),
});
export type RolloutAnalysisRunStatus = TypeOf<typeof runStatus>;

const weight = object("What a set of pods gets of the traffic.", {
  weight: required(integer("Its weight.")),
  serviceName: string("Service that leads to it."),
  podTemplateHash: string("Hash of its template."),
});
export type WeightDestination = TypeOf<typeof weight>;

const weights = object("How traffic was last split.", {
  canary: required(weight),
  stable: required(weight),
  additional: list("Sets of experiments.", weight),
  verified: boolean("Whether the split was seen in use; absent: nobody looked."),
});
export type TrafficWeights = TypeOf<typeof weights>;

const stepPluginStatus = object("How a step of a plugin is.", {
  index: required(integer("Index of the step.")),
  name: required(string("Name of the plugin.")),
  operation: required(string("Run, Terminate or Abort.")),
  phase: string("How it goes."),
  message: string("Why."),
  startedAt: time("When it began."),
  updatedAt: time("When it was last looked at."),
  finishedAt: time("When it ended."),
  backoff: string("When it is asked again."),
  executions: integer("How often it was asked."),
  disabled: boolean("Whether the plugin is switched off."),
  status: objectOfAnything("What the plugin keeps."),
});

const albResource = object("Something of AWS.", {
  name: required(string("Its name.")),
  arn: required(string("Its ARN.")),
  fullName: string("Its full name."),
});

const albStatus = object("The load balancer of AWS.", {
  loadBalancer: albResource,
  canaryTargetGroup: albResource,
  stableTargetGroup: albResource,
  ingress: string("Its Ingress."),
});

const canaryStatus = object("How the canary is.", {
  currentStepAnalysisRunStatus: runStatus,
  currentBackgroundAnalysisRunStatus: runStatus,
  currentExperiment: string("Name of the experiment of the current step."),
  weights,
  stablePingPong: string("ping or pong: which Service is the stable one."),
  stepPluginStatuses: list("How steps of plugins are.", stepPluginStatus),
});
export type CanaryStatus = TypeOf<typeof canaryStatus>;

const blueGreenStatus = object("How the switch is.", {
  previewSelector: string("Hash of the pods of the preview service."),
  activeSelector: string("Hash of the pods of the active service."),
  scaleUpPreviewCheckPoint: boolean("Whether the new set may grow to its full size."),
  prePromotionAnalysisRunStatus: runStatus,
  postPromotionAnalysisRunStatus: runStatus,
});
export type BlueGreenStatus = TypeOf<typeof blueGreenStatus>;

export const rolloutStatus = object("How the rollout is.", {
  abort: boolean("Whether it goes back."),
  abortedAt: time("When it was aborted."),
  promoteFull: boolean("Whether all that is left is skipped."),
  pauseConditions: list("Why it waits.", pauseCondition),
  controllerPause: boolean("Whether the controller has paused it."),
  currentPodHash: string("Hash of the newest template."),
  currentStepHash: string("Hash of the steps."),
  currentStepIndex: integer("Index of the current step; their number when all are done."),
  stableRS: string("Hash of the pods that users can rely on."),
  replicas: integer("How many pods there are."),
  updatedReplicas: integer("How many of them have the newest template."),
  readyReplicas: integer("How many of them are ready."),
  availableReplicas: integer("How many of them have been ready for long enough."),
  HPAReplicas: integer("Pods that autoscaling counts."),
  selector: string("Selector of these pods, as a text."),
  collisionCount: integer("How often the hash of a template had to be made anew."),
  observedGeneration: string("Generation that the controller has seen, as a text."),
  workloadObservedGeneration: string("The same of the workload that it refers to."),
  conditions,
  canary: canaryStatus,
  blueGreen: blueGreenStatus,
  restartedAt: time("When pods were last restarted."),
  phase: string("Healthy, Degraded, Progressing or Paused."),
  message: string("Why."),
  alb: albStatus,
  albs: list("Several of them.", albStatus),
});
export type RolloutStatus = TypeOf<typeof rolloutStatus>;
