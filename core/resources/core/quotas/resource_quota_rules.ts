import { type Cause, invalid, missing } from "../../../schema/causes.ts";
import { compareQuantities, milliValueOf, quantityFault } from "../../../schema/quantities.ts";
import { isStandardQuotaName, isWholeNumber, quotaAmountNameCauses } from "./amount_names.ts";
import type { ResourceQuotaSpec, ScopeRequirement } from "./resource_quota_spec.ts";

const POD_COUNT = ["pods"];
const POD_AMOUNTS = [
  ...POD_COUNT,
  "cpu",
  "memory",
  "limits.cpu",
  "limits.memory",
  "requests.cpu",
  "requests.memory",
];
const CLAIM_AMOUNTS = ["persistentvolumeclaims", "requests.storage"];

/** The standard names that each scope can be applied to. */
const SCOPES: ReadonlyMap<string, readonly string[]> = new Map([
  ["Terminating", POD_AMOUNTS],
  ["NotTerminating", POD_AMOUNTS],
  ["BestEffort", POD_COUNT],
  ["NotBestEffort", POD_AMOUNTS],
  ["PriorityClass", POD_AMOUNTS],
  ["CrossNamespacePodAffinity", POD_AMOUNTS],
  ["VolumeAttributesClass", CLAIM_AMOUNTS],
]);
/** Scopes that an object has or has not. */
const WITHOUT_VALUES = [
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
];
const CONFLICTING = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] as const;

/** The rules for a quota, in the words of `ValidateResourceQuota` and `ValidateResourceQuotaUpdate`. */
export function resourceQuotaCauses(
  next: ResourceQuotaSpec,
  previous: ResourceQuotaSpec | undefined,
): Cause[] {
  return [
    ...hardCauses(next.hard ?? {}),
    ...scopeCauses(next),
    ...selectorCauses(next),
    ...(previous && areOthers(next.scopes, previous.scopes)
      ? [invalid("spec.scopes", next.scopes ?? null, "field is immutable")]
      : []),
  ];
}

function hardCauses(hard: Readonly<Record<string, string>>): Cause[] {
  return Object.entries(hard).flatMap(([name, amount]) => {
    const field = `spec.hard[${name}]`;
    const causes = quotaAmountNameCauses(name, field);
    if (quantityFault(amount) !== undefined) return causes; // the schema has named it already
    if (compareQuantities(amount, "0") < 0) {
      causes.push(invalid(field, amount, "must be greater than or equal to 0"));
    }
    if (isWholeNumber(name) && milliValueOf(amount) % 1000 !== 0) {
      causes.push(invalid(field, amount, "must be an integer"));
    }
    return causes;
  });
}

function scopeCauses({ hard, scopes = [] }: ResourceQuotaSpec): Cause[] {
  const field = "spec.scopes";
  return [
    ...scopes.flatMap((scope) => [
      ...(SCOPES.has(scope) ? [] : [invalid(field, scopes, "unsupported scope")]),
      ...misappliedTo(scope, hard).map(() =>
        invalid(field, scopes, "unsupported scope applied to resource")
      ),
    ]),
    ...conflictsIn(scopes).map(() => invalid(field, scopes, "conflicting scopes")),
  ];
}

function selectorCauses({ hard, scopes, scopeSelector }: ResourceQuotaSpec): Cause[] {
  if (!scopeSelector) return [];
  const field = "spec.scopeSelector.matchExpressions";
  const requirements = scopeSelector.matchExpressions ?? [];
  return [
    ...requirements.flatMap((requirement) => [
      ...(SCOPES.has(requirement.scopeName)
        ? []
        : [invalid(`${field}.scopeName`, requirement.scopeName, "unsupported scope")]),
      ...misappliedTo(requirement.scopeName, hard).map(() =>
        invalid(field, scopeSelector, "unsupported scope applied to resource")
      ),
      ...operatorCauses(requirement, field),
    ]),
    ...conflictsIn(requirements.map(({ scopeName }) => scopeName))
      .map(() => invalid(field, scopes ?? null, "conflicting scopes")),
  ];
}

function operatorCauses({ scopeName, operator, values = [] }: ScopeRequirement, at: string) {
  const causes: Cause[] = [];
  if (WITHOUT_VALUES.includes(scopeName) && operator !== "Exists") {
    causes.push(invalid(
      `${at}.operator`,
      operator,
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    ));
  }
  switch (operator) {
    case "In":
    case "NotIn": {
      const why =
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) causes.push(missing(`${at}.values`, why));
      return causes;
    }
    case "Exists":
    case "DoesNotExist": {
      const why =
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) causes.push(invalid(`${at}.values`, values, why));
      return causes;
    }
    default:
      causes.push(invalid(`${at}.operator`, operator, "not a valid selector operator"));
      return causes;
  }
}

/** The names among `hard` that the scope says nothing about. */
function misappliedTo(scope: string, hard: ResourceQuotaSpec["hard"]): string[] {
  const known = SCOPES.get(scope);
  if (!known) return [];
  return Object.keys(hard ?? {}).filter((name) =>
    isStandardQuotaName(name) && !known.includes(name)
  );
}

function conflictsIn(scopes: readonly string[]): unknown[] {
  return CONFLICTING.filter((pair) => pair.every((scope) => scopes.includes(scope)));
}

function areOthers(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.some((scope) => !b.includes(scope)) || b.some((scope) => !a.includes(scope));
}
