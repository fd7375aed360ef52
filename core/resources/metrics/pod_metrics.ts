import { fallback, list, object, required, string, type TypeOf } from "../../schema/schema.ts";
import { sumOfQuantities } from "../../schema/quantities.ts";
import { nameColumn } from "../columns.ts";
import { defineResource, type NamespacedObject } from "../resource.ts";
import { measuredFields, usage, usageColumns } from "./usage_columns.ts";

const containerMetrics = object("What a container uses.", {
  name: required(string("Name of the container in its pod.")),
  usage,
});

const shape = object("What the containers of a pod use.", {
  ...measuredFields,
  containers: fallback([], list("Of each container, measured together.", containerMetrics)),
});
export type PodMetrics = NamespacedObject & TypeOf<typeof shape>;

/** https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/ */
export const podMetrics = defineResource({
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "PodMetrics",
  plural: "pods",
  singular: "",
  namespaced: true,
  verbs: ["get", "list"],
  schema: shape,
  columns: [nameColumn, ...usageColumns<PodMetrics>(usageOf)],
  madeUp: async ({ metrics }) => await metrics("pods") as PodMetrics[], // made of reports, see core/usage
});

function usageOf({ containers }: PodMetrics): Record<string, string> {
  const sumOf = (resource: string) =>
    sumOfQuantities(...containers.flatMap(({ usage }) => usage[resource] ?? [])); // ours: cpu, memory
  return { cpu: sumOf("cpu"), memory: sumOf("memory") };
}
