import type { Pod } from "../resources/core/pods/pods.ts";
import type { Container, ResourceRequirements } from "../resources/core/pods/spec/containers.ts";
import { type ContainerRole, containersOf } from "../resources/core/pods/spec/pod_containers.ts";
import { type Amounts, amountsFrom, largerOf, plus, sumOf } from "./amounts.ts";

type Side = "requests" | "limits";

/** Whether the pod as a whole sets what its containers need not set. */
export function hasPodLevelAmounts({ spec: { resources } }: Pod): boolean {
  const names = [
    ...Object.keys(resources?.requests ?? {}),
    ...Object.keys(resources?.limits ?? {}),
  ];
  return names.some(isPodLevel);
}

/**
 * What the pod requests: of the containers together, or of the hungriest init container with the sidecars before it,
 * whichever is more; what the pod itself sets counts instead; overhead comes on top. While a resize is under way, the
 * larger of what is wanted and what is set aside.
 *
 * Kubernetes: `PodRequests` in k8s.io/component-helpers/resource.
 */
export function podRequestsOf(pod: Pod): Amounts {
  const total = withPodLevel(
    pod,
    "requests",
    totalOf(pod, (it) => containerAmounts(pod, it, "requests")),
  );
  return sumOf(total, amountsFrom(pod.spec.overhead));
}

/** The same of limits; overhead counts for what is limited. */
export function podLimitsOf(pod: Pod): Amounts {
  const limits = withPodLevel(
    pod,
    "limits",
    totalOf(pod, (it) => containerAmounts(pod, it, "limits")),
  );
  const overhead = amountsFrom(pod.spec.overhead);
  if (overhead.size === 0) return limits;
  return new Map(
    [...limits].map(([name, amount]) => {
      const more = overhead.get(name);
      return [name, more && amount.nanos !== 0n ? plus(amount, more) : amount];
    }),
  );
}

/** Requests or limits as the spec alone has them, without overhead: what a LimitRange bounds. */
export function podSpecAmountsOf(pod: Pod, side: Side): Amounts {
  return withPodLevel(pod, side, totalOf(pod, ({ resources }) => amountsFrom(resources[side])));
}

function withPodLevel(pod: Pod, side: Side, amounts: Amounts): Amounts {
  const own = Object.entries(pod.spec.resources?.[side] ?? {}).filter(([name]) => isPodLevel(name));
  if (own.length === 0) return amounts;
  return new Map([...amounts, ...amountsFrom(Object.fromEntries(own))]);
}

function isPodLevel(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

const COUNTED: readonly ContainerRole[] = ["init", "sidecar", "main"];

function totalOf({ spec }: Pod, amountsOf: (container: Container) => Amounts): Amounts {
  let running: Amounts = new Map();
  let sidecars: Amounts = new Map();
  let initPeak: Amounts = new Map();
  for (const { role, container } of containersOf(spec)) {
    if (!COUNTED.includes(role)) continue;
    const amounts = amountsOf(container);
    if (role === "init") {
      initPeak = largerOf(initPeak, sumOf(amounts, sidecars));
      continue;
    }
    running = running.size === 0 ? amounts : sumOf(running, amounts);
    if (role === "sidecar") initPeak = largerOf(initPeak, sidecars = sumOf(sidecars, amounts));
  }
  return initPeak.size === 0 ? running : largerOf(running, initPeak);
}

function containerAmounts({ status }: Pod, container: Container, side: Side): Amounts {
  const wanted = amountsFrom(container.resources[side]);
  const all = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? []];
  const running = all.find(({ name }) => name === container.name);
  const resources: ResourceRequirements | undefined = running?.resources;
  if (!running || !resources) return wanted;
  const actual = amountsFrom(resources[side]);
  const set = side === "requests"
    ? largerOf(actual, amountsFrom(running.allocatedResources))
    : actual;
  return isInfeasible(status) ? set : largerOf(wanted, set);
}

/** Whether the node has refused the resize that the spec asks for. */
function isInfeasible({ conditions = [] }: Pod["status"]): boolean {
  const pending = conditions.find(({ type }) => type === "PodResizePending");
  return pending?.reason === "Infeasible";
}
