import { ownField } from "../../core/lib/own_field.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { podLimitsOf, podRequestsOf } from "../../core/quota/pod_amounts.ts";
import type { Quantity } from "../../core/schema/quantities.ts";

/** What a cgroup may use. */
export interface CgroupLimits {
  /** Its share beside others, in the units of cgroup v1: 1024 for a CPU. */
  cpuShares: number;
  /** Microseconds of CPU time in each {@linkcode CPU_PERIOD_US}; absent: without a bound. */
  cpuQuotaUs?: number;
  memoryBytes?: number;
  pidsMax?: number;
}

/** How well a pod is protected, which decides below which cgroup it is. */
export type QosClass = ReturnType<typeof qosClassOf>;

/** Period of the CPU bandwidth controller, as the kubelet sets it. */
export const CPU_PERIOD_US = 100_000;
/** The kernel takes no smaller quota. */
const CPU_QUOTA_US_MIN = 1_000;
export const CPU_SHARES_MIN = 2;
const CPU_SHARES_MAX = 262_144;
const CPU_SHARES_OF_ONE = 1024;

/** The kubelet's `MilliCPUToShares`. */
export function cpuSharesOf(cpuMillis: number): number {
  const shares = Math.floor(cpuMillis * CPU_SHARES_OF_ONE / 1000);
  return Math.min(CPU_SHARES_MAX, Math.max(CPU_SHARES_MIN, shares));
}

/** The kubelet's `MilliCPUToQuota`; `undefined`: no bound. */
export function cpuQuotaUsOf(cpuMillis: number | undefined): number | undefined {
  if (!cpuMillis) return undefined;
  return Math.max(CPU_QUOTA_US_MIN, Math.floor(cpuMillis * CPU_PERIOD_US / 1000));
}

/**
 * What all containers of a pod together may use: what they request of the CPU, and what they are limited to, when each
 * of them is, or the pod itself. Kubernetes: `ResourceConfigForPod` in `pkg/kubelet/cm`. Pure.
 */
export function podCgroupLimits(pod: Pod): CgroupLimits {
  const qos = qosClassOf(pod.spec);
  if (qos === "BestEffort") return { cpuShares: CPU_SHARES_MIN };
  const asSaid = withoutActual(pod);
  const [requests, limits] = [podRequestsOf(asSaid), podLimitsOf(asSaid)];
  const bound = (name: "cpu" | "memory") => isBounded(pod, name) ? limits.get(name) : undefined;
  const [cpu, memory] = [bound("cpu"), bound("memory")];
  const cpuQuotaUs = cpuQuotaUsOf(cpu && millisOf(cpu));
  const memoryBytes = memory && unitsIn(memory);
  return {
    cpuShares: cpuSharesOf(millisOf(requests.get("cpu"))),
    ...(cpuQuotaUs !== undefined && { cpuQuotaUs }),
    ...(memoryBytes && { memoryBytes }),
  };
}

/** The pod without what its containers have already: only what it asks for counts. */
export function withoutActual(pod: Pod): Pod {
  return {
    ...pod,
    status: { ...pod.status, containerStatuses: [], initContainerStatuses: [] },
  };
}

function isBounded({ spec }: Pod, name: "cpu" | "memory"): boolean {
  if (isMore(ownField(spec.resources?.limits, name))) return true;
  return containersInRoles(spec, "init", "sidecar", "main")
    .every(({ resources }: Container) => isMore(ownField(resources.limits, name)));
}

function isMore(amount: string | undefined): boolean {
  return amount !== undefined && amount !== "0";
}

/** Thousandths, rounded up. */
export function millisOf(quantity: Quantity | undefined): number {
  return Number(((quantity?.nanos ?? 0n) + 999_999n) / 1_000_000n);
}

function unitsIn({ nanos }: Quantity): number {
  return Number((nanos + 999_999_999n) / 1_000_000_000n);
}
