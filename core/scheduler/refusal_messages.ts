import type { Preemption } from "./plugin.ts";

/** What a search for a node came to. */
export interface FailedSearch {
  /** How many nodes there are. */
  count: number;
  /** Why, once for each node that was refused. */
  reasons: readonly string[];
  /** Whether the reasons hold for all nodes, so that none was looked at. */
  isForAll: boolean;
  preemption: Preemption | undefined;
}

/** Why a pod fits nowhere. Kubernetes: `FitError.Error` in `pkg/scheduler/framework/types.go`. */
export function explain({ count, reasons, isForAll, preemption }: FailedSearch): string {
  const why = isForAll ? reasons.join(", ") : histogram(reasons);
  const found = `0/${count} nodes are available:${why && ` ${why}.`}`;
  if (preemption === undefined || "node" in preemption) return found;
  return `${found} preemption: ${preemption.none}`;
}

/** Why evicting pods would not help, in the same words: `reasons`, once for each node. */
export function noVictims(count: number, reasons: readonly string[]): string {
  return `0/${count} nodes are available: ${histogram(reasons)}.`;
}

function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
}
