import { labelSelector } from "../../schema/label_selector.ts";
import {
  atomic,
  count,
  fallback,
  integer,
  list,
  long,
  mergeList,
  object,
  present,
  quantity,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { conditionFields } from "../conditions.ts";

// Words and names are checked by rules (`autoscaler_rules.ts`), which have texts of their own for each.

export const targetReference = atomic(object("Names an object of some kind.", {
  kind: string("Kind of the object."),
  name: string("Name of the object."),
  apiVersion: string("Group and version of the kind."),
}));
export type TargetReference = TypeOf<typeof targetReference>;

const metric = present(object("Which measurement.", {
  name: string("Its name."),
  selector: labelSelector,
}));

const target = present(object("What it should be.", {
  type: string("Utilization, Value or AverageValue."),
  value: quantity("The value that is wanted."),
  averageValue: quantity("The value that is wanted per pod."),
  averageUtilization: integer("The share of what pods request that is wanted, in percent."),
}));
export type MetricTarget = TypeOf<typeof target>;

const current = present(object("What it is.", {
  value: quantity("The value."),
  averageValue: quantity("The value per pod."),
  averageUtilization: integer("The share of what pods request, in percent."),
}));

const resourceName = string("The amount that is measured, such as cpu.");
const container = string("The container that is measured.");

const metricSpec = object("A measurement by which the number of pods is chosen.", {
  type: string("Which of the other fields is set."),
  object: object("Of an object.", {
    describedObject: present(targetReference),
    target,
    metric,
  }),
  pods: object("Of all pods.", { metric, target }),
  resource: object("Of what all pods use.", { name: resourceName, target }),
  containerResource: object("Of what a container of all pods uses.", {
    name: resourceName,
    target,
    container,
  }),
  external: object("Of something outside of the cluster.", { metric, target }),
});
export type MetricSpec = TypeOf<typeof metricSpec>;

const metricStatus = object("A measurement as it was.", {
  type: string("Which of the other fields is set."),
  object: object("Of an object.", {
    metric,
    current,
    describedObject: present(targetReference),
  }),
  pods: object("Of all pods.", { metric, current }),
  resource: object("Of what all pods use.", { name: resourceName, current }),
  containerResource: object("Of what a container of all pods uses.", {
    name: resourceName,
    current,
    container,
  }),
  external: object("Of something outside of the cluster.", { metric, current }),
});
export type MetricStatus = TypeOf<typeof metricStatus>;

const scalingRules = object("How fast the number of pods may change.", {
  stabilizationWindowSeconds: integer("Seconds of the past that count when it changes."),
  selectPolicy: string("Which policy counts: Max, Min or Disabled."),
  policies: list(
    "How much it may change in which time.",
    object("A policy.", {
      type: string("Pods or Percent."),
      value: fallback(0, integer("How many of them.")),
      periodSeconds: fallback(0, integer("Seconds in which it may change so much.")),
    }),
  ),
  tolerance: quantity("Differences up to this share are left alone."),
});
export type ScalingRules = TypeOf<typeof scalingRules>;

export const autoscalerSpec = object("What is scaled, and by what.", {
  scaleTargetRef: present(targetReference),
  minReplicas: fallback(1, integer("How many pods there are at least.")),
  maxReplicas: fallback(0, integer("How many pods there are at most.")),
  metrics: list("Measurements; the one that asks for most pods counts.", metricSpec),
  behavior: object("How fast the number of pods may change.", {
    scaleUp: scalingRules,
    scaleDown: scalingRules,
  }),
});
export type AutoscalerSpec = TypeOf<typeof autoscalerSpec>;

const condition = object(
  "One aspect of the state of the autoscaler.",
  conditionFields("AbleToScale, ScalingActive or ScalingLimited."),
);

const counters = {
  observedGeneration: long("Generation that the controller has seen."),
  lastScaleTime: time("When it last changed the number of pods."),
  currentReplicas: count("How many pods there are.", { minimum: 0 }),
  desiredReplicas: fallback(0, integer("How many pods it wants.", { minimum: 0 })),
};

export const autoscalerStatus = object("How the autoscaler is.", {
  ...counters,
  currentMetrics: list("Measurements as they were last.", metricStatus),
  conditions: mergeList("Aspects of its state.", ["type"], condition),
});
export type AutoscalerStatus = TypeOf<typeof autoscalerStatus>;

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v1/ */
export const autoscalerV1 = object("Scales by the use of the processor.", {
  spec: present(object("What is scaled.", {
    scaleTargetRef: present(targetReference),
    minReplicas: fallback(1, integer("How many pods there are at least.")),
    maxReplicas: fallback(0, integer("How many pods there are at most.")),
    targetCPUUtilizationPercentage: integer(
      "The share of what pods request of the processor that is wanted, in percent.",
    ),
  })),
  status: present(object("How the autoscaler is.", {
    ...counters,
    currentCPUUtilizationPercentage: integer("The share that pods use, in percent."),
  })),
});
export type AutoscalerV1 = TypeOf<typeof autoscalerV1>;
