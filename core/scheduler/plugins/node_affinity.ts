import { matchesNodeTerm, selectedNodes } from "../../resources/core/nodes/node_selection.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import {
  acceptedNow,
  type Filter,
  highestIsBest,
  type Plugin,
  type PreFilterResult,
  refusal,
} from "../plugin.ts";

const REFUSAL = refusal("node(s) didn't match Pod's node affinity/selector");
const CONFLICT = refusal("pod affinity terms conflict");

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
  preFilter: namedNodes,
  score({ spec: { affinity } }) {
    const preferences = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ??
      [];
    if (preferences.length === 0) return undefined;
    return ({ node }) =>
      preferences.reduce(
        (sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0),
        0,
      );
  },
  normalize: highestIsBest,
};

/** The nodes that a pod names, as those of a DaemonSet do: no others have to be looked at. */
function namedNodes({ spec: { affinity } }: Pod): PreFilterResult | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    ?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) =>
      key === "metadata.name" && operator === "In"
    ).map(({ values }) => new Set(values));
    if (named.length === 0) return undefined;
    named.reduce((both, some) => both.intersection(some)).forEach((name) => names.add(name));
  }
  return names.size === 0 ? CONFLICT : names;
}

function selected({ spec }: Pod): Filter | undefined {
  const isSelected = selectedNodes(spec);
  return isSelected && (({ node }) => isSelected(node) ? undefined : REFUSAL);
}
