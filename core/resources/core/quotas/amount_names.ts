import type { Cause } from "../../../schema/causes.ts";
import { invalid } from "../../../schema/causes.ts";
import { qualifiedNameFaults } from "../../../schema/names.ts";

// Names of amounts: of capacity that containers request and of objects that are counted. The sets and words are those of
// Kubernetes' pkg/apis/core/helper and pkg/apis/core/validation.

const HUGE_PAGES = "hugepages-";
const REQUESTS = "requests.";

const COUNTED = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const OF_CONTAINERS = new Set(["cpu", "memory", "ephemeral-storage"]);
const OF_QUOTAS = new Set([
  ...OF_CONTAINERS,
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  ...COUNTED,
]);

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

/** Whether a quota knows the name without a domain. */
export function isStandardQuotaName(name: string): boolean {
  return OF_QUOTAS.has(name) || isHugePages(name) || name.startsWith(REQUESTS + HUGE_PAGES);
}

/** Of Kubernetes itself: without a domain, or with one of `kubernetes.io`. */
export function isNativeName(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

/** What a device plugin offers, such as `example.com/gpu`: it is counted in whole units and cannot be shared. */
export function isExtendedName(name: string): boolean {
  return !isNativeName(name) && !name.startsWith(REQUESTS) &&
    qualifiedNameFaults(REQUESTS + name).length === 0;
}

/** Whether containers may be promised more of it than there is. */
export function mayOvercommit(name: string): boolean {
  return isNativeName(name) && !isHugePages(name);
}

export function isWholeNumber(name: string): boolean {
  return COUNTED.has(name) || isExtendedName(name);
}

/** The rules for any name of an amount. */
export function amountNameCauses(name: string, field: string): Cause[] {
  const faults = qualifiedNameFaults(name);
  if (faults.length > 0) return faults.map((fault) => invalid(field, name, fault));
  return name.includes("/") || isStandardQuotaName(name) || name === "storage"
    ? []
    : [invalid(field, name, "must be a standard resource type or fully qualified")];
}

/** The rules for what a container can request. */
export function containerAmountNameCauses(name: string, field: string): Cause[] {
  const causes = amountNameCauses(name, field);
  if (!name.includes("/")) {
    return OF_CONTAINERS.has(name) || isHugePages(name)
      ? causes
      : [...causes, invalid(field, name, "must be a standard resource for containers")];
  }
  return isNativeName(name) || isExtendedName(name)
    ? causes
    : [...causes, invalid(field, name, "doesn't follow extended resource name standard")];
}

/** The rules for what a quota can limit. */
export function quotaAmountNameCauses(name: string, field: string): Cause[] {
  const causes = amountNameCauses(name, field);
  return name.includes("/") || isStandardQuotaName(name)
    ? causes
    : [...causes, invalid(field, name, "must be a standard resource for quota")];
}
