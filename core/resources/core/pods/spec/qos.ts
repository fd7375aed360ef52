import { ownField } from "../../../../lib/own_field.ts";
import { compareQuantities, quantityFault } from "../../../../schema/quantities.ts";
import type { Container } from "./containers.ts";
import { containersInRoles } from "./pod_containers.ts";
import type { PodSpec } from "./pod_spec.ts";

const COUNTED = ["cpu", "memory"] as const;

/**
 * How well its requests and limits protect a pod; where the pod itself has some, they alone count.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClassOf(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const isPodLevel = Object.keys(requests).length + Object.keys(limits).length > 0;
  const containers = isPodLevel
    ? [{ resources: spec.resources! }]
    : containersInRoles(spec, "init", "sidecar", "main");
  if (!containers.some(wantsAnything)) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

type Amounts = Pick<Container, "resources">;

function wantsAnything({ resources: { requests, limits } }: Amounts): boolean {
  return COUNTED.some((name) =>
    isMoreThanNone(ownField(requests, name)) || isMoreThanNone(ownField(limits, name))
  );
}

function isGuaranteed({ resources: { requests, limits } }: Amounts): boolean {
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
