import { ownField } from "../../../lib/own_field.ts";
import type { NodeSelector } from "../pods/spec/affinity.ts";
import type { PodSpec } from "../pods/spec/pod_spec.ts";
import type { Node } from "./nodes.ts";

export type NodeSelectorTerm = NodeSelector["nodeSelectorTerms"][number];
type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

/**
 * Which nodes a pod may be on by its node selector and the node affinity that it requires; `undefined`: on any.
 * Kubernetes: `nodeaffinity.GetRequiredNodeAffinity`.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
 */
export function selectedNodes(
  { nodeSelector = {}, affinity }: Pick<PodSpec, "nodeSelector" | "affinity">,
): ((node: Node) => boolean) | undefined {
  const labels = Object.entries(nodeSelector);
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    ?.nodeSelectorTerms;
  if (labels.length === 0 && terms === undefined) return undefined;
  return (node) =>
    labels.every(([key, value]) => ownField(node.metadata.labels, key) === value) &&
    (terms?.some((term) => matchesNodeTerm(term, node)) ?? true);
}

/** Whether all rules of the term hold for the node. A term without rules matches no node. */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
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
      return numberOf(value) > numberOf(values[0]);
    case "Lt":
      return numberOf(value) < numberOf(values[0]);
  }
}

/** `NaN`, which compares to nothing, for what is no whole number. */
function numberOf(text: string | undefined): number {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
}
