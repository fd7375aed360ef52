import type { Pod } from "../resources/core/pods/pods.ts";
import type { Container } from "../resources/core/pods/spec/containers.ts";
import { containersOf } from "../resources/core/pods/spec/pod_containers.ts";
import { milliValueOf, unitsOf } from "../schema/quantities.ts";

/** Amounts by the name of the resource: `cpu` in thousandths, all else in whole units. */
export type Amounts = ReadonlyMap<string, number>;
/** Amounts as Kubernetes writes them. */
type Quantities = Readonly<Record<string, string>>;

/**
 * What a container without requests counts for when nodes are compared, never when it must fit. Kubernetes:
 * `DefaultMilliCPURequest` and `DefaultMemoryRequest` in `pkg/scheduler/util`.
 */
const DEFAULTS = [["cpu", 100], ["memory", 200 * 1024 * 1024]] as const;

/** What a pod requests of its node. */
export interface PodRequests {
  /** What must fit. */
  amounts: Amounts;
  /** For comparing nodes: with the defaults for containers that request nothing. */
  cpuMillisOrDefault: number;
  memoryBytesOrDefault: number;
}

const known = new WeakMap<Pod, PodRequests>();

/** Computed once for each version of a pod. */
export function podRequestsOf(pod: Pod): PodRequests {
  const requests = known.get(pod) ?? newPodRequests(pod);
  known.set(pod, requests);
  return requests;
}

function newPodRequests(pod: Pod): PodRequests {
  const withDefaults = totalOf(
    pod,
    (container) => new Map([...DEFAULTS, ...requestsOf(container)]),
  );
  return {
    amounts: totalOf(pod, requestsOf),
    cpuMillisOrDefault: withDefaults.get("cpu") ?? 0,
    memoryBytesOrDefault: withDefaults.get("memory") ?? 0,
  };
}

/**
 * The sum of the containers that run side by side, or what the hungriest init container needs together with the
 * sidecars before it, whichever is more. What the pod itself requests counts instead; its overhead comes on top.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function totalOf({ spec }: Pod, requests: (container: Container) => Amounts): Amounts {
  let running: Amounts = new Map();
  let initPeak: Amounts = new Map();
  for (const { role, container } of containersOf(spec)) {
    if (role === "ephemeral") continue;
    const together = sum([running, requests(container)]);
    if (role === "init") initPeak = larger(initPeak, together);
    else running = together;
  }
  const ofPod = [...amountsOf(spec.resources?.requests ?? {})].filter(([name]) => isOfPods(name));
  const effective = new Map([...larger(running, initPeak), ...ofPod]);
  return sum([effective, amountsOf(spec.overhead ?? {})]);
}

/** Which amounts a pod can request as a whole. Kubernetes: `IsSupportedPodLevelResource`. */
function isOfPods(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

function requestsOf({ resources }: Container): Amounts {
  return amountsOf({ ...resources.limits, ...resources.requests });
}

/** Quantities as numbers; they were checked when the object was admitted. */
export function amountsOf(quantities: Quantities): Amounts {
  return new Map(
    Object.entries(quantities).map(([name, quantity]) => [
      name,
      name === "cpu" ? milliValueOf(quantity) : unitsOf(quantity),
    ]),
  );
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
