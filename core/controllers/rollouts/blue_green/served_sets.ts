import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { selectedHash, serviceOf } from "../parts/services.ts";
import type { Way } from "../../../traffic/served_traffic.ts";
import { deadlineMsOf, hashOf } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";

/** Requests that are still in flight keep a set for this long at most: then its pods are told to end theirs. */
const REQUESTS_MAX_MS = 300_000;

/**
 * Whether users may still be sent to the pods of a set: the active Service selects them, or some proxy does not know yet
 * that it does not. Where the preview leads to does not matter.
 */
export function isServed(situation: Situation, set: ReplicaSet): boolean {
  const { rollout, traffic } = situation;
  const { activeService } = rollout.spec.strategy.blueGreen!;
  const active = serviceOf(situation, activeService);
  if (active !== undefined && selectedHash(active) === hashOf(set)) return true;
  if (traffic === undefined) return false;
  if (active !== undefined && !traffic.serves("Service", active)) return true;
  return waysTo(situation, set)
    .some(({ service, by }) => by === "share" || (by === "address" && service === activeService));
}

/** In how long the pods of a set whose time is over go, although requests are still in flight; 0 when none are. */
export function requestsEndInMs(situation: Situation, set: ReplicaSet): number {
  const deadlineMs = deadlineMsOf(set);
  const { nowMs } = situation;
  if (deadlineMs === undefined || deadlineMs > nowMs) return 0;
  if (!waysTo(situation, set).some(({ by }) => by === "request")) return 0;
  return Math.max(0, deadlineMs + REQUESTS_MAX_MS - nowMs);
}

function waysTo({ rollout, traffic }: Situation, set: ReplicaSet): readonly Way[] {
  const { namespace = "" } = rollout.metadata;
  return traffic?.waysTo({ namespace, hash: hashOf(set) }) ?? [];
}
