import type { Node, Taint } from "../../resources/core/nodes/nodes.ts";
import { NOT_READY } from "../../resources/core/pods/spec/default_tolerations.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { AdmissionRequest } from "./admission_rule.ts";

/**
 * A new node gets no pods until the node controller has seen that it is ready: the admission plugin
 * TaintNodesByCondition.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
 */
export function nodeTaints({ resource, next, previous }: AdmissionRequest): KubeObject {
  if (resource.group !== "" || resource.kind !== "Node" || previous) return next;
  const node = next as Node;
  const { taints = [] } = node.spec;
  if (taints.some(({ key, effect }) => key === NOT_READY && effect === "NoSchedule")) return next;
  const taint: Taint = { key: NOT_READY, effect: "NoSchedule" };
  return { ...node, spec: { ...node.spec, taints: [...taints, taint] } } as Node;
}
