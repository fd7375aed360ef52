import { isOfEndingNamespace } from "../../client/refusals.ts";
import { ownField } from "../../lib/own_field.ts";
import type { ApiError } from "../../client/api_error.ts";
import type { View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../../resources/apps/replica_sets.ts";
import type { AnyResource, KubeObject, Resource } from "../../resources/resource.ts";
import type { LabelSelector } from "../../schema/label_selector.ts";
import {
  type Controller,
  create,
  type Plan,
  plan,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import { childrenOf, claimWrites, controlled, controllerOf } from "../runtime/ownership.ts";
import { availableInMs, isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { nextAvailableMs } from "./availability.ts";
import { inDeletionOrder } from "./deletion_order.ts";
import { created, deletion, failedCreation, freeNames, podOf, WRITES_MAX } from "./pod_creation.ts";
import { isConditionTrue, withCondition, withoutCondition } from "../../resources/conditions.ts";

/** What a ReplicaSet and a ReplicationController have in common. */
export interface Replicated extends KubeObject {
  metadata: KubeObject["metadata"] & { namespace: string };
  spec: Pick<ReplicaSet["spec"], "replicas" | "minReadySeconds" | "template">;
  status: ReplicaSetStatus;
}

/** A kind that keeps a number of pods. */
export interface ReplicaKind<T extends Replicated> {
  resource: Resource<T> & AnyResource;
  selectorOf(owner: T): LabelSelector;
}

/**
 * Keeps as many pods as the spec asks for.
 *
 * Kubernetes: `pkg/controller/replicaset/replica_set.go`, which is both kinds' controller there too.
 */
export function replicaController<T extends Replicated>(
  name: string,
  kind: ReplicaKind<T>,
): Controller<T> {
  return {
    name,
    resource: kind.resource,
    watches: [childrenOf(pods, kind.resource, kind.selectorOf)],
    workers: 4,
    reconcile: (owner, view, nowMs) => planFor(kind, owner, view, nowMs),
  };
}

function planFor<T extends Replicated>(
  kind: ReplicaKind<T>,
  owner: T,
  view: View,
  nowMs: number,
): Plan {
  const { resource } = kind;
  const claims = claimWrites(view, {
    children: pods,
    owner,
    ownerResource: resource,
    selector: kind.selectorOf(owner),
  });
  if (claims.length > 0) return plan(claims);
  const active = controlled(view, pods, owner).filter(isActive);
  const wanted = owner.metadata.deletionTimestamp ? active.length : owner.spec.replicas;
  const missing = Math.min(wanted - active.length, WRITES_MAX);
  const victims = podsToDelete(resource, owner, view, active, Math.min(-missing, WRITES_MAX));
  const isVictim = new Set(victims);
  const staying = active.filter((pod) => !isVictim.has(pod));
  const status = statusOf(owner, staying, nowMs);
  return plan([
    ...creations(
      resource,
      owner,
      view,
      missing,
      (error) => failure(resource, owner, status, error, nowMs),
    ),
    ...victims.map((pod) => deletion(owner, pod)),
    ...statusWrite(resource, owner, status),
  ], nextAvailableMs(staying, owner.spec.minReadySeconds, nowMs));
}

function creations<T extends Replicated>(
  resource: Resource<T> & AnyResource,
  owner: T,
  view: View,
  count: number,
  refused: (error: ApiError) => Write[],
): Write[] {
  return freeNames(owner, view, Array.from({ length: Math.max(0, count) }).keys()).map((name) =>
    create(pods, podOf(resource, owner, name, owner.spec.template), {
      event: created(owner, name),
      refused,
    })
  );
}

/**
 * The writes when a pod cannot be created: a condition and an event, but none when the namespace is being deleted. A
 * condition that is there stays as it is: each try names another pod in its message, and a new status would lead to the
 * next try at once.
 */
function failure<T extends Replicated>(
  resource: Resource<T>,
  owner: T,
  status: ReplicaSetStatus,
  error: ApiError,
  nowMs: number,
): Write[] {
  if (isOfEndingNamespace(error)) return statusWrite(resource, owner, status);
  const conditions = isConditionTrue(status.conditions, "ReplicaFailure")
    ? status.conditions!
    : withCondition(status.conditions, {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: error.message,
    }, nowMs);
  return [
    ...statusWrite(resource, owner, { ...status, conditions }),
    failedCreation(owner, error),
  ];
}

function podsToDelete<T extends Replicated>(
  resource: Resource<T>,
  owner: T,
  view: View,
  active: readonly Pod[],
  count: number,
): readonly Pod[] {
  if (count <= 0) return [];
  return inDeletionOrder(active, relatedPods(resource, owner, view, active)).slice(0, count);
}

/** The active pods of all ReplicaSets that have the same owner. */
function relatedPods<T extends Replicated>(
  resource: Resource<T>,
  owner: T,
  view: View,
  active: readonly Pod[],
): readonly Pod[] {
  const controller = controllerOf(owner);
  if (controller === undefined) return active;
  return view.by(resource, "owner", controller.uid)
    .flatMap((sibling) => controlled(view, pods, sibling)).filter(isActive);
}

function statusOf(
  owner: Replicated,
  active: readonly Pod[],
  nowMs: number,
): ReplicaSetStatus {
  const { metadata: { generation }, spec, status } = owner;
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
function statusWrite<T extends Replicated>(
  resource: Resource<T>,
  owner: T,
  status: ReplicaSetStatus,
): Write[] {
  if (isEqual(withoutEmpty(status), withoutEmpty(owner.status))) return [];
  return [updateStatus(resource, { ...owner, status: withoutEmpty(status) })];
}

function withoutEmpty(status: ReplicaSetStatus): ReplicaSetStatus {
  const { replicas, conditions, ...counts } = status;
  return {
    replicas,
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    ...(conditions?.length && { conditions }),
  };
}
