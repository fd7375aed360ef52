import { type Cause, forbidden, invalid } from "../../schema/causes.ts";
import { ageColumn, nameColumn, templateColumns } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import { podTemplate } from "../core/pods/spec/pod_spec.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  allowingDuplicates,
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
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { atMostAllCauses, shareCauses, shareOf } from "../../schema/shares.ts";
import { nameWarnings, templateWarnings } from "../core/pods/template_rules.ts";
import { selectorChangeCauses, withWorkloadPrepared, workloadCauses } from "./workload_rules.ts";

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
  ...conditionFields("What it is about: Available, Progressing or ReplicaFailure."),
  lastUpdateTime: time("When it was last written."),
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
  conditions: allowingDuplicates(mergeList("Aspects of its state.", ["type"], deploymentCondition)),
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
  generation: "content and annotations", // they go on to its ReplicaSets
  schema: object("Keeps pods of one template running, and replaces them when it changes.", {
    spec: required(deploymentSpec),
    status: present(deploymentStatus),
  }),
  columns: [
    nameColumn,
    {
      name: "Ready",
      description: "Pods that are ready, and how many there should be.",
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
    },
    {
      name: "Up-to-date",
      description: "How many pods have the wanted template.",
      type: "integer",
      value: ({ status }) => status.updatedReplicas ?? 0,
    },
    {
      name: "Available",
      description: "How many pods have been ready for long enough.",
      type: "integer",
      value: ({ status }) => status.availableReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns,
  ],
  prepare: (next, previous) => {
    if (next.spec === previous?.spec) return next;
    const spec = withWorkloadPrepared(next.spec);
    return { ...next, spec: { ...spec, strategy: withBounds(spec.strategy) } };
  },
  validate: (next, previous) => [
    ...workloadCauses(next.spec, previous?.spec, "Deployment", "ReplicaSet"),
    ...strategyCauses(next.spec.strategy),
    ...deadlineCauses(next.spec),
    ...(previous ? selectorChangeCauses(next.spec, previous.spec) : []),
  ],
  warnings: (next, previous) => [
    ...nameWarnings(next, previous),
    ...templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  ],
  scale: {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    selector: ["spec", "selector"],
  },
});

export type Deployment = ObjectOf<typeof deployments>;

type Strategy = DeploymentSpec["strategy"];

function withBounds(strategy: Strategy): Strategy {
  if (strategy.type !== "RollingUpdate") return strategy;
  const rollingUpdate = { maxUnavailable: "25%", maxSurge: "25%", ...strategy.rollingUpdate };
  return { ...strategy, rollingUpdate };
}

function strategyCauses({ type, rollingUpdate }: Strategy): Cause[] {
  const field = "spec.strategy.rollingUpdate";
  if (type === "Recreate") {
    const rule = "may not be specified when strategy `type` is 'Recreate'";
    return rollingUpdate ? [forbidden(field, rule)] : [];
  }
  const { maxUnavailable = "25%", maxSurge = "25%" } = rollingUpdate ?? {};
  const causes = [
    ...shareCauses(`${field}.maxUnavailable`, maxUnavailable),
    ...shareCauses(`${field}.maxSurge`, maxSurge),
  ];
  if (shareOf(maxUnavailable) === 0 && shareOf(maxSurge) === 0) {
    const rule = "may not be 0 when `maxSurge` is 0";
    causes.push(invalid(`${field}.maxUnavailable`, maxUnavailable, rule));
  }
  causes.push(...atMostAllCauses(`${field}.maxUnavailable`, maxUnavailable));
  return causes;
}

function deadlineCauses({ progressDeadlineSeconds, minReadySeconds = 0 }: DeploymentSpec): Cause[] {
  return progressDeadlineSeconds > minReadySeconds ? [] : [
    invalid(
      "spec.progressDeadlineSeconds",
      progressDeadlineSeconds,
      "must be greater than minReadySeconds",
    ),
  ];
}
