import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import type { MetricSpec, MetricStatus } from "./autoscaler_shape.ts";

/**
 * Measurements as autoscaling/v1 has them in annotations, and as autoscaling/v2 has them in fields. What is read from an
 * annotation may have any shape: whoever uses the result checks it.
 *
 * After k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go.
 */

export function metricToV1(
  { type, object, pods, resource, containerResource, external }: MetricSpec,
): JsonObject {
  return set({
    type,
    object: object && set({
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    }),
    pods: pods && set({
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? "0",
      selector: pods.metric.selector,
    }),
    resource: resource && usageToV1(resource),
    containerResource: containerResource &&
      { ...usageToV1(containerResource), container: containerResource.container },
    external: external && set({
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    }),
  });
}

function usageToV1({ name, target }: NonNullable<MetricSpec["resource"]>): JsonObject {
  return set({
    name,
    targetAverageUtilization: target.averageUtilization,
    targetAverageValue: target.averageValue,
  });
}

export function metricFromV1(old: unknown): unknown {
  if (!isJsonObject(old)) return old;
  const { type } = old;
  const [object, pods, resource, container, external] = sourcesOf(old);
  return set({
    type,
    object: object && {
      describedObject: object["target"],
      metric: named(object, "selector"),
      target: set({
        type: object["averageValue"] === undefined ? "Value" : "AverageValue",
        value: object["targetValue"],
        averageValue: object["averageValue"],
      }),
    },
    pods: pods && {
      metric: named(pods, "selector"),
      target: { type: "AverageValue", averageValue: pods["targetAverageValue"] },
    },
    resource: resource && usageFromV1(resource),
    containerResource: container &&
      { ...usageFromV1(container), container: container["container"] },
    external: external && {
      metric: named(external, "metricSelector"),
      target: set({
        type: external["targetValue"] === undefined ? "AverageValue" : "Value",
        value: external["targetValue"],
        averageValue: external["targetAverageValue"],
      }),
    },
  });
}

function usageFromV1(old: JsonObject): JsonObject {
  const { name, targetAverageUtilization: averageUtilization, targetAverageValue } = old;
  const type = averageUtilization === undefined ? "AverageValue" : "Utilization";
  return { name, target: set({ type, averageUtilization, averageValue: targetAverageValue }) };
}

export function statusToV1(
  { type, object, pods, resource, containerResource, external }: MetricStatus,
): JsonObject {
  return set({
    type,
    object: object && set({
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    }),
    pods: pods && set({
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? "0",
      selector: pods.metric.selector,
    }),
    resource: resource && usedToV1(resource),
    containerResource: containerResource &&
      { ...usedToV1(containerResource), container: containerResource.container },
    external: external && set({
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? "0",
      currentAverageValue: external.current.averageValue,
    }),
  });
}

function usedToV1({ name, current }: NonNullable<MetricStatus["resource"]>): JsonObject {
  return set({
    name,
    currentAverageUtilization: current.averageUtilization,
    currentAverageValue: current.averageValue ?? "0",
  });
}

export function statusFromV1(old: unknown): unknown {
  if (!isJsonObject(old)) return old;
  const { type } = old;
  const [object, pods, resource, container, external] = sourcesOf(old);
  const used = (source: JsonObject) => ({
    name: source["name"],
    current: set({
      averageValue: source["currentAverageValue"],
      averageUtilization: source["currentAverageUtilization"],
    }),
  });
  return set({
    type,
    object: object && {
      describedObject: object["target"],
      metric: named(object, "selector"),
      current: set({ value: object["currentValue"], averageValue: object["averageValue"] }),
    },
    pods: pods && {
      metric: named(pods, "selector"),
      current: { averageValue: pods["currentAverageValue"] },
    },
    resource: resource && used(resource),
    containerResource: container && { ...used(container), container: container["container"] },
    external: external && {
      metric: named(external, "metricSelector"),
      current: set({
        value: external["currentValue"],
        averageValue: external["currentAverageValue"],
      }),
    },
  });
}

function sourcesOf(old: JsonObject): (JsonObject | undefined)[] {
  return ["object", "pods", "resource", "containerResource", "external"].map((name) => {
    const source = old[name];
    return isJsonObject(source) ? source : undefined;
  });
}

function named(source: JsonObject, selector: string): JsonObject {
  return set({ name: source["metricName"], selector: source[selector] });
}

function set(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
