import type { View } from "../../client/client.ts";
import { messageOf } from "../../lib/error_message.ts";
import { apiServices } from "../../resources/apiregistration/api_services.ts";
import type { MetricSpec, TargetReference } from "../../resources/autoscaling/autoscaler_shape.ts";
import type { HorizontalPodAutoscaler } from "../../resources/autoscaling/horizontal_pod_autoscalers.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import type { LabelSelector } from "../../schema/label_selector.ts";
import { formatSelector, selectorOf } from "../../schema/selectors.ts";
import {
  type AskApi,
  MetricError,
  metricItems,
  sumOfValues,
  usageOfPods,
  valuesOfPods,
} from "./metrics_api.ts";
import type { Measurement } from "./proposals.ts";
import { scaleTargetOf } from "./scale_target.ts";

interface Measuring {
  catalog: Catalog;
  view: View;
  ask: AskApi;
  signal: AbortSignal;
}

/** Measures what the metrics of an autoscaler are about, all at once. Never rejects. */
export function measure(
  autoscaler: HorizontalPodAutoscaler,
  { catalog, view, ask, signal }: Measuring,
): Promise<Measurement[]> {
  const { metadata: { namespace }, spec } = autoscaler;
  const target = scaleTargetOf(catalog, spec.scaleTargetRef, { namespace, view });
  const selector = "fault" in target ? undefined : target.scale.selector;
  if (selector === undefined) return Promise.resolve([]);
  const question = { namespace, selector, catalog, view, ask, signal };
  return Promise.all((spec.metrics ?? []).map((metric) => answerTo(metric, question)));
}

interface Question extends Measuring {
  namespace: string;
  /** Of the pods. */
  selector: string;
}

async function answerTo(metric: MetricSpec, question: Question): Promise<Measurement> {
  try {
    return await measured(metric, question);
  } catch (error) {
    if (error instanceof MetricError) return { fault: error.message };
    return { fault: messageOf(error) };
  }
}

function measured(metric: MetricSpec, question: Question): Promise<Measurement> {
  if (metric.object) return ofObject(metric.object, question);
  if (metric.external) return ofExternal(metric.external, question);
  if (metric.pods) return ofPods(metric.pods, question);
  const { name = "" } = metric.resource ?? metric.containerResource ?? {};
  return ofResource(name, metric.containerResource?.container, question);
}

async function ofResource(
  resource: string,
  container: string | undefined,
  { ask, signal, namespace, selector }: Question,
): Promise<Measurement> {
  const items = await metricItems(ask, {
    path: `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`,
    query: { labelSelector: selector },
    api: "resource",
    what: "pods.metrics.k8s.io",
  }, signal);
  return { pods: usageOfPods(items, resource, container) };
}

async function ofPods(
  { metric }: NonNullable<MetricSpec["pods"]>,
  { view, ask, signal, namespace, selector }: Question,
): Promise<Measurement> {
  const name = encodeURIComponent(metric.name ?? "");
  const items = await metricItems(ask, {
    path: `${customRoot(view)}/namespaces/${namespace}/pods/*/${name}`,
    query: { labelSelector: selector, metricLabelSelector: textOf(metric.selector) },
    api: "custom",
    what: "pods.custom.metrics.k8s.io *",
  }, signal);
  return { pods: valuesOfPods(items) };
}

async function ofObject(
  { metric, describedObject }: NonNullable<MetricSpec["object"]>,
  { catalog, view, ask, signal, namespace }: Question,
): Promise<Measurement> {
  const name = encodeURIComponent(metric.name ?? "");
  const where = objectPath(catalog, describedObject);
  const items = await metricItems(ask, {
    path: `${customRoot(view)}/namespaces/${namespace}/${where}/${name}`,
    query: { metricLabelSelector: textOf(metric.selector) },
    api: "custom",
    what: `${where.split("/")[0]}.custom.metrics.k8s.io ${describedObject.name}`,
  }, signal);
  return { value: sumOfValues(items.slice(0, 1)) };
}

/** The resource and the name of an object, e.g. `ingresses.networking.k8s.io/main`. */
function objectPath(
  catalog: Catalog,
  { apiVersion = "", kind = "", name = "" }: TargetReference,
): string {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (kind === "Namespace" && group === "") return "metrics";
  const resource = catalog.all.find((each) => each.kind === kind && each.group === group);
  if (resource) return `${groupResourceOf(resource)}/${encodeURIComponent(name)}`;
  throw new MetricError(
    `unable to fetch metrics from custom metrics API: unable to map kind ${kind}` +
      `${group && `.${group}`} to resource: no matches for kind "${kind}" in group "${group}"`,
  );
}

async function ofExternal(
  { metric }: NonNullable<MetricSpec["external"]>,
  { ask, signal, namespace }: Question,
): Promise<Measurement> {
  const name = metric.name ?? "";
  const items = await metricItems(ask, {
    path: `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${
      encodeURIComponent(name)
    }`,
    query: { labelSelector: textOf(metric.selector) },
    api: "external",
    what: `${name}.external.metrics.k8s.io`,
  }, signal);
  return { value: sumOfValues(items) };
}

/** The newest version that somebody serves. */
function customRoot(view: View): string {
  const newer = view.get(apiServices, { name: "v1beta2.custom.metrics.k8s.io" });
  return `/apis/custom.metrics.k8s.io/${newer ? "v1beta2" : "v1beta1"}`;
}

function textOf(selector: LabelSelector | undefined): string | undefined {
  return selector && formatSelector(selectorOf(selector));
}
