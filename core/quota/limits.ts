import { formatQuantity, parseQuantity, type Quantity } from "../schema/quantities.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { Container } from "../resources/core/pods/spec/containers.ts";
import {
  containersInRoles,
  withEachContainer,
} from "../resources/core/pods/spec/pod_containers.ts";
import { qosClassOf } from "../resources/core/pods/spec/qos.ts";
import type { LimitRangeItem } from "../resources/core/quotas/limit_range_spec.ts";
import type { LimitRange } from "../resources/core/quotas/limit_ranges.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type Amounts, amountsFrom } from "./amounts.ts";
import { podSpecAmountsOf } from "./pod_amounts.ts";
import type { Claim } from "./usage.ts";

// What a LimitRange makes of an object, and what it refuses. Kubernetes: plugin/pkg/admission/limitranger.

const ANNOTATION = "kubernetes.io/limit-ranger";
const NOTHING: Amounts = new Map();

/** The pod with the requests and limits that its containers leave out; an annotation says which. */
export function withDefaultLimits(pod: Pod, ranges: readonly LimitRange[]): Pod {
  return ranges.reduce(withDefaultsOf, pod);
}

function withDefaultsOf(pod: Pod, { spec }: LimitRange): Pod {
  const ofContainers = spec.limits.filter(({ type }) => type === "Container");
  const limits = Object.assign({}, ...ofContainers.map((item) => item.default));
  const requests = Object.assign({}, ...ofContainers.map((item) => item.defaultRequest));
  const set: string[] = [];
  const podSpec = withEachContainer(pod.spec, (container, role) => {
    if (role === "ephemeral") return container;
    const { resources } = container;
    const what = `${role === "main" ? "container" : "init container"} ${container.name}`;
    for (
      const [word, defaults, own] of [
        ["request", requests, resources.requests],
        ["limit", limits, resources.limits],
      ] as const
    ) {
      const names = Object.keys(defaults).filter((name) => !Object.hasOwn(own ?? {}, name)).sort();
      if (names.length > 0) set.push(`${names.join(", ")} ${word} for ${what}`);
    }
    return {
      ...container,
      resources: {
        ...resources,
        limits: { ...limits, ...resources.limits },
        requests: { ...requests, ...resources.requests },
      },
    };
  });
  if (set.length === 0) return pod;
  const annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${set.join("; ")}`,
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: podSpec,
    status: { ...pod.status, qosClass: qosClassOf(podSpec) },
  };
}

/** Why one of the ranges refuses an object of the kind; `undefined`: none does. */
export function limitFault(
  kind: string,
  object: KubeObject,
  ranges: readonly LimitRange[],
): string | undefined {
  for (const { spec } of ranges) {
    const faults = new Set(
      kind === "pods"
        ? podFaults(object as Pod, spec.limits)
        : claimFaults(object as Claim, spec.limits),
    );
    if (faults.size > 0) return faults.size === 1 ? [...faults][0] : `[${[...faults].join(", ")}]`;
  }
  return undefined;
}

function podFaults(pod: Pod, limits: readonly LimitRangeItem[]): string[] {
  return limits.flatMap((item) => {
    if (item.type === "Container") {
      const { spec } = pod;
      const all = [
        ...containersInRoles(spec, "main"),
        ...containersInRoles(spec, "init", "sidecar"),
      ];
      return all.flatMap(({ resources }: Container) =>
        faultsOf(item, amountsFrom(resources.requests), amountsFrom(resources.limits))
      );
    }
    if (item.type !== "Pod") return [];
    return faultsOf(item, podSpecAmountsOf(pod, "requests"), podSpecAmountsOf(pod, "limits"));
  });
}

function claimFaults({ spec }: Claim, limits: readonly LimitRangeItem[]): string[] {
  const requests = amountsFrom(spec.resources?.requests);
  return limits.filter(({ type }) => type === "PersistentVolumeClaim").flatMap((item) => [
    ...eachOf(item.min, (name, min) => minFault(item, name, min, requests, NOTHING)),
    ...eachOf(item.max, (name, max) => {
      const request = requests.get(name);
      return above(item, name, max, "request", request) ??
        (request ? undefined : `${maximum(item, name, max)}.  No request is specified`);
    }),
  ]);
}

function faultsOf(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...eachOf(item.min, (name, min) => minFault(item, name, min, requests, limits)),
    ...eachOf(item.max, (name, max) => {
      const limit = limits.get(name);
      if (!limit) return `${maximum(item, name, max)}.  No limit is specified`;
      return above(item, name, max, "limit", limit) ??
        above(item, name, max, "request", requests.get(name));
    }),
    ...eachOf(
      item.maxLimitRequestRatio,
      (name, ratio) => ratioFault(item, name, ratio, requests.get(name), limits.get(name)),
    ),
  ];
}

function eachOf(
  bounds: Readonly<Record<string, string>> | undefined,
  faultOf: (name: string, bound: Quantity) => string | undefined,
): string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, text]) =>
    faultOf(name, parseQuantity(text)) ?? []
  );
}

function minFault(
  { type }: LimitRangeItem,
  name: string,
  min: Quantity,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const bound = `minimum ${name} usage per ${type} is ${formatQuantity(min)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (!request) return `${bound}.  No request is specified`;
  if (request.nanos < min.nanos) return `${bound}, but request is ${formatQuantity(request)}`;
  if (limit && limit.nanos < min.nanos) return `${bound}, but limit is ${formatQuantity(limit)}`;
  return undefined;
}

function above(
  item: LimitRangeItem,
  name: string,
  max: Quantity,
  what: string,
  amount: Quantity | undefined,
): string | undefined {
  if (!amount || amount.nanos <= max.nanos) return undefined;
  return `${maximum(item, name, max)}, but ${what} is ${formatQuantity(amount)}`;
}

function maximum({ type }: LimitRangeItem, name: string, max: Quantity): string {
  return `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
}

function ratioFault(
  { type }: LimitRangeItem,
  name: string,
  ratio: Quantity,
  request: Quantity | undefined,
  limit: Quantity | undefined,
): string | undefined {
  const bound = `${name} max limit to request ratio per ${type} is ${formatQuantity(ratio)}`;
  for (const [what, amount] of [["request", request], ["limit", limit]] as const) {
    if (!amount || amount.nanos === 0n) {
      return `${bound}, but no ${what} is specified or ${what} is 0`;
    }
  }
  const observed = Number(limit!.nanos) / Number(request!.nanos);
  if (observed <= Number(ratio.nanos) / 1e9) return undefined;
  return `${bound}, but provided ratio is ${observed.toFixed(6)}`;
}
