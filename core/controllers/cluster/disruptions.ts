import type { ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { isEqual } from "../../lib/equality.ts";
import { msOf } from "../../lib/timestamp.ts";
import { isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
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
import type { KubeObject } from "../../resources/resource.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { formatSelector, selectorOf } from "../../schema/selectors.ts";
import { shareOf } from "../../schema/shares.ts";
import {
  type Controller,
  type Plan,
  plan,
  recordEvent,
  updateStatus,
  type Watch,
} from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { type OwnerScale, scaleOfOwner } from "./owner_scale.ts";

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
export function disruptionController(catalog: Catalog): Controller<PodDisruptionBudget> {
  return {
    name: "disruption-controller",
    resource: podDisruptionBudgets,
    watches: [podsOfBudgets],
    watchesOfKinds: {
      catalog,
      watchOf: (resource) =>
        resource.scale && resource.namespaced
          ? { resource, concerns: (owner, view) => budgetsIn(view, owner).map((b) => b.metadata) }
          : undefined,
    },
    workers: 2,
    reconcile: (budget, view, nowMs) => reconcile(catalog, budget, view, nowMs),
  };
}

function reconcile(
  catalog: Catalog,
  budget: PodDisruptionBudget,
  view: View,
  nowMs: number,
): Plan {
  const { metadata: { namespace }, spec, status } = budget;
  const covered = spec.selector === undefined
    ? []
    : view.list(pods, namespace).filter((pod) => isSelectedBy(spec, pod));
  const { disruptedPods, againAfterMs, notDeleted } = disruptedOf(status, covered, nowMs);
  const numbers = numbersOf(budget, covered, (pod) => scaleOfOwner(catalog, pod, view));
  const next = "fault" in numbers
    ? failed(status, numbers.fault, nowMs)
    : statusOf(budget, { ...numbers, disruptedPods, covered }, nowMs);
  if (isEqual(next, status)) return plan([], againAfterMs);
  return plan([
    updateStatus(podDisruptionBudgets, { ...budget, status: next }),
    ...noticesAbout(budget, numbers, covered).map(recordEvent),
    ...notDeleted.map((about) => recordEvent(stayed(about, budget))),
  ], againAfterMs);
}

interface Numbers {
  expectedPods: number;
  desiredHealthy: number;
  /** Whether there are pods that nobody owns, which are not in the numbers. */
  hasUnmanaged?: boolean;
}

/** How many pods there should be, and how many of them healthy; or why that is not known. */
function numbersOf(
  { spec: { minAvailable, maxUnavailable } }: PodDisruptionBudget,
  covered: readonly Pod[],
  scaleOf: (pod: Pod) => OwnerScale,
): Numbers | { fault: string } {
  if (maxUnavailable === undefined && typeof minAvailable === "number") {
    return { expectedPods: covered.length, desiredHealthy: minAvailable };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) {
    return { expectedPods: 0, desiredHealthy: 0 };
  }
  const expected = sumOfScales(covered, scaleOf);
  if ("fault" in expected) return expected;
  const { scale: expectedPods, hasUnmanaged } = expected;
  const desiredHealthy = maxUnavailable === undefined
    ? scaled(minAvailable!, expectedPods)
    : Math.max(0, expectedPods - scaled(maxUnavailable, expectedPods));
  return { expectedPods, desiredHealthy, hasUnmanaged };
}

/** A number of pods, or a share of `of` pods, rounded up. */
function scaled(share: number | string, of: number): number {
  const number = shareOf(share) ?? 0;
  return typeof share === "number" ? number : Math.ceil(number * of / 100);
}

/** The sum of what the owners of the pods ask for. Pods without an owner do not count. */
function sumOfScales(
  covered: readonly Pod[],
  scaleOf: (pod: Pod) => OwnerScale,
): { scale: number; hasUnmanaged: boolean } | { fault: string } {
  const scales = new Map<string, number>();
  const known = new Set<string>();
  let hasUnmanaged = false;
  for (const pod of covered) {
    const owner = controllerOf(pod);
    hasUnmanaged ||= owner === undefined;
    if (!owner || known.has(owner.uid)) continue;
    known.add(owner.uid);
    const found = scaleOf(pod);
    if ("fault" in found) return found;
    scales.set(found.uid, found.replicas);
  }
  const scale = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  return { scale, hasUnmanaged };
}

/** Pods that are being evicted and still there, and when to look whether they went. */
function disruptedOf(
  { disruptedPods: before = {} }: BudgetStatus,
  covered: readonly Pod[],
  nowMs: number,
): {
  disruptedPods: Record<string, string>;
  againAfterMs: number | undefined;
  notDeleted: readonly Pod[];
} {
  const staying = covered.filter(({ metadata }) =>
    metadata.deletionTimestamp === undefined && Object.hasOwn(before, metadata.name)
  );
  const isExpected = ({ metadata: { name } }: Pod) => msOf(before[name]) + DISRUPTION_MS > nowMs;
  const disrupted = staying.filter(isExpected)
    .map(({ metadata: { name } }) => [name, before[name]!] as const);
  const ends = disrupted.map(([, since]) => msOf(since) + DISRUPTION_MS - nowMs);
  return {
    disruptedPods: Object.fromEntries(disrupted),
    againAfterMs: ends.length > 0 ? Math.min(...ends) : undefined,
    notDeleted: staying.filter((pod) => !isExpected(pod)),
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

function noticesAbout(
  about: PodDisruptionBudget,
  numbers: Numbers | { fault: string },
  covered: readonly Pod[],
): Notice[] {
  const notices: Notice[] = covered.length > 0
    ? []
    : [{ about, type: "Normal", reason: "NoPods", message: "No matching pods found" }];
  if ("fault" in numbers) {
    const message = `Failed to calculate the number of expected pods: ${numbers.fault}`;
    const reason = "CalculateExpectedPodCountFailed";
    return [...notices, { about, type: "Warning", reason, message }];
  }
  if (!numbers.hasUnmanaged) return notices;
  const selector = formatSelector(selectorOf(about.spec.selector ?? {}));
  const message = `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found ` +
    "to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may " +
    "result in undefined behavior. To account for these pods please set " +
    '".spec.minAvailable" field of the PDB to an integer value.';
  return [...notices, { about, type: "Warning", reason: "UnmanagedPods", message }];
}

function stayed(about: Pod, { metadata: { namespace, name } }: PodDisruptionBudget): Notice {
  const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
  return { about, type: "Warning", reason: "NotDeleted", message };
}
