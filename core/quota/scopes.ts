import type { Pod } from "../resources/core/pods/pods.ts";
import type { PodAffinityTerm } from "../resources/core/pods/spec/affinity.ts";
import { qosClassOf } from "../resources/core/pods/spec/qos.ts";
import type {
  ResourceQuotaSpec,
  ScopeRequirement,
} from "../resources/core/quotas/resource_quota_spec.ts";
import type { KubeObject } from "../resources/resource.ts";
import type { Claim } from "./usage.ts";

/** The conditions of a quota on the objects that count. */
export function scopesOf({ scopes = [], scopeSelector }: ResourceQuotaSpec): ScopeRequirement[] {
  const plain = scopes.map((scopeName) => ({ scopeName, operator: "Exists" }));
  return [...plain, ...scopeSelector?.matchExpressions ?? []];
}

/** Whether an object of the kind meets all conditions. */
export function isInScopes(
  kind: string,
  object: KubeObject,
  scopes: readonly ScopeRequirement[],
): boolean {
  return scopes.every((scope) => {
    if (kind === "pods") return isPodInScope(object as Pod, scope);
    if (kind === "persistentvolumeclaims") return isClaimInScope(object as Claim, scope);
    return false;
  });
}

function isPodInScope(pod: Pod, scope: ScopeRequirement): boolean {
  switch (scope.scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass": {
      const { priorityClassName } = pod.spec;
      return holds(scope, priorityClassName ? [priorityClassName] : []);
    }
    case "CrossNamespacePodAffinity":
      return looksAtOtherNamespaces(pod);
    default:
      return false;
  }
}

function isClaimInScope({ spec, status }: Claim, scope: ScopeRequirement): boolean {
  if (scope.scopeName !== "VolumeAttributesClass") return false;
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return holds(scope, names.filter((name) => name !== undefined && name !== ""));
}

/** Whether one of the names meets the condition; `NotIn` and `DoesNotExist` are met by none, too. */
function holds({ operator, values = [] }: ScopeRequirement, names: readonly unknown[]): boolean {
  const isListed = (name: unknown) => values.some((value) => value === name);
  switch (operator) {
    case "In":
      return names.some(isListed);
    case "NotIn":
      return names.length === 0 || names.some((name) => !isListed(name));
    case "Exists":
      return names.length > 0;
    default:
      return names.length === 0;
  }
}

function isTerminating({ spec: { activeDeadlineSeconds } }: Pod): boolean {
  return activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0;
}

function isBestEffort({ status, spec }: Pod): boolean {
  return (status.qosClass ?? qosClassOf(spec)) === "BestEffort";
}

function looksAtOtherNamespaces({ spec: { affinity } }: Pod): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((part) =>
    part?.requiredDuringSchedulingIgnoredDuringExecution?.some(isAcrossNamespaces) ||
    part?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) =>
      isAcrossNamespaces(podAffinityTerm)
    )
  );
}

function isAcrossNamespaces({ namespaces = [], namespaceSelector }: PodAffinityTerm): boolean {
  return namespaces.length > 0 || namespaceSelector !== undefined;
}
