import type { View } from "../../client/client.ts";
import type { DaemonSet } from "../../resources/apps/daemon_sets.ts";
import type { StatefulSet } from "../../resources/apps/stateful_sets.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { REVISION_HASH } from "./revisions.ts";

/** A workload whose pods have places, ordinals or nodes: a new pod comes where the old one was, and not beside it. */
export type InPlaceWorkload = StatefulSet | DaemonSet;

export function isStatefulSet(workload: InPlaceWorkload): workload is StatefulSet {
  return "replicas" in workload.spec;
}

/** The weight that stands for all places. */
export const WEIGHT_MAX = 100;

/** How the places of a workload are divided between two revisions, named by their hashes. */
export interface Division {
  /** The revision that users can rely on. */
  stable: string;
  /** How many of 100 places get the new revision; all others have the stable one. */
  weight: number;
  /** No pod is replaced for now. */
  holds: boolean;
}

/**
 * How a workload that is rolled out in steps is divided now; `undefined`: it is not, and all places get the revision of its
 * template, of the hash `wanted`. `owned`: its pods.
 */
export type Divide = (
  workload: InPlaceWorkload,
  wanted: string,
  owned: readonly Pod[],
  view: View,
) => Division | undefined;

/** All places get the template at once, as fast as the strategy of the workload lets them. */
export const UNDIVIDED: Divide = (): undefined => undefined;

/** The hash of a revision, of its name `web-5f8c9` or of the label of a pod, which has either. */
export function hashIn(name: string): string {
  return name.slice(name.lastIndexOf("-") + 1);
}

/** The hash of the revision that a pod is made of; empty when nothing says so. */
export function hashOfPod({ metadata: { labels } }: Pod): string {
  return hashIn(labels?.[REVISION_HASH] ?? "");
}

/** Whether some pods are of the template, and others are not: an update without steps is under way. */
export function isUpdating(wanted: string, owned: readonly Pod[]): boolean {
  const updated = owned.filter((pod) => hashOfPod(pod) === wanted).length;
  return updated > 0 && updated < owned.length;
}

/** The revision of most pods, for as long as no Rollout says which one is stable; `undefined` without pods. */
export function stableAtFirst(owned: readonly Pod[]): string | undefined {
  const counts = new Map<string, number>();
  for (const pod of owned) counts.set(hashOfPod(pod), (counts.get(hashOfPod(pod)) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0];
}

/**
 * How many places of `places` a weight stands for: the nearest number, but at least one for any weight, and not all of
 * them before all are meant. A single place is the exception: any weight is all of it.
 */
export function placesFor(weight: number, places: number): number {
  if (weight <= 0 || places <= 0) return 0;
  if (weight >= WEIGHT_MAX || places === 1) return places;
  return Math.min(Math.max(1, Math.round(places * weight / WEIGHT_MAX)), places - 1);
}
