import { ownField } from "../../../lib/own_field.ts";
import type { LabelSelector } from "../../../schema/label_selector.ts";

/** Labels of nodes that have another name today, with what Kubernetes says of them (`pkg/api/node/util.go`). */
const DEPRECATED: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region":
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone":
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type":
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods":
    "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What to use in place of a node's label; `undefined` for one that is not deprecated. */
export function nodeLabelDeprecation(label: string): string | undefined {
  return ownField(DEPRECATED, label);
}

/** The warnings about rules, at `field`, that ask for deprecated labels of nodes. */
export function nodeRuleWarnings(
  rules: readonly { key: string }[] = [],
  field: string,
): string[] {
  return rules.flatMap(({ key }, i) => {
    const deprecation = nodeLabelDeprecation(key);
    return deprecation === undefined ? [] : [`${field}[${i}].key: ${key} is ${deprecation}`];
  });
}

/** The same for a selector of nodes. */
export function nodeSelectorWarnings(selector: LabelSelector | undefined, field: string): string[] {
  return [
    ...nodeRuleWarnings(selector?.matchExpressions, `${field}.matchExpressions`),
    ...Object.keys(selector?.matchLabels ?? {}).flatMap((label) => {
      const deprecation = nodeLabelDeprecation(label);
      return deprecation === undefined ? [] : [`${field}.matchLabels.${label}: ${deprecation}`];
    }),
  ];
}
