import { compareQuantities } from "../core/resources/quantities.ts";
import type { ResourceRequirements } from "../core/resources/pod_spec/containers.ts";
import type { PodStatus } from "../core/resources/pod_status.ts";
import type { Pod } from "../core/resources/pods.ts";

const AMOUNTS = ["cpu", "memory"] as const;

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClassOf({ spec }: Pod): NonNullable<PodStatus["qosClass"]> {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) =>
    resources
  );
  if (!all.some(hasAmounts)) return "BestEffort";
  return all.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

function hasAmounts({ limits, requests }: ResourceRequirements): boolean {
  return AMOUNTS.some((name) => isSet(limits?.[name]) || isSet(requests?.[name]));
}

function isGuaranteed({ limits, requests }: ResourceRequirements): boolean {
  return AMOUNTS.every((name) => {
    const [limit, request] = [limits?.[name], requests?.[name]];
    return isSet(limit) && (request === undefined || compareQuantities(limit!, request) === 0);
  });
}

function isSet(amount: string | undefined): boolean {
  return amount !== undefined && compareQuantities(amount, "0") > 0;
}
