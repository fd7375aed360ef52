import { untolerated } from "../../controllers/nodes/taints.ts";
import type { Taint } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, lowestIsBest, type Plugin, refusal } from "../plugin.ts";

const REFUSAL = refusal("node(s) had untolerated taint(s)");
const REPEL: readonly Taint["effect"][] = ["NoSchedule", "NoExecute"];
const REPEL_IF_POSSIBLE: readonly Taint["effect"][] = ["PreferNoSchedule"];

/** Keeps pods off nodes with taints that they do not tolerate. Kubernetes: `plugins/tainttoleration`. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  filter: tolerated,
  wakes: { nodeAdded: acceptedNow(tolerated), nodeChanged: acceptedNow(tolerated) },
  score: ({ spec: { tolerations } }) => ({ node: { spec: { taints = [] } } }) =>
    taints.filter((taint) => untolerated([taint], tolerations, REPEL_IF_POSSIBLE) !== undefined)
      .length,
  normalize: lowestIsBest,
};

function tolerated({ spec: { tolerations } }: Pod): Filter {
  return ({ node }) =>
    untolerated(node.spec.taints, tolerations, REPEL) === undefined ? undefined : REFUSAL;
}
