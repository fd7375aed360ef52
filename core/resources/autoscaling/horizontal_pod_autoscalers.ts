import { object, present } from "../../schema/schema.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { type Column, defineResource, type ObjectOf, wholeObject } from "../resource.ts";
import {
  type Autoscaler,
  CPU_UTILIZATION_DEFAULT,
  cpuMetric,
  fromV1,
  toV1,
} from "./autoscaler_conversion.ts";
import { autoscalerCauses } from "./autoscaler_rules.ts";
import {
  type AutoscalerSpec,
  autoscalerSpec,
  autoscalerStatus,
  autoscalerV1,
  type ScalingRules,
} from "./autoscaler_shape.ts";
import { metricsText } from "./metrics_text.ts";

const columns: readonly Column<Autoscaler>[] = [
  nameColumn,
  {
    name: "Reference",
    description: "What is scaled.",
    value: ({ spec: { scaleTargetRef: { kind = "", name = "" } } }) => `${kind}/${name}`,
  },
  {
    name: "Targets",
    description: "Measurements as they are, and as they should be.",
    value: ({ spec, status }) => metricsText(spec.metrics ?? [], status.currentMetrics ?? []),
  },
  {
    name: "MinPods",
    description: "How many pods there are at least.",
    value: ({ spec }) => String(spec.minReplicas),
  },
  {
    name: "MaxPods",
    description: "How many pods there are at most.",
    value: ({ spec }) => spec.maxReplicas,
  },
  {
    name: "Replicas",
    description: "How many pods there are.",
    value: ({ status }) => status.currentReplicas ?? 0,
  },
  ageColumn,
];

/** https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ */
export const horizontalPodAutoscalers = defineResource({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  namespaced: true,
  generation: "none",
  schema: object("Chooses the number of pods of something by measurements.", {
    spec: present(autoscalerSpec),
    status: present(autoscalerStatus),
  }),
  columns,
  servedVersions: [{
    group: "autoscaling",
    version: "v1",
    schema: wholeObject(autoscalerV1),
    fromStored: toV1,
    toStored: fromV1,
  }],
  prepare: (next, previous) =>
    next.spec === previous?.spec ? next : { ...next, spec: withDefaults(next.spec) },
  validate: ({ spec }, previous) => autoscalerCauses(spec, previous?.spec),
});

export type HorizontalPodAutoscaler = ObjectOf<typeof horizontalPodAutoscalers>;

const UP: ScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const DOWN: ScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

/**
 * After k8s.io/kubernetes/pkg/apis/autoscaling/v2/defaults.go. `tolerance` is behind a feature gate that is off in
 * Kubernetes 1.34, and dropped as there.
 */
function withDefaults(spec: AutoscalerSpec): AutoscalerSpec {
  const { behavior } = spec;
  const filled = (rules: ScalingRules | undefined, defaults: ScalingRules) => {
    const { tolerance: _, ...given } = rules ?? {};
    return { ...defaults, ...given };
  };
  return {
    ...spec,
    metrics: spec.metrics ?? [cpuMetric(CPU_UTILIZATION_DEFAULT)],
    ...(behavior && {
      behavior: {
        scaleUp: filled(behavior.scaleUp, UP),
        scaleDown: filled(behavior.scaleDown, DOWN),
      },
    }),
  };
}
