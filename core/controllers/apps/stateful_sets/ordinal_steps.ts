import type { View } from "../../../client/client.ts";
import type { StatefulSet } from "../../../resources/apps/stateful_sets.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { type Divide, hashIn, placesFor } from "../division.ts";
import { templateIn } from "../revisions.ts";
import type { History, State } from "./history.ts";
import { rangeOf } from "./ordinals.ts";

/**
 * The history of a set that is rolled out in steps: what its Rollout relies on is current until the Rollout relies on the
 * update. The same as without steps when there are none, or when what was relied on is not known any more.
 */
export function historyInSteps(
  set: StatefulSet,
  history: History,
  { owned, view, divide }: { owned: readonly Pod[]; view: View; divide: Divide },
): History {
  const division = divide(set, hashIn(history.update.revision), owned, view);
  if (division === undefined) return history;
  const { stable, weight, holds } = division;
  const kept = history.stored.find(({ metadata }) => hashIn(metadata.name) === stable);
  if (kept === undefined) return history;
  const current = { revision: kept.metadata.name, template: templateIn(kept) };
  return { ...history, current, steps: { from: firstUpdated(set, weight), holds } };
}

/** The highest ordinals are updated first. What the set's own partition keeps back, stays back. */
function firstUpdated(set: StatefulSet, weight: number): number {
  const { replicas, updateStrategy: { rollingUpdate } } = set.spec;
  const { first } = rangeOf(set);
  return first + Math.max(replicas - placesFor(weight, replicas), rollingUpdate?.partition ?? 0);
}

/** What the pod of an ordinal is to be made of in an update, at or above the set's own partition. */
export function stateAt({ current, update, steps }: History, ordinal: number): State {
  return steps === undefined || ordinal >= steps.from ? update : current;
}
