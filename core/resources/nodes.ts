import { configSource, nodeStatus } from "./node_status.ts";
import { defineResource, type ObjectOf } from "./resource.ts";
import {
  flag,
  list,
  object,
  oneOf,
  present,
  required,
  set,
  string,
  time,
  type TypeOf,
} from "./schema.ts";

const taint = object("Keeps pods away that do not tolerate it.", {
  key: required(string("Key of the taint.")),
  value: string("Value of the taint."),
  effect: required(
    oneOf("What it does to pods that do not tolerate it.", [
      "NoSchedule",
      "PreferNoSchedule",
      "NoExecute",
    ]),
  ),
  timeAdded: time("When it was added."),
});
export type Taint = TypeOf<typeof taint>;

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
export const nodes = defineResource({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  namespaced: false,
  schema: object("A machine that runs pods.", {
    spec: present(object("What the node should be.", {
      podCIDR: string("Range that its pods get their addresses from."),
      podCIDRs: {
        ...set("Ranges that its pods get their addresses from, one per family.", string("CIDR.")),
        "x-kubernetes-patch-strategy": "merge",
      },
      providerID: string("Id of the machine at its provider."),
      unschedulable: flag("Whether no new pods are put on it."),
      taints: list("Keep pods away that do not tolerate them.", taint),
      configSource,
      externalID: string("No longer used."),
    })),
    status: present(nodeStatus),
  }),
  subresources: ["proxy"],
  fields: { "spec.unschedulable": (node) => String(node.spec.unschedulable ?? false) },
});

export type Node = ObjectOf<typeof nodes>;
