import { type Cause, duplicate, invalid } from "../../schema/causes.ts";
import { labelNameFaults, labelValueFaults, qualifiedNameFaults } from "../../schema/names.ts";
import { atomic, mapOf, object, quantity, string, type TypeOf } from "../../schema/schema.ts";
import { immutableCauses, nameCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { nodeLabelDeprecation } from "../core/nodes/deprecated_labels.ts";
import { capacityCauses } from "../core/pods/spec/rules/capacity_rules.ts";
import { tolerationCauses } from "../core/pods/spec/rules/pod_rules.ts";
import { type Toleration, tolerations } from "../core/pods/spec/scheduling.ts";
import { defineResource, type ObjectOf } from "../resource.ts";

const scheduling = object("Where pods of the class can run; added to what they say themselves.", {
  nodeSelector: atomic(mapOf("Labels that their nodes must have.", string("Value."))),
  tolerations,
});

const runtimeClass = object("A way to run the containers of pods.", {
  handler: string("Name by which the node knows what runs them."),
  overhead: object("What a pod of the class needs beside its containers.", {
    podFixed: mapOf("Amounts that every pod needs.", quantity("Amount.")),
  }),
  scheduling,
});
type Shape = TypeOf<typeof runtimeClass>;

/** https://kubernetes.io/docs/concepts/containers/runtime-class/ */
export const runtimeClasses = defineResource({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
  needsVersion: true,
  schema: runtimeClass,
  columns: [
    nameColumn,
    {
      name: "Handler",
      description: "Name by which the node knows what runs the containers.",
      value: ({ handler }) => handler,
    },
    ageColumn,
  ],
  validate: (next, previous) => [
    ...runtimeClassCauses(next),
    ...(previous ? immutableCauses("handler", next.handler, previous.handler) : []),
  ],
  warnings: ({ scheduling }) =>
    Object.keys(scheduling?.nodeSelector ?? {}).flatMap((label) => {
      const deprecation = nodeLabelDeprecation(label);
      return deprecation === undefined ? [] : [`scheduling.nodeSelector: ${deprecation}`];
    }),
});

export type RuntimeClass = ObjectOf<typeof runtimeClasses>;

function runtimeClassCauses({ handler = "", overhead, scheduling }: Shape): Cause[] {
  return [
    ...labelNameFaults(handler).map((fault) => invalid("handler", handler, fault)),
    ...(overhead ? capacityCauses({ limits: overhead.podFixed ?? {} }, "overhead") : []),
    ...Object.entries(scheduling?.nodeSelector ?? {}).flatMap(([key, value]) => [
      ...nameCauses("scheduling.nodeSelector", key, qualifiedNameFaults),
      ...nameCauses("scheduling.nodeSelector", value, labelValueFaults),
    ]),
    ...tolerationCauses(scheduling?.tolerations ?? [], "scheduling.tolerations.tolerations"),
    ...duplicateTolerations(scheduling?.tolerations ?? [], "scheduling.tolerations"),
  ];
}

function duplicateTolerations(tolerations: readonly Toleration[], field: string): Cause[] {
  const seen = new Set<string>();
  return tolerations.flatMap((toleration, i) => {
    const { key = "", operator = "", value = "", effect = "" } = toleration;
    const identity = JSON.stringify([key, operator, value, effect]);
    if (seen.has(identity)) return [duplicate(`${field}[${i}]`, toleration)];
    seen.add(identity);
    return [];
  });
}
