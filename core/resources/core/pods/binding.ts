import { type JsonObject, objectIn } from "../../../lib/json/json_value.ts";
import { type Cause, missing, notSupported } from "../../../schema/causes.ts";
import type { TypeOf } from "../../../schema/schema.ts";
import { withCondition } from "../../conditions.ts";
import type { NamespacedObject } from "../../resource.ts";
import type { Subresource, SubresourceDecision } from "../../subresource.ts";
import type { podStatus } from "./pod_status.ts";
import type { PodSpec } from "./spec/pod_spec.ts";

type Pod = NamespacedObject & { spec: PodSpec; status: TypeOf<typeof podStatus> };

/**
 * POST pods/NAME/binding: puts a pod on a node, once and for all. Conflict when the pod has a node already.
 *
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/
 */
export const binding: Subresource<Pod> = {
  name: "binding",
  verbs: ["create"],
  body: { group: "", version: "v1", kind: "Binding" },
  decide: (pod, sent, nowMs) => {
    const causes = targetCauses(sent);
    if (causes.length > 0) return { causes };
    return decided(pod, sent, nowMs);
  },
};

/** What is sent to put a pod on a node. */
export function bindingTo(nodeName: string): JsonObject {
  return { target: { apiVersion: "v1", kind: "Node", name: nodeName } };
}

function targetCauses(sent: JsonObject): Cause[] {
  const { kind = "", name } = objectIn(sent, "target");
  return [
    ...(kind !== "" && kind !== "Node"
      ? [notSupported("target.kind", kind, ["Node", "<empty>"])]
      : []),
    ...(typeof name !== "string" || name === "" ? [missing("target.name")] : []),
  ];
}

function decided(pod: Pod, sent: JsonObject, nowMs: number): SubresourceDecision<Pod> {
  const { name, uid, deletionTimestamp } = pod.metadata;
  const wanted = objectIn(sent, "metadata")["uid"];
  if (wanted && wanted !== uid) {
    const conflict =
      `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`;
    return { conflict };
  }
  if (deletionTimestamp !== undefined) {
    return { conflict: `pod ${name} is being deleted, cannot be assigned to a host` };
  }
  if (pod.spec.nodeName) {
    return { conflict: `pod ${name} is already assigned to node "${pod.spec.nodeName}"` };
  }
  return { next: bound(pod, String(objectIn(sent, "target")["name"]), nowMs) };
}

function bound(pod: Pod, nodeName: string, nowMs: number): Pod {
  const scheduled = { type: "PodScheduled", status: "True" as const };
  const conditions = withCondition(pod.status.conditions, scheduled, nowMs);
  return {
    ...pod,
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions },
  };
}
