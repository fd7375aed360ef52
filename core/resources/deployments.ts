import { conditionStatus } from "./conditions.ts";
import { labelSelector } from "./label_selector.ts";
import { podTemplate } from "./pod_spec/pod_spec.ts";
import { defineResource, type ObjectOf } from "./resource.ts";
import {
  count,
  fallback,
  flag,
  integer,
  intOrString,
  mergeList,
  object,
  oneOf,
  present,
  required,
  retainKeys,
  string,
  time,
  type TypeOf,
  withTwins,
} from "./schema.ts";

const strategy = object("How old pods are replaced by new ones.", {
  type: fallback(
    "RollingUpdate",
    oneOf("All at once, or bit by bit.", ["Recreate", "RollingUpdate"]),
  ),
  rollingUpdate: object("How many pods at a time.", {
    maxUnavailable: intOrString("How many may be missing, as a number or in percent."),
    maxSurge: intOrString("How many may be there beyond the wanted, as a number or in percent."),
  }),
});

const deploymentSpec = object("What the deployment should be.", {
  replicas: fallback(1, integer("How many pods there should be.", { minimum: 0 })),
  selector: required(labelSelector),
  template: required(podTemplate),
  strategy: present(retainKeys(strategy)),
  minReadySeconds: count("Seconds that a pod must be ready before it counts as available.", {
    minimum: 0,
  }),
  revisionHistoryLimit: fallback(10, integer("How many old ReplicaSets are kept.", { minimum: 0 })),
  paused: flag("Whether changes of the template wait."),
  progressDeadlineSeconds: fallback(
    600,
    integer("Seconds without progress after which a rollout counts as failed.", { minimum: 0 }),
  ),
});
export type DeploymentSpec = TypeOf<typeof deploymentSpec>;

const deploymentCondition = object("One aspect of the state of the deployment.", {
  type: required(string("What it is about: Available, Progressing or ReplicaFailure.")),
  status: required(conditionStatus),
  lastUpdateTime: time("When it was last written."),
  lastTransitionTime: time("When the status last changed."),
  reason: string("One word, in CamelCase, for machines."),
  message: string("A sentence for people."),
});
export type DeploymentCondition = TypeOf<typeof deploymentCondition>;

const deploymentStatus = object("How the deployment is.", {
  observedGeneration: count("Generation that the controller has seen.", { format: "int64" }),
  replicas: count("How many pods there are."),
  updatedReplicas: count("How many of them have the wanted template."),
  readyReplicas: count("How many of them are ready."),
  availableReplicas: count("How many of them have been ready for long enough."),
  unavailableReplicas: count("How many available pods are missing."),
  terminatingReplicas: integer("How many further pods are ending."),
  conditions: withTwins(mergeList("Aspects of its state.", ["type"], deploymentCondition)),
  collisionCount: integer("How often the hash of a template had to be made anew."),
});
export type DeploymentStatus = TypeOf<typeof deploymentStatus>;

/** https://kubernetes.io/docs/concepts/workloads/controllers/deployment/ */
export const deployments = defineResource({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  schema: object("Keeps pods of one template running, and replaces them when it changes.", {
    spec: required(deploymentSpec),
    status: present(deploymentStatus),
  }),
  scale: {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    selector: ["spec", "selector"],
  },
});

export type Deployment = ObjectOf<typeof deployments>;
