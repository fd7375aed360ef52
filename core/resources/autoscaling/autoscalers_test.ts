import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { horizontalPodAutoscalers } from "./horizontal_pod_autoscalers.ts";

const [v1] = horizontalPodAutoscalers.servedVersions;
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const spec = { scaleTargetRef, maxReplicas: 5 };
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const queue = {
  type: "External",
  external: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue: "30" } },
};

Deno.test("an autoscaler gets the defaults of Kubernetes", () => {
  const { object, causes } = made(horizontalPodAutoscalers, {
    spec: { ...spec, behavior: { scaleDown: { selectPolicy: "Min", tolerance: "0.1" } } },
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(object.spec, {
    scaleTargetRef,
    minReplicas: 1,
    maxReplicas: 5,
    metrics: [cpu(80)],
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: "Max",
        policies: [
          { type: "Pods", value: 4, periodSeconds: 15 },
          { type: "Percent", value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: {
        selectPolicy: "Min",
        policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
      },
    },
  });
  assert.deepEqual(object.status, { desiredReplicas: 0 });
  assert.deepEqual(rowOf(horizontalPodAutoscalers, object), {
    Name: "web",
    Reference: "Deployment/web",
    Targets: "cpu: <unknown>/80%",
    MinPods: "1",
    MaxPods: 5,
    Replicas: 0,
    Age: "5m",
  });
});

for (
  const [name, change, causes] of [
    ["bounds that cannot be", { minReplicas: 0, maxReplicas: -1 }, [
      "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
      "spec.maxReplicas: Invalid value: -1: must be greater than 0",
      "spec.maxReplicas: Invalid value: -1: must be greater than or equal to `minReplicas`",
      "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
    ]],
    ["a target without a group", { scaleTargetRef: { kind: "Deployment", name: "a/b" } }, [
      "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
      'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
    ]],
    ["a metric of no type", { metrics: [{}] }, [
      "spec.metrics[0].type: Required value: must specify a metric source type",
      'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ]],
    ["a metric of two types", { metrics: [{ ...cpu(50), ...queue }] }, [
      "spec.metrics[0].resource: Forbidden: must populate the given metric source only",
    ]],
    ["a target that is none", {
      metrics: [{ type: "Pods", pods: { target: { type: "x", averageValue: "0" } } }],
    }, [
      "spec.metrics[0].pods.metric.name: Required value: must specify a metric name",
      'spec.metrics[0].pods.target.type: Invalid value: "x": must be either Utilization, Value, or AverageValue',
      'spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive',
    ]],
    ["a policy without limits", {
      behavior: { scaleUp: { selectPolicy: "No", policies: [{ type: "Pods" }] } },
    }, [
      'spec.behavior.scaleUp.selectPolicy: Unsupported value: "No": supported values: "Disabled", "Max", "Min"',
      "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
      "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero",
    ]],
    ["an amount that cannot be read", {
      metrics: [{
        type: "Pods",
        pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "x" } },
      }],
    }, [
      "spec.metrics[0].pods.target.averageValue: Invalid value: \"x\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ]],
  ] as const
) {
  Deno.test(`an autoscaler is refused for ${name}`, () => {
    const { causes: found } = made(horizontalPodAutoscalers, { spec: { ...spec, ...change } });
    assert.deepEqual(found, causes);
  });
}

Deno.test("v1 shows the processor in a field, and all else in annotations; nothing is lost on the way back", () => {
  const { object } = made(horizontalPodAutoscalers, {
    metadata: { annotations: { mine: "kept" } },
    spec: {
      ...spec,
      metrics: [queue, cpu(60)],
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    },
    status: {
      currentReplicas: 2,
      currentMetrics: [{
        type: "Resource",
        resource: { name: "cpu", current: { averageUtilization: 33, averageValue: "5m" } },
      }],
      conditions: [{ type: "AbleToScale", status: "True" }],
    },
  });
  const old = v1!.fromStored(object) as typeof object;
  assert.deepEqual(old.spec, {
    scaleTargetRef,
    minReplicas: 1,
    maxReplicas: 5,
    targetCPUUtilizationPercentage: 60,
  });
  assert.deepEqual(old.status, {
    currentReplicas: 2,
    desiredReplicas: 0,
    currentCPUUtilizationPercentage: 33,
  });
  assert.deepEqual(old.metadata.annotations, {
    mine: "kept",
    "autoscaling.alpha.kubernetes.io/metrics":
      '[{"type":"External","external":{"metricName":"queue","targetAverageValue":"30"}}]',
    "autoscaling.alpha.kubernetes.io/current-metrics":
      '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":33,"currentAverageValue":"5m"}}]',
    "autoscaling.alpha.kubernetes.io/behavior":
      '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15},{"Type":"Percent","Value":100,"PeriodSeconds":15}]},"ScaleDown":{"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}],"StabilizationWindowSeconds":60}}',
    "autoscaling.alpha.kubernetes.io/conditions": '[{"type":"AbleToScale","status":"True"}]',
  });
  assert.deepEqual(v1!.toStored(old), { ...object, apiVersion: "autoscaling/v2" });
});

Deno.test("annotations that say nothing sensible are passed over", () => {
  const annotations = {
    "autoscaling.alpha.kubernetes.io/metrics": '[{"type":{"a":1}}]',
    "autoscaling.alpha.kubernetes.io/behavior": "{",
    "autoscaling.alpha.kubernetes.io/conditions": '"x"',
  };
  const old = { metadata: { name: "web", annotations }, spec: { ...spec, minReplicas: 1 } };
  const stored = v1!.toStored(old) as { spec: object; metadata: object };
  assert.deepEqual(stored.metadata, { name: "web" });
  assert.deepEqual(stored.spec, { scaleTargetRef, minReplicas: 1, maxReplicas: 5 });
});

Deno.test("kubectl shows two measurements and how many more there are", () => {
  const { object } = made(horizontalPodAutoscalers, {
    spec: { ...spec, metrics: [queue, cpu(60), cpu(70)] },
    status: {
      currentMetrics: [{ type: "External", external: { current: { averageValue: "7" } } }],
    },
  });
  assert.equal(
    rowOf(horizontalPodAutoscalers, object)["Targets"],
    "7/30 (avg), cpu: <unknown>/60% + 1 more...",
  );
});
