import { type Cause, forbidden, invalid, missing } from "../../../../../schema/causes.ts";
import { labelSelectorCauses } from "../../../../../schema/label_selector.ts";
import {
  labelNameFaults,
  type NameRule,
  qualifiedNameFaults,
} from "../../../../../schema/names.ts";
import type { Affinity, PodAffinityTerm } from "../affinity.ts";
import type { PodSpec } from "../pod_spec.ts";

/** Faults of what a pod says about the pods near it; `field` is the path of the affinity. */
export function podAffinityCauses(
  { podAffinity, podAntiAffinity }: Affinity,
  field: string,
): Cause[] {
  return [
    ...termsCauses(podAffinity ?? {}, `${field}.podAffinity`),
    ...termsCauses(podAntiAffinity ?? {}, `${field}.podAntiAffinity`),
  ];
}

function termsCauses(
  {
    requiredDuringSchedulingIgnoredDuringExecution: required = [],
    preferredDuringSchedulingIgnoredDuringExecution: preferred = [],
  }: NonNullable<Affinity["podAffinity"]>,
  field: string,
): Cause[] {
  return [
    ...required.flatMap((term, i) =>
      termCauses(term, `${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`)
    ),
    ...preferred.flatMap(({ podAffinityTerm }, i) =>
      termCauses(
        podAffinityTerm,
        `${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm`,
      )
    ),
  ];
}

function termCauses(term: PodAffinityTerm, field: string): Cause[] {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey } = term;
  return [
    ...(labelSelector ? labelSelectorCauses(labelSelector, `${field}.labelSelector`) : []),
    ...(namespaceSelector
      ? labelSelectorCauses(namespaceSelector, `${field}.namespaceSelector`)
      : []),
    ...namespaces.flatMap((name) => faultCauses(`${field}.namespace`, name, labelNameFaults)),
    ...labelKeyCauses(term, field),
    ...(topologyKey === "" ? [missing(`${field}.topologyKey`, "can not be empty")] : []),
    ...faultCauses(`${field}.topologyKey`, topologyKey, qualifiedNameFaults),
  ];
}

type Keyed = Pick<PodAffinityTerm, "labelSelector" | "matchLabelKeys" | "mismatchLabelKeys">;

/** Of a new pod the selectors have the rules of the keys already: what is there twice was there before. */
function labelKeyCauses(keyed: Keyed, field: string): Cause[] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = keyed;
  const causes = [
    ...keyListCauses(matchLabelKeys, keyed, `${field}.matchLabelKeys`),
    ...keyListCauses(mismatchLabelKeys, keyed, `${field}.mismatchLabelKeys`),
  ];
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.lastIndexOf(key);
    if (index >= 0 && seen.has(key)) {
      const rule = "exists in both matchLabelKeys and labelSelector";
      causes.push(invalid(`${field}[${index}]`, key, rule));
    }
    seen.add(key);
  }
  matchLabelKeys.forEach((key, i) => {
    if (!mismatchLabelKeys.includes(key)) return;
    const rule = "exists in both matchLabelKeys and mismatchLabelKeys";
    causes.push(invalid(`${field}.matchLabelKeys[${i}]`, key, rule));
  });
  return causes;
}

function keyListCauses(keys: readonly string[], { labelSelector }: Keyed, field: string): Cause[] {
  if (keys.length === 0) return [];
  if (labelSelector === undefined) {
    return [forbidden(field, "must not be specified when labelSelector is not set")];
  }
  return keys.flatMap((key, i) => faultCauses(`${field}[${i}]`, key, qualifiedNameFaults));
}

/** An empty name is a fault, too. */
function faultCauses(field: string, name: string, rule: NameRule): Cause[] {
  return rule(name).map((fault) => invalid(field, name, fault));
}

/** Faults of how a pod wants to be spread; `field` is the path of the constraints. */
export function spreadCauses({ topologySpreadConstraints = [] }: PodSpec, field: string): Cause[] {
  return topologySpreadConstraints.flatMap((constraint, i) => {
    const { labelSelector, maxSkew, minDomains, topologyKey, whenUnsatisfiable } = constraint;
    const at = `${field}[${i}]`;
    const causes: Cause[] = [];
    if (maxSkew <= 0) causes.push(invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero"));
    if (topologyKey === "") causes.push(missing(`${at}.topologyKey`, "can not be empty"));
    if (minDomains !== undefined && minDomains <= 0) {
      causes.push(invalid(`${at}.minDomains`, minDomains, "must be greater than zero"));
    }
    if (minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule") {
      const rule =
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
      causes.push(invalid(`${at}.minDomains`, minDomains, rule));
    }
    causes.push(...labelKeyCauses(constraint, at));
    if (labelSelector) causes.push(...labelSelectorCauses(labelSelector, `${at}.labelSelector`));
    return causes;
  });
}
