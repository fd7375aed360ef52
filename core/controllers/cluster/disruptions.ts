import type { ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { msOf } from "../../lib/timestamp.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import { statefulSets } from "../../resources/apps/stateful_sets.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { replicationControllers } from "../../resources/core/replication_controllers.ts";
import {
  DISRUPTION_MS,
  isSelectedBy,
  withAllowedCondition,
  withDisruptionCondition,
} from "../../resources/policy/disruptions.ts";
import {
  type BudgetStatus,
  type PodDisruptionBudget,
  podDisruptionBudgets,
} from "../../resources/policy/pod_disruption_budgets.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { shareOf } from "../../schema/shares.ts";
import {
  type Controller,
  type Plan,
  plan,
  recordEvent,
  updateStatus,
  type Watch,
} from "../runtime/controller.ts";

/** Kinds whose number of pods says how many of them there should be. */
const OWNERS: readonly AnyResource[] = [
  replicaSets,
  deployments,
  statefulSets,
  replicationControllers,
];

/** Which budgets are about a pod changes with its labels. */
const podsOfBudgets: Watch = {
  resource: pods,
  includesFormer: true,
  concerns: (pod, view): ObjectName[] =>
    budgetsIn(view, pod).filter(({ spec }) => isSelectedBy(spec, pod)).map(({ metadata }) =>
      metadata
    ),
};

function budgetsIn(view: View, { metadata: { namespace = "" } }: KubeObject) {
  return view.list(podDisruptionBudgets, namespace);
}

/**
 * Keeps the status of every PodDisruptionBudget: how many pods there should be, how many are healthy, and how many may
 * be evicted.
 *
 * Kubernetes: `pkg/controller/disruption/disruption.go`.
 */
export const disruptionController: Controller<PodDisruptionBudget> = {
  name: "disruption-controller",
  resource: podDisruptionBudgets,
  watches: [
    podsOfBudgets,
    ...OWNERS.map((resource): Watch => ({
      resource,
      concerns: (owner, view) => budgetsIn(view, owner).map(({ metadata }) => metadata),
    })),
  ],
  workers: 2,
  reconcile,
};

function reconcile(budget: PodDisruptionBudget, view: View, nowMs: number): Plan {
  const { metadata: { namespace }, spec, status } = budget;
  const covered = spec.selector === undefined
    ? []
    : view.list(pods, namespace).filter((pod) => isSelectedBy(spec, pod));
  const { disruptedPods, againAfterMs } = disruptedOf(status, covered, nowMs);
  const numbers = numbersOf(budget, covered, view);
  const next = "fault" in numbers
    ? failed(status, numbers.fault, nowMs)
    : statusOf(budget, { ...numbers, disruptedPods, covered }, nowMs);
  if (isEqual(next, status)) return plan([], againAfterMs);
  const event = eventAbout(budget, numbers, covered);
  return plan([
    updateStatus(podDisruptionBudgets, { ...budget, status: next }),
    ...(event ? [recordEvent(event)] : []),
  ], againAfterMs);
}

interface Numbers {
  expectedPods: number;
  desiredHealthy: number;
}

/** How many pods there should be, and how many of them healthy; or why that is not known. */
function numbersOf(
  { spec: { minAvailable, maxUnavailable } }: PodDisruptionBudget,
  covered: readonly Pod[],
  view: View,
): Numbers | { fault: string } {
  if (maxUnavailable === undefined && typeof minAvailable === "number") {
    return { expectedPods: covered.length, desiredHealthy: minAvailable };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) {
    return { expectedPods: 0, desiredHealthy: 0 };
  }
  const expected = scaleOf(covered, view);
  if ("fault" in expected) return expected;
  const expectedPods = expected.scale;
  const desiredHealthy = maxUnavailable === undefined
    ? scaled(minAvailable!, expectedPods)
    : Math.max(0, expectedPods - scaled(maxUnavailable, expectedPods));
  return { expectedPods, desiredHealthy };
}

/** A number of pods, or a share of `of` pods, rounded up. */
function scaled(share: number | string, of: number): number {
  const number = shareOf(share) ?? 0;
  return typeof share === "number" ? number : Math.ceil(number * of / 100);
}

/** The sum of what the owners of the pods ask for. Pods without an owner do not count. */
function scaleOf(covered: readonly Pod[], view: View): { scale: number } | { fault: string } {
  const scales = new Map<string, number>();
  const known = new Set<string>();
  for (const pod of covered) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner || known.has(owner.uid)) continue;
    known.add(owner.uid);
    const found = scalerOf(pod, view);
    if (!found) return { fault: `found no controllers for pod "${pod.metadata.name}"` };
    scales.set(found.metadata.uid, found.spec.replicas);
  }
  return { scale: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0) };
}

type Scaler = KubeObject & { spec: { replicas: number } };

/** What the number of pods is read from: their owner, or the Deployment above it. */
function scalerOf(pod: KubeObject, view: View): Scaler | undefined {
  const owner = ownerOf(pod, view);
  return owner && (ownerOf(owner, view) ?? owner);
}

function ownerOf({ metadata }: KubeObject, view: View): Scaler | undefined {
  const reference = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!reference) return undefined;
  const { kind, name, uid, apiVersion } = reference;
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  const resource = OWNERS.find((each) => each.kind === kind && each.group === group);
  const { namespace = "" } = metadata;
  const owner = resource && view.get(resource, { namespace, name });
  return owner?.metadata.uid === uid ? owner as Scaler : undefined;
}

/** Pods that are being evicted and still there, and when to look whether they went. */
function disruptedOf(
  { disruptedPods: before = {} }: BudgetStatus,
  covered: readonly Pod[],
  nowMs: number,
): { disruptedPods: Record<string, string>; againAfterMs: number | undefined } {
  const staying = covered.filter(({ metadata }) =>
    metadata.deletionTimestamp === undefined && Object.hasOwn(before, metadata.name)
  );
  const disrupted = staying.map(({ metadata: { name } }) => [name, before[name]!] as const)
    .filter(([, since]) => msOf(since) + DISRUPTION_MS > nowMs);
  const ends = disrupted.map(([, since]) => msOf(since) + DISRUPTION_MS - nowMs);
  return {
    disruptedPods: Object.fromEntries(disrupted),
    againAfterMs: ends.length > 0 ? Math.min(...ends) : undefined,
  };
}

function statusOf(
  { metadata: { generation }, status }: PodDisruptionBudget,
  { expectedPods, desiredHealthy, disruptedPods, covered }:
    & Numbers
    & { disruptedPods: Record<string, string>; covered: readonly Pod[] },
  nowMs: number,
): BudgetStatus {
  const currentHealthy = covered.filter((pod) =>
    pod.metadata.deletionTimestamp === undefined &&
    !Object.hasOwn(disruptedPods, pod.metadata.name) && isReady(pod)
  ).length;
  const spare = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  return withAllowedCondition({
    ...(status.conditions && { conditions: status.conditions }),
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    disruptionsAllowed: spare,
    currentHealthy,
    desiredHealthy,
    expectedPods,
  }, nowMs);
}

/** Nothing may be evicted while nobody knows how many pods there should be. */
function failed(status: BudgetStatus, fault: string, nowMs: number): BudgetStatus {
  const { observedGeneration } = status;
  return withDisruptionCondition({ ...status, disruptionsAllowed: 0 }, {
    status: "False",
    reason: "SyncFailed",
    message: fault,
    ...(observedGeneration !== undefined && { observedGeneration }),
  }, nowMs);
}

function eventAbout(
  about: PodDisruptionBudget,
  numbers: Numbers | { fault: string },
  covered: readonly Pod[],
) {
  if ("fault" in numbers) {
    const message = `Failed to calculate the number of expected pods: ${numbers.fault}`;
    return { about, type: "Warning", reason: "CalculateExpectedPodCountFailed", message } as const;
  }
  if (covered.length > 0) return undefined;
  return { about, type: "Normal", reason: "NoPods", message: "No matching pods found" } as const;
}
