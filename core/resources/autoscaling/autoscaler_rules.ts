import { isEqual } from "../../lib/equality.ts";
import { type Cause, forbidden, invalid, missing, notSupported } from "../../schema/causes.ts";
import { labelNameFaults, pathSegmentFaults } from "../../schema/names.ts";
import { compareQuantities, quantityFault } from "../../schema/quantities.ts";
import { nameCauses } from "../../schema/value_rules.ts";
import type {
  AutoscalerSpec,
  MetricSpec,
  MetricTarget,
  ScalingRules,
  TargetReference,
} from "./autoscaler_shape.ts";

// The rules and the words of k8s.io/kubernetes/pkg/apis/autoscaling/validation.

const WINDOW_SECONDS_MAX = 3600;
const PERIOD_SECONDS_MAX = 1800;

export function autoscalerCauses(
  next: AutoscalerSpec,
  previous: AutoscalerSpec | undefined,
): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  const { scaleTargetRef: target, minReplicas, maxReplicas, metrics = [], behavior = {} } = next;
  const least = previous?.minReplicas === 0 ? 0 : 1;
  const causes: Cause[] = [];
  if (minReplicas < least) {
    const rule = `must be greater than or equal to ${least}`;
    causes.push(invalid("spec.minReplicas", minReplicas, rule));
  }
  if (maxReplicas < 1) {
    causes.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  }
  if (maxReplicas < minReplicas) {
    const rule = "must be greater than or equal to `minReplicas`";
    causes.push(invalid("spec.maxReplicas", maxReplicas, rule));
  }
  const before = previous?.scaleTargetRef;
  const isSameKind = before?.apiVersion === target.apiVersion && before?.kind === target.kind;
  causes.push(...referenceCauses(target, "spec.scaleTargetRef", {
    allowsAnyVersion: previous !== undefined && isSameKind,
    allowsCoreGroup: target.kind === "ReplicationController",
  }));
  const objects = { allowsAnyVersion: hasBadObject(previous), allowsCoreGroup: true };
  for (const [i, metric] of metrics.entries()) {
    causes.push(...metricCauses(metric, `spec.metrics[${i}]`, objects));
  }
  const mayBeNone = metrics.some(({ type }) => type === "Object" || type === "External");
  if (minReplicas === 0 && !mayBeNone) {
    const rule =
      "must specify at least one Object or External metric to support scaling to zero replicas";
    causes.push(forbidden("spec.metrics", rule));
  }
  return [
    ...causes,
    ...scalingCauses(behavior.scaleUp, "spec.behavior.scaleUp"),
    ...scalingCauses(behavior.scaleDown, "spec.behavior.scaleDown"),
  ];
}

interface ReferenceRules {
  allowsAnyVersion: boolean;
  allowsCoreGroup: boolean;
}

function hasBadObject(previous: AutoscalerSpec | undefined): boolean {
  return (previous?.metrics ?? []).some(({ object }) =>
    object && versionFault(object.describedObject.apiVersion, true) !== undefined
  );
}

function referenceCauses(
  { kind, name, apiVersion = "" }: TargetReference,
  field: string,
  { allowsAnyVersion, allowsCoreGroup }: ReferenceRules,
): Cause[] {
  const fault = allowsAnyVersion ? undefined : versionFault(apiVersion, allowsCoreGroup);
  return [
    ...(kind ? nameCauses(`${field}.kind`, kind, pathSegmentFaults) : [missing(`${field}.kind`)]),
    ...(name ? nameCauses(`${field}.name`, name, pathSegmentFaults) : [missing(`${field}.name`)]),
    ...(fault === undefined ? [] : [invalid(`${field}.apiVersion`, apiVersion, fault)]),
  ];
}

function versionFault(apiVersion = "", allowsCoreGroup: boolean): string | undefined {
  const parts = apiVersion.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
  const group = parts.length === 2 ? parts[0] : "";
  return group || allowsCoreGroup ? undefined : "apiVersion must specify API group";
}

const METRIC_TYPES: Readonly<Record<string, Exclude<keyof MetricSpec, "type">>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};
/** In the order in which Kubernetes looks at them. */
const SOURCES = ["object", "external", "pods", "resource", "containerResource"] as const;

function metricCauses(metric: MetricSpec, field: string, objects: ReferenceRules): Cause[] {
  const { type = "" } = metric;
  const expected = Object.hasOwn(METRIC_TYPES, type) ? METRIC_TYPES[type] : undefined;
  const causes: Cause[] = [];
  if (type === "") causes.push(missing(`${field}.type`, "must specify a metric source type"));
  if (expected === undefined) {
    causes.push(notSupported(`${field}.type`, type, Object.keys(METRIC_TYPES)));
  }
  const given = SOURCES.filter((source) => metric[source] !== undefined);
  if (given[0]) causes.push(...sourceCauses(metric, given[0], `${field}.${given[0]}`, objects));
  if (expected !== undefined && metric[expected] === undefined) {
    const rule = "must populate information for the given metric source";
    causes.push(missing(`${field}.${expected}`, rule));
  }
  if (given.length === 1) return causes;
  const surplus = given.filter((source) => source !== expected);
  const rule = "must populate the given metric source only";
  return [...causes, ...surplus.map((source) => forbidden(`${field}.${source}`, rule))];
}

function sourceCauses(
  metric: MetricSpec,
  source: typeof SOURCES[number],
  field: string,
  objects: ReferenceRules,
): Cause[] {
  switch (source) {
    case "object": {
      const { describedObject, metric: named, target } = metric.object!;
      const rule = "must set either a target value or averageValue";
      return [
        ...referenceCauses(describedObject, `${field}.describedObject`, objects),
        ...metricNameCauses(named.name, field),
        ...targetCauses(target, field),
        ...(hasValue(target) ? [] : [missing(`${field}.target.averageValue`, rule)]),
      ];
    }
    case "external": {
      const { metric: named, target } = metric.external!;
      const none = "must set either a target value for metric or a per-pod target";
      const both = "may not set both a target value for metric and a per-pod target";
      return [
        ...metricNameCauses(named.name, field),
        ...targetCauses(target, field),
        ...(hasValue(target) ? [] : [missing(`${field}.target.averageValue`, none)]),
        ...(target.value !== undefined && target.averageValue !== undefined
          ? [forbidden(`${field}.target.value`, both)]
          : []),
      ];
    }
    case "pods": {
      const { metric: named, target } = metric.pods!;
      const rule = "must specify a positive target averageValue";
      return [
        ...metricNameCauses(named.name, field),
        ...targetCauses(target, field),
        ...(target.averageValue === undefined
          ? [missing(`${field}.target.averageValue`, rule)]
          : []),
      ];
    }
    case "resource":
      return usageCauses(metric.resource!, field);
    case "containerResource": {
      const { container } = metric.containerResource!;
      return [
        ...(container
          ? nameCauses(`${field}.container`, container, labelNameFaults)
          : [missing(`${field}.container`, "must specify a container")]),
        ...usageCauses(metric.containerResource!, field),
      ];
    }
  }
}

function hasValue({ value, averageValue }: MetricTarget): boolean {
  return value !== undefined || averageValue !== undefined;
}

function metricNameCauses(name: string | undefined, field: string): Cause[] {
  return name
    ? nameCauses(`${field}.metric.name`, name, pathSegmentFaults)
    : [missing(`${field}.metric.name`, "must specify a metric name")];
}

function usageCauses(
  { name, target }: { name?: string; target: MetricTarget },
  field: string,
): Cause[] {
  const { averageUtilization, averageValue } = target;
  const causes = name ? [] : [missing(`${field}.name`, "must specify a resource name")];
  causes.push(...targetCauses(target, field));
  if (averageUtilization === undefined && averageValue === undefined) {
    const rule = "must set either a target raw value or a target utilization";
    causes.push(missing(`${field}.target.averageUtilization`, rule));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const rule = "may not set both a target raw value and a target utilization";
    causes.push(forbidden(`${field}.target.averageValue`, rule));
  }
  return causes;
}

function targetCauses(
  { type = "", averageUtilization, ...values }: MetricTarget,
  field: string,
): Cause[] {
  const at = `${field}.target`;
  const causes: Cause[] = [];
  if (type === "") causes.push(missing(`${at}.type`, "must specify a metric target type"));
  if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    const rule = "must be either Utilization, Value, or AverageValue";
    causes.push(invalid(`${at}.type`, type, rule));
  }
  for (const name of ["value", "averageValue"] as const) {
    const value = values[name];
    if (value === undefined || quantityFault(value) !== undefined) continue; // the schema says so
    if (compareQuantities(value, "0") > 0) continue;
    causes.push(invalid(`${at}.${name}`, value, "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    const rule = "must be greater than 0";
    causes.push(invalid(`${at}.averageUtilization`, averageUtilization, rule));
  }
  return causes;
}

function scalingCauses(rules: ScalingRules | undefined, field: string): Cause[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: windowSeconds, selectPolicy, policies = [] } = rules;
  const causes: Cause[] = [];
  if (windowSeconds !== undefined && windowSeconds < 0) {
    const rule = "must be greater than or equal to zero";
    causes.push(invalid(`${field}.stabilizationWindowSeconds`, windowSeconds, rule));
  }
  if (windowSeconds !== undefined && windowSeconds > WINDOW_SECONDS_MAX) {
    const rule = `must be less than or equal to ${WINDOW_SECONDS_MAX}`;
    causes.push(invalid(`${field}.stabilizationWindowSeconds`, windowSeconds, rule));
  }
  const words = ["Disabled", "Max", "Min"];
  if (selectPolicy !== undefined && !words.includes(selectPolicy)) {
    causes.push(notSupported(`${field}.selectPolicy`, selectPolicy, words));
  }
  if (policies.length === 0) {
    causes.push(missing(`${field}.policies`, "must specify at least one Policy"));
  }
  return [
    ...causes,
    ...policies.flatMap((policy, i) => policyCauses(policy, `${field}.policies[${i}]`)),
  ];
}

function policyCauses(
  { type = "", value, periodSeconds }: NonNullable<ScalingRules["policies"]>[number],
  field: string,
): Cause[] {
  const causes: Cause[] = [];
  const words = ["Percent", "Pods"];
  if (!words.includes(type)) causes.push(notSupported(`${field}.type`, type, words));
  if (value <= 0) causes.push(invalid(`${field}.value`, value, "must be greater than zero"));
  if (periodSeconds <= 0) {
    causes.push(invalid(`${field}.periodSeconds`, periodSeconds, "must be greater than zero"));
  }
  if (periodSeconds > PERIOD_SECONDS_MAX) {
    const rule = `must be less than or equal to ${PERIOD_SECONDS_MAX}`;
    causes.push(invalid(`${field}.periodSeconds`, periodSeconds, rule));
  }
  return causes;
}
