import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { ownField } from "../../lib/own_field.ts";
import { check } from "../../schema/check.ts";
import type { NamespacedObject } from "../resource.ts";
import {
  type AutoscalerSpec,
  autoscalerSpec,
  type AutoscalerStatus,
  autoscalerStatus,
  type AutoscalerV1,
  type MetricSpec,
} from "./autoscaler_shape.ts";
import { metricFromV1, metricToV1, statusFromV1, statusToV1 } from "./metric_conversion.ts";

export type Autoscaler = NamespacedObject & { spec: AutoscalerSpec; status: AutoscalerStatus };
type Old = NamespacedObject & AutoscalerV1;

/** What v1 has no field for is in annotations: k8s.io/kubernetes/pkg/apis/autoscaling/annotations.go. */
const PREFIX = "autoscaling.alpha.kubernetes.io/";
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
const OWN = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

export const CPU_UTILIZATION_DEFAULT = 80;

/** A measurement of the processor, which is all that v1 knows. */
export function cpuMetric(averageUtilization: number): MetricSpec {
  const target = { type: "Utilization", averageUtilization };
  return { type: "Resource", resource: { name: "cpu", target } };
}

function isCpuMetric({ type, resource }: MetricSpec): boolean {
  return type === "Resource" && resource?.name === "cpu" &&
    resource.target.averageUtilization !== undefined;
}

export function toV1({ spec, status, ...rest }: Autoscaler): Old {
  const { scaleTargetRef, minReplicas, maxReplicas, metrics = [], behavior } = spec;
  const { currentMetrics = [], conditions = [], ...numbers } = status;
  const wanted = metrics.find(isCpuMetric)?.resource?.target.averageUtilization;
  const current = currentMetrics.findLast(({ type, resource }) =>
    type === "Resource" && resource?.name === "cpu" &&
    resource.current.averageUtilization !== undefined
  )?.resource?.current.averageUtilization;
  const others = metrics.filter((metric) => !isCpuMetric(metric)).map(metricToV1);
  const annotations = {
    ...withoutOwn(rest.metadata.annotations),
    ...(others.length > 0 && { [METRICS]: JSON.stringify(others) }),
    ...(currentMetrics.length > 0 &&
      { [CURRENT_METRICS]: JSON.stringify(currentMetrics.map(statusToV1)) }),
    ...(behavior && { [BEHAVIOR]: JSON.stringify(renamed(behavior, upper)) }),
    ...(conditions.length > 0 && { [CONDITIONS]: JSON.stringify(conditions) }),
  };
  return {
    ...rest,
    apiVersion: "autoscaling/v1",
    metadata: withAnnotations(rest.metadata, annotations),
    spec: {
      scaleTargetRef,
      minReplicas,
      maxReplicas,
      ...(wanted !== undefined && { targetCPUUtilizationPercentage: wanted }),
    },
    status: {
      ...numbers,
      ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  };
}

/** Annotations that cannot be read are passed over, as in Kubernetes. */
export function fromV1(served: unknown): Autoscaler {
  const { spec, status, ...rest } = served as Old; // its shape was checked
  const { annotations = {} } = rest.metadata;
  const { targetCPUUtilizationPercentage: wanted, ...kept } = spec ?? {};
  const { currentCPUUtilizationPercentage: current, ...numbers } = status ?? {};
  const metrics = [
    ...listIn(annotations, METRICS).map(metricFromV1),
    ...(wanted === undefined ? [] : [cpuMetric(wanted)]),
  ];
  const currentMetrics = Object.hasOwn(annotations, CURRENT_METRICS)
    ? listIn(annotations, CURRENT_METRICS).map(statusFromV1)
    : current === undefined
    ? []
    : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: current } } }];
  const behavior = valueIn(annotations, BEHAVIOR);
  const conditions = listIn(annotations, CONDITIONS);
  return {
    ...rest,
    apiVersion: "autoscaling/v2",
    metadata: withAnnotations(rest.metadata, withoutOwn(annotations)),
    spec: shaped(autoscalerSpec, kept, {
      metrics: metrics.length > 0 ? metrics : [cpuMetric(CPU_UTILIZATION_DEFAULT)],
      ...(isJsonObject(behavior) && { behavior: renamed(behavior, lower) }),
    }),
    status: shaped(autoscalerStatus, numbers, {
      ...(currentMetrics.length > 0 && { currentMetrics }),
      ...(conditions.length > 0 && { conditions }),
    }),
  };
}

/** What annotations add has a shape to be checked too: parts that do not fit are left out. */
function shaped<T>(schema: Parameters<typeof check<T>>[0], base: object, more: JsonObject): T {
  const added = Object.entries(more).filter(([name, value]) => {
    const probe = structuredClone({ ...base, [name]: value });
    return check(schema, probe).causes.length === 0;
  });
  const all = structuredClone({ ...base, ...Object.fromEntries(added) });
  return check(schema, all).value;
}

function withoutOwn(annotations: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !OWN.includes(key)));
}

function withAnnotations<M extends NamespacedObject["metadata"]>(
  metadata: M,
  annotations: Record<string, string>,
): M {
  const { annotations: _, ...rest } = metadata;
  return (Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest) as M;
}

function listIn(annotations: Record<string, string>, key: string): unknown[] {
  const value = valueIn(annotations, key);
  return Array.isArray(value) ? value : [];
}

function valueIn(annotations: Record<string, string>, key: string): unknown {
  try {
    return JSON.parse(ownField(annotations, key) ?? "null");
  } catch {
    return undefined; // written by somebody else
  }
}

/** The behavior is written with Go's names of its fields: `{"ScaleUp": {"Policies": […]}}`. */
function renamed(value: unknown, rename: (name: string) => string, depth = 0): unknown {
  if (depth > BEHAVIOR_DEPTH_MAX) return undefined;
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, depth + 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [rename(name), renamed(inner, rename, depth + 1)]),
  );
}
const BEHAVIOR_DEPTH_MAX = 8;

function upper(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function lower(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
