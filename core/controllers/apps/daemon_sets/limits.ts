import type { DaemonSet } from "../../../resources/apps/daemon_sets.ts";
import { shareOf } from "../../../schema/shares.ts";

/** How many nodes may have a second pod, or none, during an update. */
export interface Limits {
  maxSurge: number;
  maxUnavailable: number;
}

/** In pods, shares rounded up; never both 0, or nothing could move. Kubernetes: `updatedDesiredNodeCounts`. */
export function limitsOf(daemonSet: DaemonSet, wanted: number): Limits {
  const { rollingUpdate = {} } = daemonSet.spec.updateStrategy;
  const maxSurge = podsOf(rollingUpdate.maxSurge ?? 0, wanted);
  const maxUnavailable = podsOf(rollingUpdate.maxUnavailable ?? 0, wanted);
  return { maxSurge, maxUnavailable: maxSurge + maxUnavailable === 0 ? 1 : maxUnavailable };
}

/** Whether a node may have two pods. Kubernetes: `AllowsSurge`. */
export function hasSurge(daemonSet: DaemonSet): boolean {
  return daemonSet.spec.updateStrategy.type === "RollingUpdate" &&
    limitsOf(daemonSet, 1).maxSurge > 0;
}

function podsOf(limit: number | string, wanted: number): number {
  const number = shareOf(limit) ?? 0;
  return typeof limit === "string" ? Math.ceil(number * wanted / 100) : number;
}
