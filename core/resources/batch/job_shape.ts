import { labelSelector } from "../../schema/label_selector.ts";
import {
  boolean,
  count,
  fallback,
  integer,
  kept,
  list,
  long,
  object,
  patchedBy,
  required,
  set,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { conditionFields } from "../conditions.ts";
import { podTemplate } from "../core/pods/spec/pod_spec.ts";

const exitCodes = object("Which exit codes are meant.", {
  containerName: string("Container that is looked at; absent: all of them."),
  operator: string("In or NotIn."),
  values: set("Exit codes, in order.", integer("Exit code.")),
});
export type ExitCodes = TypeOf<typeof exitCodes>;

const failureRule = object("What a failed pod of some sort means for the Job.", {
  action: string("FailJob, FailIndex, Ignore or Count."),
  onExitCodes: exitCodes,
  onPodConditions: list(
    "Conditions of the pod that are meant.",
    object("A condition of a pod.", {
      type: string("Its type."),
      status: fallback("True", string("Its status.")),
    }),
  ),
});
export type FailureRule = TypeOf<typeof failureRule>;

const successRule = object("When the Job has succeeded, although pods are left.", {
  succeededIndexes: kept(string("Indexes that must have succeeded, such as `1,3-5`.")),
  succeededCount: integer("How many of them must have succeeded."),
});
export type SuccessRule = TypeOf<typeof successRule>;

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/#JobSpec */
export const jobSpec = object("What the Job should do.", {
  parallelism: integer("How many pods may run at once.", { minimum: 0 }),
  completions: integer("How many pods must succeed; absent: one does for all.", { minimum: 0 }),
  activeDeadlineSeconds: long("Seconds after which the Job is failed, whatever it does.", {
    minimum: 0,
  }),
  podFailurePolicy: object("What failed pods mean.", {
    rules: list("The first that fits counts.", failureRule),
  }),
  successPolicy: object("When some indexes are enough.", {
    rules: list("Any of them is enough.", successRule),
  }),
  backoffLimit: integer("How many pods may fail before the Job does.", { minimum: 0 }),
  backoffLimitPerIndex: integer("How often one index may fail.", { minimum: 0 }),
  maxFailedIndexes: integer("How many indexes may fail before the Job does.", { minimum: 0 }),
  selector: labelSelector,
  manualSelector: boolean("Whether the selector is the client's, and not made up."),
  template: required(podTemplate),
  ttlSecondsAfterFinished: integer("Seconds after its end when the Job is deleted.", {
    minimum: 0,
  }),
  completionMode: string("NonIndexed, or Indexed: each pod has a number."),
  suspend: boolean("Whether it runs no pods for now."),
  podReplacementPolicy: string("When a pod is replaced: TerminatingOrFailed or Failed."),
  managedBy: kept(string("Controller that does the Job, if it is not the built-in one.")),
});
export type JobSpec = TypeOf<typeof jobSpec>;

const jobCondition = object("One aspect of the state of the Job.", {
  ...conditionFields("Complete, Failed, Suspended, FailureTarget or SuccessCriteriaMet."),
  lastProbeTime: time("When it was last looked at."),
});

export const jobStatus = object("How the Job is.", {
  conditions: patchedBy("type", list("Aspects of its state.", jobCondition)),
  startTime: time("When its controller began with it, or went on."),
  completionTime: time("When it was complete."),
  active: count("Pods that have not ended.", { minimum: 0 }),
  succeeded: count("Pods that succeeded.", { minimum: 0 }),
  failed: count("Pods that failed.", { minimum: 0 }),
  terminating: integer("Pods that are being deleted.", { minimum: 0 }),
  completedIndexes: string("Indexes that succeeded, such as `1,3-5`."),
  failedIndexes: kept(string("Indexes that failed for good.")),
  uncountedTerminatedPods: object("Ended pods that are not in the numbers yet.", {
    succeeded: set("Uids of pods that succeeded.", string("Uid.")),
    failed: set("Uids of pods that failed.", string("Uid.")),
  }),
  ready: integer("Pods that are ready.", { minimum: 0 }),
});
export type JobStatus = TypeOf<typeof jobStatus>;
