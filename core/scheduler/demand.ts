import type { Container } from "../resources/core/pods/spec/containers.ts";
import {
  containersOf,
  longRunningContainersOf,
} from "../resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import { milliValueOf, unitsOf } from "../schema/quantities.ts";

/** Amounts by the name of what they are of; `cpu` in thousandths, all else in whole units. */
export type Amounts = ReadonlyMap<string, number>;
/** Amounts as Kubernetes writes them. */
type Quantities = Readonly<Record<string, string>>;

/** Kubernetes counts this much for containers without requests when it compares nodes, never when it fits. */
const CPU_MILLIS_ASSUMED = 100;
const MEMORY_BYTES_ASSUMED = 200 * 1024 * 1024;

/** What a pod takes of its node. */
export interface Demand {
  /** What must fit. */
  amounts: Amounts;
  /** For comparing nodes: with something for containers that ask for nothing. */
  cpuMillisAssumed: number;
  memoryBytesAssumed: number;
  /** `protocol/port/ip`, see {@linkcode hostPortsOf}. */
  hostPorts: readonly HostPort[];
  /** Uid of the controller that made the pod. */
  owner: string | undefined;
}

export interface HostPort {
  port: number;
  protocol: string;
  /** `0.0.0.0` for all addresses. */
  ip: string;
}

const known = new WeakMap<Pod, Demand>();

/** Worked out once for each version of a pod. */
export function demandOf(pod: Pod): Demand {
  const demand = known.get(pod) ?? newDemandOf(pod);
  known.set(pod, demand);
  return demand;
}

function newDemandOf(pod: Pod): Demand {
  const { spec: { overhead = {} } } = pod;
  const ofContainers = (requests: (container: Container) => Amounts) =>
    sum([effectiveOf(pod, requests), amountsOf(overhead)]);
  const assumed = ofContainers((container) =>
    new Map([
      ["cpu", CPU_MILLIS_ASSUMED],
      ["memory", MEMORY_BYTES_ASSUMED],
      ...requestsOf(container),
    ])
  );
  return {
    amounts: ofContainers(requestsOf),
    cpuMillisAssumed: assumed.get("cpu") ?? 0,
    memoryBytesAssumed: assumed.get("memory") ?? 0,
    hostPorts: hostPortsOf(pod),
    owner: pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid,
  };
}

/**
 * What the containers need: the sum of those that run side by side, or what the hungriest init container needs
 * together with the sidecars before it, whichever is more. What the pod itself asks for counts instead.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function effectiveOf({ spec }: Pod, requests: (container: Container) => Amounts): Amounts {
  let running: Amounts = new Map();
  let initPeak: Amounts = new Map();
  for (const { role, container } of containersOf(spec)) {
    if (role === "ephemeral") continue;
    const together = sum([running, requests(container)]);
    if (role === "init") initPeak = larger(initPeak, together);
    else running = together;
  }
  return new Map([...larger(running, initPeak), ...amountsOf(spec.resources?.requests ?? {})]);
}

function requestsOf({ resources }: Container): Amounts {
  return amountsOf({ ...resources.limits, ...resources.requests });
}

/** Amounts that have been read; what cannot be read counts as nothing, for it was refused at the border. */
export function amountsOf(quantities: Quantities): Amounts {
  const names = Object.keys(quantities);
  return new Map(names.map((name) => [
    name,
    name === "cpu" ? milliValueOf(quantities[name]!) : unitsOf(quantities[name]!),
  ]));
}

function sum(all: readonly Amounts[]): Amounts {
  const total = new Map<string, number>();
  for (const amounts of all) {
    for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + amount);
  }
  return total;
}

function larger(a: Amounts, b: Amounts): Amounts {
  const most = new Map(a);
  for (const [name, amount] of b) most.set(name, Math.max(most.get(name) ?? 0, amount));
  return most;
}

/** Ports of the node that the pod's containers take. */
function hostPortsOf({ spec }: Pod): HostPort[] {
  return longRunningContainersOf(spec).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol, hostIP }) =>
      hostPort ? [{ port: hostPort, protocol, ip: hostIP || "0.0.0.0" }] : []
    )
  );
}
