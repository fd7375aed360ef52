import { untolerated } from "../../controllers/nodes/taints.ts";
import type { Taint } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, refusal } from "../plugin.ts";

const REPEL: readonly Taint["effect"][] = ["NoSchedule", "NoExecute"];
const REPEL_IF_POSSIBLE: readonly Taint["effect"][] = ["PreferNoSchedule"];

/** Keeps pods off nodes with taints that they do not tolerate. Kubernetes: `plugins/tainttoleration`. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  filter: tolerated,
  wakes: { nodeAdded: acceptedNow(tolerated), nodeChanged: acceptedNow(tolerated) },
  score: ({ spec: { tolerations } }) => ({ node: { spec: { taints } } }) => {
    if (taints === undefined) return 100;
    const untoleratedTaints = taints.filter((taint) =>
      untolerated([taint], tolerations, REPEL_IF_POSSIBLE) !== undefined
    );
    return 100 / (1 + untoleratedTaints.length);
  },
};

function tolerated({ spec: { tolerations } }: Pod): Filter {
  return ({ node }) => {
    const taint = untolerated(node.spec.taints, tolerations, REPEL);
    if (taint === undefined) return undefined;
    return refusal(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`);
  };
}
