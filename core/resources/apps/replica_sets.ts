import { ageColumn, nameColumn, templateColumns } from "../columns.ts";
import { conditionFields } from "../conditions.ts";
import { labelSelector } from "../../schema/label_selector.ts";
import { podTemplate } from "../core/pods/spec/pod_spec.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import {
  allowingDuplicates,
  count,
  fallback,
  integer,
  mergeList,
  object,
  present,
  required,
  type TypeOf,
} from "../../schema/schema.ts";
import { nameWarnings, templateWarnings } from "../core/pods/template_rules.ts";
import { selectorChangeCauses, withWorkloadPrepared, workloadCauses } from "./workload_rules.ts";

const replicaSetSpec = object("What the ReplicaSet should be.", {
  replicas: fallback(1, integer("How many pods there should be.", { minimum: 0 })),
  minReadySeconds: count("Seconds that a pod must be ready before it counts as available.", {
    minimum: 0,
  }),
  selector: required(labelSelector),
  template: required(podTemplate),
});

const replicaSetCondition = object(
  "One aspect of the state of the ReplicaSet.",
  conditionFields("What it is about: ReplicaFailure."),
);
export type ReplicaSetCondition = TypeOf<typeof replicaSetCondition>;

const replicaSetStatus = object("How the ReplicaSet is.", {
  replicas: fallback(0, integer("How many pods there are.")),
  fullyLabeledReplicas: count("How many of them have all labels of the template."),
  readyReplicas: count("How many of them are ready."),
  availableReplicas: count("How many of them have been ready for long enough."),
  terminatingReplicas: integer("How many further pods are ending."),
  observedGeneration: count("Generation that the controller has seen.", { format: "int64" }),
  conditions: allowingDuplicates(mergeList("Aspects of its state.", ["type"], replicaSetCondition)),
});
export type ReplicaSetStatus = TypeOf<typeof replicaSetStatus>;

/** https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/ */
export const replicaSets = defineResource({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  schema: object("Keeps a number of pods of one template running.", {
    spec: required(replicaSetSpec),
    status: present(replicaSetStatus),
  }),
  scale: {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    selector: ["spec", "selector"],
  },
  columns: [
    nameColumn,
    {
      name: "Desired",
      description: "How many pods there should be.",
      type: "integer",
      value: ({ spec }) => spec.replicas,
    },
    {
      name: "Current",
      description: "How many pods there are.",
      type: "integer",
      value: ({ status }) => status.replicas,
    },
    {
      name: "Ready",
      description: "How many of them are ready.",
      type: "integer",
      value: ({ status }) => status.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns,
  ],
  fields: { "status.replicas": (replicaSet) => String(replicaSet.status.replicas) },
  prepare: (next, previous) =>
    next.spec === previous?.spec ? next : { ...next, spec: withWorkloadPrepared(next.spec) },
  validate: (next, previous) => {
    const causes = workloadCauses(next.spec, previous?.spec, "ReplicaSet");
    return previous ? [...causes, ...selectorChangeCauses(next.spec, previous.spec)] : causes;
  },
  warnings: (next, previous) => [
    ...nameWarnings(next, previous),
    ...templateWarnings(next.spec.template, previous?.spec.template, "spec.template"),
  ],
});

export type ReplicaSet = ObjectOf<typeof replicaSets>;
