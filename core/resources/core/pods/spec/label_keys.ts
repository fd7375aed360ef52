import { ownField } from "../../../../lib/own_field.ts";
import type { LabelSelector } from "../../../../schema/label_selector.ts";
import type { Labels } from "../../../../schema/selectors.ts";
import type { Affinity, PodAffinityTerm } from "./affinity.ts";
import type { PodSpec } from "./pod_spec.ts";

type PodTerms = NonNullable<Affinity["podAffinity"]>;
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/**
 * The spec of a new pod with the labels that its affinity and spread constraints name by their keys alone: they become
 * rules of the selectors, with the values that the pod has.
 *
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/3633-matchlabelkeys-to-podaffinity
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/3243-respect-pod-topology-spread-after-rolling-upgrades
 */
export function withLabelKeys(spec: PodSpec, labels: Labels | undefined): PodSpec {
  const { affinity, topologySpreadConstraints: constraints } = spec;
  const { podAffinity, podAntiAffinity } = affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined && constraints === undefined) {
    return spec;
  }
  return {
    ...spec,
    ...(affinity && {
      affinity: {
        ...affinity,
        ...(podAffinity && { podAffinity: withTerms(podAffinity, labels) }),
        ...(podAntiAffinity && { podAntiAffinity: withTerms(podAntiAffinity, labels) }),
      },
    }),
    ...(constraints && {
      topologySpreadConstraints: constraints.map((each) => withRules(each, labels)),
    }),
  };
}

function withTerms(terms: PodTerms, labels: Labels | undefined): PodTerms {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
  } = terms;
  return {
    ...terms,
    ...(required && {
      requiredDuringSchedulingIgnoredDuringExecution: required.map((term) =>
        withRules(term, labels)
      ),
    }),
    ...(preferred && {
      preferredDuringSchedulingIgnoredDuringExecution: preferred.map((each) => ({
        ...each,
        podAffinityTerm: withRules(each.podAffinityTerm, labels),
      })),
    }),
  };
}

type Keyed = Pick<PodAffinityTerm, "labelSelector" | "matchLabelKeys" | "mismatchLabelKeys">;

/** A selector that is not set selects nothing, whatever the keys. */
function withRules<T extends Keyed>(keyed: T, labels: Labels | undefined): T {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = keyed;
  const rules = [
    ...rulesOf(matchLabelKeys, "In", labels),
    ...rulesOf(mismatchLabelKeys, "NotIn", labels),
  ];
  if (labelSelector === undefined || rules.length === 0) return keyed;
  const matchExpressions = [...labelSelector.matchExpressions ?? [], ...rules];
  return { ...keyed, labelSelector: { ...labelSelector, matchExpressions } };
}

function rulesOf(
  keys: readonly string[],
  operator: "In" | "NotIn",
  labels: Labels | undefined,
): Requirement[] {
  return keys.flatMap((key) => {
    const value = ownField(labels, key);
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}
