import { ownField } from "../../lib/own_field.ts";
import { ApiError } from "../../client/api_error.ts";
import type { Draft, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  type ReplicaSet,
  replicaSets,
  type ReplicaSetStatus,
} from "../../resources/apps/replica_sets.ts";
import {
  type Controller,
  create,
  earliest,
  type Plan,
  plan,
  recordEvent,
  remove,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { suffixOf } from "../runtime/hashes.ts";
import {
  childrenOf,
  claimWrites,
  controlled,
  controllerOf,
  controllerReference,
} from "../runtime/ownership.ts";
import { availableInMs, isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { inDeletionOrder } from "./deletion_order.ts";
import { isConditionTrue, withCondition, withoutCondition } from "../../resources/conditions.ts";

/** Pods that one plan makes or deletes at most: Kubernetes' `BurstReplicas`. */
const WRITES_MAX = 500;
/** Kubernetes: `maxGeneratedNameLength`; with its suffix a name fits into a label and a host name. */
const NAME_PREFIX_CHARS_MAX = 58;

/**
 * Keeps as many pods as the spec asks for.
 *
 * Kubernetes: `pkg/controller/replicaset/replica_set.go`.
 */
export const replicaSetController: Controller<ReplicaSet> = {
  name: "replicaset-controller",
  resource: replicaSets,
  watches: [childrenOf(pods, replicaSets)],
  workers: 4,
  reconcile,
};

function reconcile(replicaSet: ReplicaSet, view: View, nowMs: number): Plan {
  const claims = claimWrites(view, {
    children: pods,
    owner: replicaSet,
    ownerResource: replicaSets,
  });
  if (claims.length > 0) return plan(claims);
  const active = controlled(view, pods, replicaSet).filter(isActive);
  const wanted = replicaSet.metadata.deletionTimestamp ? active.length : replicaSet.spec.replicas;
  const missing = Math.min(wanted - active.length, WRITES_MAX);
  const victims = podsToDelete(replicaSet, view, active, Math.min(-missing, WRITES_MAX));
  const staying = active.filter((pod) => !victims.includes(pod));
  const status = statusOf(replicaSet, staying, nowMs);
  return plan([
    ...creations(replicaSet, view, missing, (error) => failure(replicaSet, status, error, nowMs)),
    ...victims.map((pod) => deletion(replicaSet, pod)),
    ...statusWrite(replicaSet, status),
  ], lookAgainMs(replicaSet, staying, nowMs));
}

function creations(
  replicaSet: ReplicaSet,
  view: View,
  count: number,
  refused: (error: ApiError) => Write[],
): Write[] {
  if (count <= 0) return [];
  return freeNames(replicaSet, view, count).map((name) =>
    create(pods, newPod(replicaSet, name), {
      event: {
        about: replicaSet,
        type: "Normal",
        reason: "SuccessfulCreate",
        message: `Created pod: ${name}`,
      },
      refused,
    })
  );
}

/**
 * Names are derived from the state that led to the plan, so that a repeated plan collides with itself
 * instead of making duplicates, and never name a pod that is still there, ending ones included.
 */
function freeNames(replicaSet: ReplicaSet, view: View, count: number): string[] {
  const { name: owner, namespace, uid, resourceVersion } = replicaSet.metadata;
  const prefix = `${owner}-`.slice(0, NAME_PREFIX_CHARS_MAX);
  const names = new Set<string>();
  for (let slot = 0; names.size < count; slot++) {
    const name = `${prefix}${suffixOf(`${uid} ${resourceVersion} ${slot}`)}`;
    if (view.get(pods, { namespace, name }) === undefined) names.add(name);
  }
  return [...names];
}

function newPod(replicaSet: ReplicaSet, name: string): Draft<Pod> {
  const { metadata: { namespace }, spec: { template } } = replicaSet;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      name,
      generateName: `${replicaSet.metadata.name}-`,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(replicaSets, replicaSet)],
    },
    spec: template.spec,
  };
}

/**
 * The writes when a pod cannot be created: a condition and an event, but none when the namespace is being deleted. A
 * condition that is there stays as it is: each try names another pod in its message, and a new status would lead to the
 * next try at once.
 */
function failure(
  replicaSet: ReplicaSet,
  status: ReplicaSetStatus,
  error: ApiError,
  nowMs: number,
): Write[] {
  if (error.details.causes?.some(({ reason }) => reason === "NamespaceTerminating")) {
    return statusWrite(replicaSet, status);
  }
  const conditions = isConditionTrue(status.conditions, "ReplicaFailure")
    ? status.conditions!
    : withCondition(status.conditions, {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: error.message,
    }, nowMs);
  return [
    ...statusWrite(replicaSet, { ...status, conditions }),
    recordEvent({
      about: replicaSet,
      type: "Warning",
      reason: "FailedCreate",
      message: `Error creating: ${error.message}`,
    }),
  ];
}

function podsToDelete(
  replicaSet: ReplicaSet,
  view: View,
  active: readonly Pod[],
  count: number,
): readonly Pod[] {
  if (count <= 0) return [];
  return inDeletionOrder(active, relatedPods(replicaSet, view, active)).slice(0, count);
}

function deletion(replicaSet: ReplicaSet, pod: Pod): Write {
  return remove(pods, pod, {
    event: {
      about: replicaSet,
      type: "Normal",
      reason: "SuccessfulDelete",
      message: `Deleted pod: ${pod.metadata.name}`,
    },
  });
}

/** The active pods of all ReplicaSets that have the same owner. */
function relatedPods(replicaSet: ReplicaSet, view: View, active: readonly Pod[]): readonly Pod[] {
  const owner = controllerOf(replicaSet);
  if (owner === undefined) return active;
  return view.by(replicaSets, "owner", owner.uid)
    .flatMap((sibling) => controlled(view, pods, sibling)).filter(isActive);
}

function statusOf(
  replicaSet: ReplicaSet,
  active: readonly Pod[],
  nowMs: number,
): ReplicaSetStatus {
  const { metadata: { generation }, spec, status } = replicaSet;
  const wantedLabels = Object.entries(spec.template.metadata?.labels ?? {});
  const isLabeled = (pod: Pod) =>
    wantedLabels.every(([key, value]) => ownField(pod.metadata.labels, key) === value);
  const isAvailable = (pod: Pod) => availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) === 0;
  const conditions = active.length === spec.replicas
    ? withoutCondition(status.conditions, "ReplicaFailure")
    : status.conditions ?? [];
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(isLabeled).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter(isAvailable).length,
    observedGeneration: Math.max(generation ?? 0, status.observedGeneration ?? 0),
    conditions,
  };
}

/** Writes the status when it differs. Counts of 0 and empty lists are not kept. */
function statusWrite(replicaSet: ReplicaSet, status: ReplicaSetStatus): Write[] {
  if (isEqual(withoutEmpty(status), withoutEmpty(replicaSet.status))) return [];
  return [updateStatus(replicaSets, { ...replicaSet, status: withoutEmpty(status) })];
}

function withoutEmpty(status: ReplicaSetStatus): ReplicaSetStatus {
  const { replicas, conditions, ...counts } = status;
  return {
    replicas,
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    ...(conditions?.length && { conditions }),
  };
}

/** When the next ready pod becomes available. */
function lookAgainMs(
  { spec: { minReadySeconds = 0 } }: ReplicaSet,
  active: readonly Pod[],
  nowMs: number,
): number | undefined {
  return active.map((pod) => availableInMs(pod, minReadySeconds, nowMs))
    .filter((ms) => ms !== 0)
    .reduce(earliest, undefined);
}
