import { ownField } from "../../lib/own_field.ts";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Affinity } from "../../resources/core/pods/spec/affinity.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, refusal } from "../plugin.ts";

type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;
type Term = NonNullable<
  NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]
>["nodeSelectorTerms"][number];
type Requirement = NonNullable<Term["matchExpressions"]>[number];

const REFUSAL = refusal("node(s) didn't match Pod's node affinity/selector");

/**
 * Keeps pods to the nodes that their node selector and required node affinity match, and prefers those that their
 * preferred node affinity matches. Kubernetes: `plugins/nodeaffinity`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
 */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  filter: selected,
  wakes: { nodeAdded: acceptedNow(selected), nodeChanged: acceptedNow(selected) },
  score({ spec: { affinity } }) {
    const preferences = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ??
      [];
    const total = preferences.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    return ({ node }) =>
      100 / total * preferences.reduce(
        (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
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
    const isWanted = terms?.some((term) => matchesTerm(term, node)) ?? true;
    return isSelected && isWanted ? undefined : REFUSAL;
  };
}

/** A term without requirements matches no node. */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: Term,
  { metadata }: Node,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((requirement) =>
    satisfies(requirement, ownField(metadata.labels, requirement.key))
  ) &&
    matchFields.every((requirement) =>
      requirement.key === "metadata.name" && satisfies(requirement, metadata.name)
    );
}

function satisfies({ operator, values = [] }: Requirement, value: string | undefined): boolean {
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
