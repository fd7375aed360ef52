import type { MetricSpec, MetricStatus } from "../../resources/autoscaling/autoscaler_shape.ts";
import { formatQuantity, milliValueOf, quantityOfMillis } from "../../schema/quantities.ts";
import { MetricError, type PodMetrics } from "./metrics_api.ts";
import {
  type Count,
  countByAverage,
  countByUtilization,
  countByValue,
  countByValuePerPod,
  type Scaled,
} from "./replica_counts.ts";
import { selectorText } from "./selector_text.ts";

/** What was measured for one metric of an autoscaler, or why it is not known. */
export type Measurement = { pods: PodMetrics } | { value: number } | { fault: string };

/** How many replicas a metric asks for. */
export interface Proposal {
  replicas: number;
  /** What the metric is called in conditions and events. */
  name: string;
  status: MetricStatus;
}

/** Why a metric asks for nothing. */
export interface NoProposal {
  /** Of the condition `ScalingActive`, and of an event. */
  reason: string;
  fault: string;
  /** As the event about all metrics has it. */
  error: string;
}

/** What a metric is about. */
export interface Situation {
  namespace: string;
  scaled: Scaled;
  /** Replicas that there are. */
  present: number;
}

export function proposalOf(
  metric: MetricSpec,
  measured: Measurement,
  situation: Situation,
): Proposal | NoProposal {
  const words = WORDS[metric.type ?? ""]?.(metric);
  if (words === undefined) {
    const fault = `unknown metric source type ${JSON.stringify(metric.type ?? "")}`;
    return { reason: "InvalidMetricSourceType", fault, error: fault };
  }
  try {
    return propose(metric, measured, situation);
  } catch (error) {
    if (!(error instanceof MetricError)) throw error;
    const fault = error.message;
    return { reason: words.reason, fault, error: `${words.failed}: ${fault}` };
  }
}

const WORDS: Readonly<Record<string, (metric: MetricSpec) => { reason: string; failed: string }>> =
  {
    Resource: ({ resource }) => ({
      reason: "FailedGetResourceMetric",
      failed: `failed to get ${resource!.name} resource metric value`,
    }),
    ContainerResource: ({ containerResource }) => ({
      reason: "FailedGetContainerResourceMetric",
      failed: `failed to get ${containerResource!.container} container metric value`,
    }),
    Pods: () => ({ reason: "FailedGetPodsMetric", failed: "failed to get pods metric value" }),
    Object: () => ({
      reason: "FailedGetObjectMetric",
      failed: "failed to get object metric value",
    }),
    External: ({ external }) => ({
      reason: "FailedGetExternalMetric",
      failed: `failed to get ${external!.metric.name} external metric value`,
    }),
  };

function propose(metric: MetricSpec, measured: Measurement, situation: Situation): Proposal {
  if (metric.resource) return byResource(metric, measured, situation);
  if (metric.containerResource) return byResource(metric, measured, situation);
  if (metric.pods) return byPods(metric.pods, measured, situation);
  if (metric.object) return byObject(metric.object, measured, situation);
  return byExternal(metric.external!, measured, situation);
}

function podsIn(measured: Measurement, asked: string): PodMetrics {
  if ("pods" in measured) return measured.pods;
  throw new MetricError(`${asked}: ${"fault" in measured ? measured.fault : ""}`);
}

function valueIn(measured: Measurement, asked: (fault: string) => string): number {
  if ("value" in measured) return measured.value;
  throw new MetricError(asked("fault" in measured ? measured.fault : ""));
}

function byResource(metric: MetricSpec, measured: Measurement, { scaled }: Situation): Proposal {
  const { name = "", target } = metric.resource ?? metric.containerResource!;
  const { container } = metric.containerResource ?? {};
  const asked = `unable to get metrics for resource ${name}`;
  const ofContainer = container === undefined ? "" : "container ";
  const current = (value: object): MetricStatus =>
    container === undefined
      ? { type: "Resource", resource: { name, current: value } }
      : { type: "ContainerResource", containerResource: { name, container, current: value } };
  if (target.averageValue !== undefined) {
    const count = prefixed(
      `failed to get ${name} usage`,
      () =>
        countByAverage(scaled, podsIn(measured, asked), {
          resource: name,
          target: milliValueOf(target.averageValue!),
        }),
    );
    const status = current({ averageValue: amountOf(name, count.usage) });
    return { replicas: count.replicas, name: `${name} resource`, status };
  }
  if (target.averageUtilization === undefined) {
    throw new MetricError(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  }
  const wanted = { resource: name, container, percent: target.averageUtilization };
  const { replicas, usage, percent } = prefixed(
    `failed to get ${name} utilization`,
    () => countByUtilization(scaled, podsIn(measured, asked), wanted),
  );
  return {
    replicas,
    name: `${name} ${ofContainer}resource utilization (percentage of request)`,
    status: current({ averageUtilization: percent, averageValue: amountOf(name, usage) }),
  };
}

function prefixed<T>(prefix: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof MetricError) throw new MetricError(`${prefix}: ${error.message}`);
    throw error;
  }
}

/** Memory is written with binary suffixes, as metrics-server writes it. */
function amountOf(resource: string, millis: number): string {
  if (resource !== "memory") return quantityOfMillis(millis);
  return formatQuantity({ nanos: BigInt(Math.trunc(millis)) * 10n ** 6n, format: "binary" });
}

function byPods(
  { metric, target }: NonNullable<MetricSpec["pods"]>,
  measured: Measurement,
  { scaled }: Situation,
): Proposal {
  if (target.averageValue === undefined) {
    throw new MetricError("invalid pods metric source: no average value target was set");
  }
  const { name = "" } = metric;
  const metrics = podsIn(measured, `unable to get metric ${name}`);
  const wanted = { resource: undefined, target: milliValueOf(target.averageValue) };
  const { replicas, usage } = countByAverage(scaled, metrics, wanted);
  const current = { averageValue: quantityOfMillis(usage) };
  return {
    replicas,
    name: `pods metric ${name}`,
    status: { type: "Pods", pods: { metric, current } },
  };
}

function byObject(
  { metric, target, describedObject }: NonNullable<MetricSpec["object"]>,
  measured: Measurement,
  { namespace, scaled, present }: Situation,
): Proposal {
  const { name = "" } = metric;
  const { kind = "", name: objectName = "" } = describedObject;
  const value = (prefix: string) =>
    valueIn(
      measured,
      (fault) =>
        `${prefix}unable to get metric ${name}: ${kind} on ${namespace} ${objectName}/${fault}`,
    );
  const status = (current: object): MetricStatus => ({
    type: "Object",
    object: { metric, current, describedObject },
  });
  if (target.type === "Value" && target.value !== undefined) {
    const count = countByValue(scaled, value(""), milliValueOf(target.value));
    return {
      replicas: count.replicas,
      name: `${kind} metric ${name}`,
      status: status({ value: quantityOfMillis(count.usage) }),
    };
  }
  if (target.type === "AverageValue" && target.averageValue !== undefined) {
    const usage = value(`failed to get ${name} object metric: `);
    const wanted = { usage, target: milliValueOf(target.averageValue), present };
    const count = countByValuePerPod(scaled, wanted);
    return {
      replicas: count.replicas,
      name: `external metric ${name}(${selectorText(metric.selector)})`,
      status: status({ averageValue: quantityOfMillis(count.usage) }),
    };
  }
  throw new MetricError(
    "invalid object metric source: neither a value target nor an average value target was set",
  );
}

function byExternal(
  { metric, target }: NonNullable<MetricSpec["external"]>,
  measured: Measurement,
  { namespace, scaled, present }: Situation,
): Proposal {
  const { name = "", selector } = metric;
  const asked = (fault: string) =>
    `unable to get external metric ${namespace}/${name}/${selectorText(selector)}: ${fault}`;
  const proposal = ({ replicas }: Count, current: object): Proposal => ({
    replicas,
    name: `external metric ${name}(${selectorText(selector)})`,
    status: { type: "External", external: { metric, current } },
  });
  if (target.averageValue !== undefined) {
    const usage = prefixed(`failed to get ${name} external metric`, () => valueIn(measured, asked));
    const wanted = { usage, target: milliValueOf(target.averageValue), present };
    const count = countByValuePerPod(scaled, wanted);
    return proposal(count, { averageValue: quantityOfMillis(count.usage) });
  }
  if (target.value !== undefined) {
    const usage = prefixed(`failed to get external metric ${name}`, () => valueIn(measured, asked));
    const count = countByValue(scaled, usage, milliValueOf(target.value));
    return proposal(count, { value: quantityOfMillis(count.usage) });
  }
  throw new MetricError(
    "invalid external metric source: neither a value target nor an average value target was set",
  );
}
