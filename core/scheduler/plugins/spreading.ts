import { controllerOf } from "../../controllers/runtime/ownership.ts";
import { tallyingPlugin } from "../plugin.ts";

/** How many pods each controller has on a node, by the controller's uid. */
export type PodCounts = Map<string, number>;

/**
 * Prefers nodes with fewer pods of the same controller. Kubernetes: the default constraints of
 * `plugins/podtopologyspread`.
 */
export const spreading = tallyingPlugin<PodCounts>({
  name: "PodTopologySpread",
  weight: 2,
  tally: {
    begin: () => new Map(),
    add: (counts, pod) => count(counts, controllerOf(pod)?.uid, 1),
    remove: (counts, pod) => count(counts, controllerOf(pod)?.uid, -1),
  },
  score(pod) {
    const controller = controllerOf(pod)?.uid;
    if (controller === undefined) return undefined;
    return (_node, counts) => 100 / (1 + (counts.get(controller) ?? 0));
  },
});

function count(counts: PodCounts, controller: string | undefined, by: 1 | -1): void {
  if (controller === undefined) return;
  const sum = (counts.get(controller) ?? 0) + by;
  if (sum === 0) counts.delete(controller);
  else counts.set(controller, sum);
}
