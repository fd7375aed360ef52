import { ownField } from "../../lib/own_field.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Affinity } from "../../resources/core/pods/spec/affinity.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, refusal } from "../plugin.ts";

type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;
type Term = NonNullable<
  NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]
>["nodeSelectorTerms"][number];
type Rule = NonNullable<Term["matchExpressions"]>[number];

const REFUSAL = refusal("node(s) didn't match Pod's node affinity/selector");

/**
 * Keeps pods to the nodes that their node selector and node affinity name. Kubernetes: `plugins/nodeaffinity`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
 */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  filter: selected,
  wakes: { nodeAdded: acceptedNow(selected), nodeChanged: acceptedNow(selected) },
  score({ spec: { affinity } }) {
    const wishes = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const total = wishes.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    return ({ node }) =>
      100 / total * wishes.reduce(
        (sum, { weight, preference }) => sum + (fits(preference, node) ? weight : 0),
        0,
      );
  },
};

function selected({ spec: { nodeSelector = {}, affinity } }: Pod): Filter | undefined {
  const labels = Object.entries(nodeSelector);
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    ?.nodeSelectorTerms;
  if (labels.length === 0 && terms === undefined) return undefined;
  return ({ node }) => {
    const isSelected = labels.every(([key, value]) =>
      ownField(node.metadata.labels, key) === value
    );
    const isWanted = terms?.some((term) => fits(term, node)) ?? true;
    return isSelected && isWanted ? undefined : REFUSAL;
  };
}

/** A term without rules fits no node. */
function fits({ matchExpressions = [], matchFields = [] }: Term, { metadata }: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((rule) => keeps(rule, ownField(metadata.labels, rule.key))) &&
    matchFields.every((rule) => rule.key === "metadata.name" && keeps(rule, metadata.name));
}

function keeps({ operator, values = [] }: Rule, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number.parseInt(value) > Number.parseInt(values[0] ?? "");
    case "Lt":
      return value !== undefined && Number.parseInt(value) < Number.parseInt(values[0] ?? "");
  }
}
