import { object, type TypeOf } from "../../schema/schema.ts";
import { nameColumn } from "../columns.ts";
import { defineResource, type KubeObject } from "../resource.ts";
import { measuredFields, usage, usageColumns } from "./usage_columns.ts";

const shape = object("What a node uses.", { ...measuredFields, usage });
export type NodeMetrics = KubeObject & TypeOf<typeof shape>;

/** https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/ */
export const nodeMetrics = defineResource({
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "NodeMetrics",
  plural: "nodes",
  singular: "",
  namespaced: false,
  verbs: ["get", "list"],
  schema: shape,
  columns: [nameColumn, ...usageColumns<NodeMetrics>(({ usage }) => usage)],
  madeUp: async ({ metrics }) => await metrics("nodes") as NodeMetrics[], // made of reports, see core/usage
});
