import { ownField } from "../../../../lib/own_field.ts";
import { compareQuantities, quantityFault } from "../../../../schema/quantities.ts";
import type { Container } from "./containers.ts";
import { containersInRoles } from "./pod_containers.ts";
import type { PodSpec } from "./pod_spec.ts";

const COUNTED = ["cpu", "memory"] as const;

/**
 * How well its requests and limits protect a pod.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClassOf(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = containersInRoles(spec, "init", "sidecar", "main");
  if (!containers.some(wantsAnything)) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

function wantsAnything({ resources: { requests, limits } }: Container): boolean {
  return COUNTED.some((name) =>
    isMoreThanNone(ownField(requests, name)) || isMoreThanNone(ownField(limits, name))
  );
}

function isGuaranteed({ resources: { requests, limits } }: Container): boolean {
  return COUNTED.every((name) => {
    const limit = ownField(limits, name);
    const request = ownField(requests, name) ?? limit;
    return isMoreThanNone(limit) && isMoreThanNone(request) &&
      compareQuantities(limit, request) === 0;
  });
}

function isMoreThanNone(amount: string | undefined): amount is string {
  return amount !== undefined && quantityFault(amount) === undefined &&
    compareQuantities(amount, "0") > 0;
}
