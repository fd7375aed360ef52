import { isEqual } from "../../../lib/equality.ts";
import { type Cause, duplicate, forbidden } from "../../../schema/causes.ts";
import { labelValueFaults, qualifiedNameFaults } from "../../../schema/names.ts";
import { autonomyCauses } from "./autonomy.ts";
import { NOT_READY } from "../pods/spec/default_tolerations.ts";
import { nodeColumns } from "./node_columns.ts";
import { configSource, nodeStatus } from "./node_status.ts";
import { connection } from "../../connections.ts";
import { defineResource, type ObjectOf } from "../../resource.ts";
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
} from "../../../schema/schema.ts";
import { nameCauses } from "../../../schema/value_rules.ts";

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
  generation: "none",
  isCreatedWithStatus: true, // a kubelet registers its node with it
  subresources: [connection("proxy", "NodeProxyOptions"), { name: "follow", verbs: ["get"] }],
  columns: nodeColumns,
  // A new node gets no pods until the node controller has seen that it is ready: the admission plugin
  // TaintNodesByCondition. https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
  admit: (next, previous) => previous ? next : { ...next, spec: withNotReadyTaint(next.spec) },
  validate: (next, previous) => [
    ...taintCauses(next.spec.taints ?? []),
    ...autonomyCauses(next, previous),
    ...(previous ? rangeChangeCauses(next.spec, previous.spec) : []),
  ],
  fields: { "spec.unschedulable": (node) => String(node.spec.unschedulable ?? false) },
});

export type Node = ObjectOf<typeof nodes>;

function withNotReadyTaint<Spec extends { taints?: readonly Taint[] }>(spec: Spec): Spec {
  const { taints = [] } = spec;
  if (taints.some(({ key, effect }) => key === NOT_READY && effect === "NoSchedule")) return spec;
  return { ...spec, taints: [...taints, { key: NOT_READY, effect: "NoSchedule" }] };
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
function taintCauses(taints: readonly Taint[]): Cause[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, i) => {
    const at = `spec.taints[${i}]`;
    const { key, value, effect } = taint;
    const causes = [
      ...nameCauses(`${at}.key`, key, qualifiedNameFaults),
      ...nameCauses(`${at}.value`, value, labelValueFaults),
    ];
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const { message, ...cause } = duplicate(at, taint);
      const rule = "taints must be unique by key and effect pair";
      causes.push({ ...cause, message: `${message}: ${rule}` });
    }
    seen.add(pair);
    return causes;
  });
}

/** Pods have their addresses from the ranges of their node: once given, they stay. */
function rangeChangeCauses(next: Ranges, previous: Ranges): Cause[] {
  const rule = 'node updates may not change podCIDR except from "" to valid';
  const isChanged = (previous.podCIDRs && !isEqual(next.podCIDRs, previous.podCIDRs)) ||
    (previous.podCIDR && next.podCIDR !== previous.podCIDR);
  return isChanged ? [forbidden("spec.podCIDRs", rule)] : [];
}
type Ranges = { podCIDR?: string; podCIDRs?: string[] };
