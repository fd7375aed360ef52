import type { View } from "../../../client/client.ts";
import { msOf } from "../../../lib/timestamp.ts";
import { shareOf } from "../../../schema/shares.ts";
import { type Rollout, rollouts } from "../../../resources/argoproj/mod.ts";
import { budgetOf, mayGoUnhealthy, spent } from "../../../resources/core/pods/eviction.ts";
import { availableInMs } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import {
  type PodDisruptionBudget,
  podDisruptionBudgets,
} from "../../../resources/policy/pod_disruption_budgets.ts";
import { SubresourceRefusal } from "../../../resources/subresource.ts";
import { act, type Watch, type Write } from "../../runtime/controller.ts";
import type { Pass } from "../situation/pass.ts";
import { oldestFirst, sizeOf } from "../situation/sets.ts";
import type { ResolvedRollout, Situation } from "../situation/situation.ts";
import { limitsOf } from "../sizes/sizes.ts";

/** Looks again while pods are left to restart: their end may change nothing that is watched. */
const AGAIN_MS = 30_000;

/**
 * Evicts pods that are older than `restartAt`, once that has passed: as many as may be missing, at least one, those of the
 * stable set first. What a PodDisruptionBudget forbids waits. Gives how many pods it evicts.
 *
 * Argo Rollouts: `rollout/restart.go`.
 * https://argo-rollouts.readthedocs.io/en/stable/features/restart/
 */
export function restartPods(situation: Situation, pass: Pass): number {
  const { rollout, all, nowMs } = situation;
  const restartMs = restartMsOf(rollout);
  if (restartMs === undefined) return 0;
  if (nowMs <= restartMs) {
    pass.wakeIn(restartMs - nowMs + 1);
    return 0;
  }
  const owned = podsOf(situation);
  const old = owned.filter(({ metadata }) => msOf(metadata.creationTimestamp) < restartMs);
  const available = owned.filter((pod) => isAvailable(pod, situation)).length;
  const wanted = Math.max(rollout.spec.replicas, sizeOf(all));
  const missingMax = Math.max(1, unavailableMaxOf(rollout));
  const room = Math.max(0, available - (wanted - missingMax));
  const evictable = withoutProtected(old.filter(isStaying), situation);
  const evicted = evictable.slice(0, room);
  pass.write(...evicted.map(evictionOf));
  if (old.length === 0) pass.setStatus({ restartedAt: rollout.spec.restartAt });
  else pass.wakeIn(AGAIN_MS);
  return evicted.length;
}

/** When pods are to be restarted; `undefined`: they are not, or have been. */
function restartMsOf({ spec, status }: ResolvedRollout): number | undefined {
  if (spec.restartAt === undefined) return undefined;
  const restartMs = msOf(spec.restartAt);
  return msOf(status.restartedAt) === restartMs ? undefined : restartMs;
}

/** Pods of the stable set, then of the current one, then of others from the oldest on. */
function podsOf({ view, stable, current, others }: Situation): Pod[] {
  const sets = [...stable ? [stable] : [], current, ...oldestFirst(others)];
  const distinct = [...new Set(sets)];
  return distinct.flatMap(({ metadata }) => [...view.by(pods, "owner", metadata.uid)]);
}

function isStaying({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}

function isAvailable(pod: Pod, { rollout, nowMs }: Situation): boolean {
  const { minReadySeconds = 0 } = rollout.spec;
  return isStaying(pod) && availableInMs(pod, minReadySeconds, nowMs) === 0;
}

const SHARE_DEFAULT = "25%";

function unavailableMaxOf(rollout: ResolvedRollout): number {
  const { spec: { strategy, replicas } } = rollout;
  if (strategy.canary) return limitsOf(rollout).unavailable;
  const max = strategy.blueGreen?.maxUnavailable ?? SHARE_DEFAULT;
  if (typeof max === "number") return Math.min(max, replicas);
  return Math.min(Math.floor((shareOf(max) ?? 0) * replicas / 100), replicas);
}

/** Without pods whose eviction a budget would refuse, once those before them are gone. */
function withoutProtected(candidates: readonly Pod[], situation: Situation): Pod[] {
  const { view, stored: { metadata: { namespace } }, nowMs } = situation;
  const budgets = new Map<string, PodDisruptionBudget>(
    view.list(podDisruptionBudgets, namespace).map((each) => [each.metadata.uid, each]),
  );
  if (budgets.size === 0) return [...candidates];
  return candidates.filter((pod) => {
    try {
      const budget = budgetOf(pod, [...budgets.values()]);
      if (!budget || pod.status.phase !== "Running" || mayGoUnhealthy(pod, budget)) return true;
      budgets.set(budget.metadata.uid, spent(budget, pod.metadata.name, nowMs));
      return true;
    } catch (error) {
      if (error instanceof SubresourceRefusal) return false;
      throw error;
    }
  });
}

/** One that is refused all the same, or whose pod is gone, is left to the next look. */
function evictionOf({ metadata: { namespace, name } }: Pod): Write {
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
  return act(pods, { namespace, name }, "eviction", body);
}

/** A budget that goes, or has something to spare again, lets restarts go on. */
export const restartWatches: readonly Watch[] = [{
  resource: podDisruptionBudgets,
  concerns: ({ metadata: { namespace } }, view: View) =>
    view.list(rollouts, namespace).filter(isRestarting).map(({ metadata }) => metadata),
}];

function isRestarting({ spec, status }: Rollout): boolean {
  return spec.restartAt !== undefined && spec.restartAt !== status?.restartedAt;
}
