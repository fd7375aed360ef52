import type { Plugin } from "../plugin.ts";

/**
 * Puts pods of one controller on different nodes. Kubernetes: the default constraints of
 * `plugins/podtopologyspread`.
 */
export const spreading: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  score({ metadata }) {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined) return undefined;
    return ({ owners }) => 100 / (1 + (owners.get(owner) ?? 0));
  },
};
