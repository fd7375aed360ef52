import { ownField } from "../lib/own_field.ts";
import type { Pod } from "../resources/core/pods/pods.ts";

/** What pods are told apart by that are scheduled in different ways. */
export interface Profile {
  /** Which nodes are preferred: those that have most left, or those that are filled most. */
  scoring: "LeastAllocated" | "MostAllocated";
}

/**
 * The profiles of the scheduler, by what pods write as their `spec.schedulerName`. Pods of other names are left to others.
 *
 * https://kubernetes.io/docs/reference/scheduling/config/#multiple-profiles
 * https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/
 */
const PROFILES: Readonly<Record<string, Profile>> = {
  "default-scheduler": { scoring: "LeastAllocated" },
  "most-allocated-scheduler": { scoring: "MostAllocated" },
};

/** The profile that a pod asks for; `undefined` when another scheduler is meant. */
export function profileOf({ spec: { schedulerName } }: Pod): Profile | undefined {
  return ownField(PROFILES, schedulerName);
}
