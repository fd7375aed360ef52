import {
  boolean,
  integer,
  object,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { ARGO_GROUP, ARGO_VERSION, argoColumns, argoReading } from "./custom_kind.ts";
import { barePodTemplate } from "./pod_templates.ts";
import { rolloutStatus } from "./rollout_status.ts";
import { bareSelector } from "./rollout_steps.ts";
import { rolloutStrategy } from "./rollout_strategies.ts";
import { rolloutWarnings } from "./unimplemented_fields.ts";

const workloadRef = object("The workload whose template is taken.", {
  apiVersion: string("Its group and version."),
  kind: string("Deployment, ReplicaSet or PodTemplate."),
  name: string("Its name."),
  scaleDown: string("When its own pods go: never, onsuccess or progressively."),
});
export type WorkloadRef = TypeOf<typeof workloadRef>;

/** The key of a workload in the index `workload`. */
export function workloadKeyOf(
  { apiVersion = "", kind = "", name = "" }: WorkloadRef,
  namespace: string,
): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}

const rolloutSpec = object("What the rollout should be.", {
  replicas: integer("How many pods there should be; 1 when absent."),
  selector: bareSelector,
  template: barePodTemplate,
  workloadRef,
  minReadySeconds: integer("Seconds that a pod must be ready before it counts as available."),
  strategy: rolloutStrategy,
  revisionHistoryLimit: integer("How many old ReplicaSets are kept; 10 when absent."),
  paused: boolean("Whether somebody has paused it."),
  progressDeadlineSeconds: integer("Seconds without progress after which it counts as failed."),
  progressDeadlineAbort: boolean("Whether it is aborted then."),
  restartAt: time("Pods from before this time are restarted."),
  analysis: object("How many ended analyses are kept.", {
    successfulRunHistoryLimit: integer("Successful ones; 5 when absent."),
    unsuccessfulRunHistoryLimit: integer("Others; 5 when absent."),
  }),
  rollbackWindow: object("Which old revisions come back without steps and analyses.", {
    revisions: integer("How many of the newest."),
  }),
});
export type RolloutSpec = TypeOf<typeof rolloutSpec>;

const rollout = object("Replaces pods by new ones, in steps that can be judged.", {
  spec: required(rolloutSpec),
  status: rolloutStatus,
});

const scale = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "HPAReplicas"],
  selector: ["status", "selector"],
};

/**
 * https://argo-rollouts.readthedocs.io/en/stable/features/specification/ (1.8.5). A Rollout is stored as it comes: its
 * controller says what is wrong with it. Where its workload is another one's, it has no template.
 */
export const rollouts = defineResource({
  group: ARGO_GROUP,
  version: ARGO_VERSION,
  kind: "Rollout",
  plural: "rollouts",
  shortNames: ["ro"],
  namespaced: true,
  needsVersion: true,
  schema: rollout,
  warnings: rolloutWarnings,
  scale,
  reading: argoReading(rollout, { scale, templates: [["spec", "template", "spec"]] }),
  indexes: {
    workload: ({ spec, metadata: { namespace } }) =>
      spec.workloadRef ? [workloadKeyOf(spec.workloadRef, namespace)] : [],
  },
  columns: argoColumns([
    {
      name: "Desired",
      type: "integer",
      description: "Number of desired pods",
      path: ".spec.replicas",
    },
    {
      name: "Current",
      type: "integer",
      description: "Total number of non-terminated pods targeted by this rollout",
      path: ".status.replicas",
    },
    {
      name: "Up-to-date",
      type: "integer",
      description:
        "Total number of non-terminated pods targeted by this rollout that have the desired template spec",
      path: ".status.updatedReplicas",
    },
    {
      name: "Available",
      type: "integer",
      description:
        "Total number of available pods (ready for at least minReadySeconds) targeted by this rollout",
      path: ".status.availableReplicas",
    },
  ]),
});

export type Rollout = ObjectOf<typeof rollouts>;
