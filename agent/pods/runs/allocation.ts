import { isEqual } from "../../../core/lib/equality.ts";
import { ownField } from "../../../core/lib/own_field.ts";
import { podRequestsOf } from "../../../core/quota/pod_amounts.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import type {
  Container,
  ResourceRequirements,
} from "../../../core/resources/core/pods/spec/containers.ts";
import {
  containersInRoles,
  withEachContainer,
} from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { millisOf, withoutActual } from "../../cgroups/pod_limits.ts";
import { milliValueOf, type Quantity, unitsOf } from "../../../core/schema/quantities.ts";

/** What the node has set aside for the containers of a pod, by their names. */
export type Allocation = Readonly<Record<string, ResourceRequirements>>;

/** A change of what a pod may use that the node has not taken on. */
export interface PendingResize {
  /** `Deferred`: it may fit later. */
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
  readonly generation: number | undefined;
}

/** What a node has for its pods, and what the others have of it. CPU in thousandths, memory in bytes. */
export interface NodeRoom {
  readonly whole: Room;
  readonly used: Room;
}

interface Room {
  readonly cpu: number;
  readonly memory: number;
}

/** What the pod asks for. */
export function wantedAllocation({ spec }: Pod): Allocation {
  return Object.fromEntries(resizable(spec).map(({ name, resources }) => [name, resources]));
}

/** What the pod had when its status was written; what it asks for, where that says nothing. */
export function knownAllocation({ spec, status }: Pod): Allocation {
  const told = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? []];
  const had = new Map(told.map(({ name, resources }) => [name, resources]));
  return Object.fromEntries(
    resizable(spec).map(({ name, resources }) => [name, had.get(name) ?? resources]),
  );
}

/** The pod as the node runs it. The same object when that is what it asks for. */
export function allocatedPod(pod: Pod, allocation: Allocation | undefined): Pod {
  if (allocation === undefined || isAllocated(pod, allocation)) return pod;
  const withAllocated = (container: Container): Container => {
    const resources = ownField(allocation, container.name);
    return resources === undefined ? container : { ...container, resources };
  };
  return { ...pod, spec: withEachContainer(pod.spec, withAllocated) };
}

export function isAllocated({ spec }: Pod, allocation: Allocation): boolean {
  return resizable(spec).every(({ name, resources }) =>
    haveSameAmounts(resources, ownField(allocation, name))
  );
}

/** Whether both say the same of what can be changed while a container runs. */
export function haveSameAmounts(
  a: ResourceRequirements | undefined,
  b: ResourceRequirements | undefined,
): boolean {
  return isEqual(a?.limits ?? {}, b?.limits ?? {}) && isEqual(a?.requests ?? {}, b?.requests ?? {});
}

/**
 * Why the node does not give the pod what it asks for now; `undefined`: it does. The words are the kubelet's:
 * `canResizePod` in `pkg/kubelet/allocation`. Pure.
 */
export function pendingResizeOf(
  pod: Pod,
  { whole, used }: NodeRoom,
): PendingResize | undefined {
  const { generation } = pod.metadata;
  const wanted = requestsOf(pod);
  const tooLarge = (["memory", "cpu"] as const).find((name) => wanted[name] > whole[name]);
  if (tooLarge !== undefined) {
    const message = `Node didn't have enough capacity: ${tooLarge}, ` +
      `requested: ${wanted[tooLarge]}, capacity: ${whole[tooLarge]}`;
    return { reason: "Infeasible", message, generation };
  }
  const missing = (["cpu", "memory"] as const)
    .find((name) => wanted[name] + used[name] > whole[name]);
  if (missing === undefined) return undefined;
  const message = `Node didn't have enough resource: ${missing}, requested: ${wanted[missing]}, ` +
    `used: ${used[missing]}, capacity: ${whole[missing]}`;
  return { reason: "Deferred", message, generation };
}

/** What a node's other pods have, each as the node runs it. */
export function roomOf(
  allocatable: Readonly<Record<string, string>>,
  others: readonly Pod[],
): NodeRoom {
  const requests = others.map(requestsOf);
  return {
    whole: {
      cpu: milliValueOf(allocatable["cpu"] ?? "0"),
      memory: unitsOf(allocatable["memory"] ?? "0"),
    },
    used: {
      cpu: requests.reduce((sum, { cpu }) => sum + cpu, 0),
      memory: requests.reduce((sum, { memory }) => sum + memory, 0),
    },
  };
}

function requestsOf(pod: Pod): Room {
  const requests = podRequestsOf(withoutActual(pod));
  return { cpu: millisOf(requests.get("cpu")), memory: bytesOf(requests.get("memory")) };
}

function bytesOf(quantity: Quantity | undefined): number {
  return Number((quantity?.nanos ?? 0n) / 1_000_000_000n);
}

function resizable(spec: Pod["spec"]): Container[] {
  return containersInRoles(spec, "init", "sidecar", "main");
}
