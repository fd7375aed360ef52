import { ownField } from "../lib/own_field.ts";
import { msOf } from "../lib/timestamp.ts";
import { type Quantity } from "../schema/quantities.ts";
import type { Pod } from "../resources/core/pods/pods.ts";
import type { Container } from "../resources/core/pods/spec/containers.ts";
import { containersInRoles } from "../resources/core/pods/spec/pod_containers.ts";
import type { Service } from "../resources/core/services/services.ts";
import type { KubeObject } from "../resources/resource.ts";
import {
  isExtendedName,
  isHugePages,
  isNativeName,
} from "../resources/core/quotas/amount_names.ts";
import { type Amounts, amountsFrom, countOf } from "./amounts.ts";
import { hasPodLevelAmounts, podLimitsOf, podRequestsOf } from "./pod_amounts.ts";

// What an object uses of what a quota limits. Kubernetes: pkg/quota/v1/evaluator/core.

const POD_AMOUNTS = new Set([
  "pods",
  ...["cpu", "memory", "ephemeral-storage"].flatMap((name) => [
    name,
    `requests.${name}`,
    `limits.${name}`,
  ]),
]);
/** A quota on one of these demands that each container sets it. */
const DEMANDED = new Set([
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);
const SERVICE_AMOUNTS = new Set(["services", "services.nodeports", "services.loadbalancers"]);
const CLAIM_AMOUNTS = ["persistentvolumeclaims", "requests.storage"];
const OF_STORAGE_CLASS = ".storageclass.storage.k8s.io/";
const COUNT = "count/";
/** Kinds that are counted by their names alone, too. */
const COUNTED_BY_NAME = new Set([
  "configmaps",
  "resourcequotas",
  "replicationcontrollers",
  "secrets",
]);

/** The kind, as `deployments.apps`, of which objects use what the quota limits under this name; `undefined`: none. */
export function kindUsing(name: string): string | undefined {
  if (name.startsWith(COUNT)) return name.slice(COUNT.length);
  if (COUNTED_BY_NAME.has(name)) return name;
  if (POD_AMOUNTS.has(name) || isHugePages(name)) return "pods";
  if (name.startsWith("requests.hugepages-")) return "pods";
  if (!isNativeName(name) && name.startsWith("requests.")) return "pods";
  if (SERVICE_AMOUNTS.has(name)) return "services";
  const isOfClaim = CLAIM_AMOUNTS.some((amount) =>
    name === amount || name.endsWith(OF_STORAGE_CLASS + amount)
  );
  return isOfClaim ? "persistentvolumeclaims" : undefined;
}

/** Whether the names say nothing but how many objects of the kind there are. */
export function areCounts(kind: string, names: Iterable<string>): boolean {
  for (const name of names) {
    if (name !== COUNT + kind && !(COUNTED_BY_NAME.has(kind) && name === kind)) return false;
  }
  return true;
}

/** All that the object uses, by the names that quotas have for it. */
export function usageOf(kind: string, object: KubeObject, nowMs: number): Amounts {
  switch (kind) {
    case "pods":
      return podUsage(object as Pod, nowMs);
    case "services":
      return serviceUsage(object as Service);
    case "persistentvolumeclaims":
      return claimUsage(object as Claim);
    default:
      return countUsage(kind);
  }
}

const counts = new Map<string, Amounts>();

/** What any object of a kind uses that is only counted. */
export function countUsage(kind: string): Amounts {
  let usage = counts.get(kind);
  if (!usage) {
    const names = [COUNT + kind, ...(COUNTED_BY_NAME.has(kind) ? [kind] : [])];
    usage = new Map(names.map((name) => [name, countOf(1)]));
    if (counts.size < COUNTED_KINDS_MAX) counts.set(kind, usage);
  }
  return usage;
}
const COUNTED_KINDS_MAX = 1_000;

/** A pod that has ended, or should have by now, uses nothing but its name. */
function podUsage(pod: Pod, nowMs: number): Amounts {
  const usage = new Map<string, Quantity>([["count/pods", countOf(1)]]);
  const { phase } = pod.status;
  const dueMs = overdueMsOf(pod);
  if (phase === "Failed" || phase === "Succeeded" || (dueMs !== undefined && nowMs > dueMs)) {
    return usage;
  }
  for (const [name, amount] of named(podRequestsOf(pod), podLimitsOf(pod))) usage.set(name, amount);
  return usage;
}

/** When a pod that is being deleted stops counting, even if its node never says that it is gone. */
export function overdueMsOf({ metadata }: KubeObject): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined;
  return msOf(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

/** Requests and limits by the names that quotas have for them. */
function named(requests: Amounts, limits: Amounts): Map<string, Quantity> {
  const usage = new Map<string, Quantity>([["pods", countOf(1)]]);
  for (const name of ["cpu", "memory", "ephemeral-storage"]) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request) usage.set(name, request).set(`requests.${name}`, request);
    if (limit) usage.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (isHugePages(name)) usage.set(name, request).set(`requests.${name}`, request);
    else if (isExtendedName(name)) usage.set(`requests.${name}`, request);
  }
  return usage;
}

function serviceUsage({ spec }: Service): Amounts {
  const { ports = [], type, allocateLoadBalancerNodePorts } = spec;
  const isBalanced = type === "LoadBalancer";
  const nodePorts = isBalanced && allocateLoadBalancerNodePorts === false
    ? ports.filter(({ nodePort }) => nodePort).length
    : isBalanced || type === "NodePort"
    ? ports.length
    : 0;
  return new Map([
    ["count/services", countOf(1)],
    ["services", countOf(1)],
    ["services.nodeports", countOf(nodePorts)],
    ["services.loadbalancers", countOf(isBalanced ? 1 : 0)],
  ]);
}

/** What is needed to know of a PersistentVolumeClaim. */
export interface Claim extends KubeObject {
  spec: {
    resources?: { requests?: Record<string, string> };
    storageClassName?: string;
    volumeAttributesClassName?: string;
  };
  status?: {
    allocatedResources?: Record<string, string>;
    currentVolumeAttributesClassName?: string;
    modifyVolumeStatus?: { targetVolumeAttributesClassName?: string };
  };
}

function claimUsage({ metadata, spec, status }: Claim): Amounts {
  const beta = ownField(metadata.annotations, "volume.beta.kubernetes.io/storage-class");
  const storageClass = beta ?? spec.storageClassName;
  const usage = new Map<string, Quantity>([["count/persistentvolumeclaims", countOf(1)]]);
  const add = (name: string, amount: Quantity) => {
    usage.set(name, amount);
    if (storageClass) usage.set(storageClass + OF_STORAGE_CLASS + name, amount);
  };
  add("persistentvolumeclaims", countOf(1));
  const asked = amountsFrom(spec.resources?.requests).get("storage");
  if (!asked) return usage;
  const allocated = amountsFrom(status?.allocatedResources).get("storage");
  add(
    "requests.storage",
    wholeBytes(allocated && allocated.nanos > asked.nanos ? allocated : asked),
  );
  return usage;
}

function wholeBytes({ nanos, format }: Quantity): Quantity {
  const unit = 10n ** 9n;
  return { nanos: (nanos + unit - 1n) / unit * unit, format };
}

/**
 * What the quota demands that containers set and some do not, as `requests.cpu for: a,b; limits.cpu for: a`;
 * `undefined` when nothing is missing.
 */
export function missingDemands(pod: Pod, names: readonly string[]): string | undefined {
  if (hasPodLevelAmounts(pod)) return undefined;
  const demanded = names.filter((name) => DEMANDED.has(name)).sort();
  if (demanded.length === 0) return undefined;
  const containers = containersInRoles(pod.spec, "init", "sidecar", "main");
  const texts = demanded.flatMap((name) => {
    const without = containers.filter((container) => !sets(container, name)).map((it) => it.name);
    return without.length > 0 ? [`${name} for: ${[...new Set(without)].sort().join(",")}`] : [];
  });
  return texts.length > 0 ? texts.join("; ") : undefined;
}

function sets({ resources }: Container, name: string): boolean {
  return name.startsWith("limits.")
    ? ownField(resources.limits, name.slice("limits.".length)) !== undefined
    : ownField(resources.requests, name.replace(/^requests\./, "")) !== undefined;
}
