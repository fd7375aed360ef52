import { tolerates, UNSCHEDULABLE } from "../../controllers/nodes/taints.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { acceptedNow, type Filter, type Plugin, refusal } from "../plugin.ts";

const REFUSAL = refusal("node(s) were unschedulable");
const TAINT = { key: UNSCHEDULABLE, effect: "NoSchedule" } as const;

/** Keeps pods off nodes that were cordoned. Kubernetes: `plugins/nodeunschedulable`. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  filter: schedulable,
  wakes: { nodeAdded: acceptedNow(schedulable), nodeChanged: acceptedNow(schedulable) },
};

function schedulable({ spec }: Pod): Filter | undefined {
  const isTolerated = spec.tolerations?.some((toleration) => tolerates(toleration, TAINT)) ??
    false;
  if (isTolerated) return undefined;
  return ({ node }) => node.spec.unschedulable ? REFUSAL : undefined;
}
