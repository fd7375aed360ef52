import { matchesNodeTerm, selectedNodes } from "../../resources/core/nodes/node_selection.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, refusal } from "../plugin.ts";

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
        (sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0),
        0,
      );
  },
};

function selected({ spec }: Pod): Filter | undefined {
  const isSelected = selectedNodes(spec);
  return isSelected && (({ node }) => isSelected(node) ? undefined : REFUSAL);
}
