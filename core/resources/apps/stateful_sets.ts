import { labelNameFaults } from "../../schema/names.ts";
import { object, present, required } from "../../schema/schema.ts";
import { ageColumn, containerColumns, nameColumn } from "../columns.ts";
import { templateWarnings } from "../core/pods/template_rules.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { statefulSetCauses, statusCauses } from "./stateful_set_rules.ts";
import { statefulSetSpec, statefulSetStatus, type UpdateStrategy } from "./stateful_set_shape.ts";
import { withWorkloadPrepared } from "./workload_rules.ts";

/** https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/ */
export const statefulSets = defineResource({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  nameFaults: labelNameFaults,
  schema: object("Keeps pods of one template running, each with a name and volumes of its own.", {
    spec: required(statefulSetSpec),
    status: present(statefulSetStatus),
  }),
  scale: {
    specReplicas: ["spec", "replicas"],
    statusReplicas: ["status", "replicas"],
    selector: ["spec", "selector"],
  },
  columns: [
    nameColumn,
    {
      name: "Ready",
      description: "Pods that are ready, and how many there should be.",
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
    },
    ageColumn,
    ...containerColumns,
  ],
  prepare: (next, previous) => {
    if (next.spec === previous?.spec) return next;
    const spec = withWorkloadPrepared(next.spec);
    return { ...next, spec: { ...spec, updateStrategy: withPartition(spec.updateStrategy) } };
  },
  validate: ({ spec }, previous) => statefulSetCauses(spec, previous?.spec),
  validateStatus: ({ status }, previous) => statusCauses(status, previous.status),
  warnings: ({ spec }, previous) =>
    templateWarnings(spec.template, previous?.spec.template, "spec.template"),
});

export type StatefulSet = ObjectOf<typeof statefulSets>;

/** After `SetDefaults_StatefulSet` in k8s.io/kubernetes/pkg/apis/apps/v1/defaults.go. */
function withPartition({ type, rollingUpdate }: UpdateStrategy): UpdateStrategy {
  const bounds = type === undefined ? rollingUpdate ?? {} : rollingUpdate;
  const filled = type ?? "RollingUpdate";
  if (filled !== "RollingUpdate" || bounds === undefined) {
    return { type: filled, ...(bounds && { rollingUpdate: bounds }) };
  }
  return { type: filled, rollingUpdate: { partition: 0, ...bounds } };
}
