import { isOfEndingNamespace } from "../../client/refusals.ts";
import type { ApiError } from "../../client/api_error.ts";
import type { Draft, ObjectName, View } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import {
  type Deployment,
  deployments,
  type DeploymentStatus,
} from "../../resources/apps/deployments.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import type { KubeObject } from "../../resources/resource.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  update,
  updateStatus,
  type Write,
} from "../runtime/controller.ts";
import {
  countedStatus,
  deadlineInMs,
  isComplete,
  pausedOrResumed,
  rolloutStatus,
  withProgress,
} from "./deployment_status.ts";
import { rollbackWrites } from "./deployment_rollback.ts";
import { childrenOf, claimWrites, controlled, controllerOf } from "../runtime/ownership.ts";
import { isFinished } from "../../resources/core/pods/pod_states.ts";
import { isScaled, scaledSizes } from "./proportional_scaling.ts";
import {
  allOf,
  type History,
  historyOf,
  nameOfCurrent,
  newReplicaSet,
  replicaSetsToDelete,
  REVISION,
  sizeAnnotations,
  syncedHistory,
} from "./replica_set_history.ts";
import { isLeftToRollout, rolloutsOfDeployments } from "./stepwise.ts";
import { newSize, rollingStep, sizeOf, type Sizes, UNCHANGED } from "./rolling_update.ts";

/**
 * Gives a deployment the pods that its template and number ask for, by way of ReplicaSets: one per template, of
 * which old ones are kept for rollbacks.
 *
 * Kubernetes: `pkg/controller/deployment`.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export const deploymentController: Controller<Deployment> = {
  name: "deployment-controller",
  resource: deployments,
  watches: [
    childrenOf(replicaSets, deployments, ({ spec }) => spec.selector),
    { resource: pods, concerns: waitingForPod },
    rolloutsOfDeployments,
  ],
  workers: 4,
  reconcile,
};

/** With the strategy Recreate, the new ReplicaSet waits until the old pods have ended. */
function waitingForPod(pod: KubeObject, view: View): ObjectName[] {
  const { namespace } = pod.metadata;
  const owner = controllerOf(pod);
  if (namespace === undefined || owner?.kind !== "ReplicaSet") return [];
  const replicaSet = view.get(replicaSets, { namespace, name: owner.name });
  const name = replicaSet && controllerOf(replicaSet)?.name;
  const deployment = name === undefined ? undefined : view.get(deployments, { namespace, name });
  return deployment?.spec.strategy.type === "Recreate" ? [deployment.metadata] : [];
}

function reconcile(deployment: Deployment, view: View, nowMs: number): Plan {
  if (isLeftToRollout(deployment, view)) return NOTHING;
  const claims = claimWrites(view, {
    children: replicaSets,
    owner: deployment,
    ownerResource: deployments,
    selector: deployment.spec.selector,
  });
  if (claims.length > 0) return plan(claims);
  const stored = historyOf(deployment, controlled(view, replicaSets, deployment));
  if (deployment.metadata.deletionTimestamp) {
    return plan(statusWrites(deployment, countedStatus(deployment, stored, nowMs)));
  }
  const resumed = pausedOrResumed(deployment, nowMs);
  if (resumed !== undefined) return plan(statusWrites(deployment, resumed));
  const history = syncedHistory(deployment, stored);
  const state: DeploymentState = { deployment, stored, history, view, nowMs };
  if (deployment.spec.paused) return scale(state);
  const rollback = rollbackWrites(deployment, history);
  if (rollback !== undefined) return plan(rollback);
  if (isScaled(deployment, history)) return scale(state);
  return deployment.spec.strategy.type === "Recreate" ? recreate(state) : rollingUpdate(state);
}

/** What one reconcile of a deployment works on. */
export interface DeploymentState {
  deployment: Deployment;
  /** The ReplicaSets as they are stored. */
  stored: History;
  /** The ReplicaSets as they should be, but for their sizes. */
  history: History;
  view: View;
  nowMs: number;
}

/** While it is paused a deployment can be scaled, but starts no rollout. */
function scale(state: DeploymentState): Plan {
  const { deployment, history, nowMs } = state;
  const resized = withSizes(state, scaledSizes(deployment, history), { all: true });
  const cleanup = deployment.spec.paused ? replicaSetsToDelete(deployment, history.old) : [];
  return finish(state, resized, cleanup, countedStatus(deployment, resized, nowMs));
}

function rollingUpdate(state: DeploymentState): Plan {
  const { deployment, history: { current, old } } = state;
  if (current === undefined) return createCurrent(state, newSize(deployment, 0, sizeOf(old)));
  return rollOut(state, rollingStep(deployment, current, old));
}

/** All old pods end before the first new one starts. */
function recreate(state: DeploymentState): Plan {
  const { deployment, history: { current, old } } = state;
  const sized = old.filter(({ spec }) => spec.replicas > 0);
  if (sized.length > 0) {
    return rollOut(state, new Map(sized.map(({ metadata }) => [metadata.name, 0])));
  }
  if (old.some((replicaSet) => hasRunningPods(replicaSet, state.view))) {
    return rollOut(state, UNCHANGED);
  }
  const { replicas } = deployment.spec;
  if (current === undefined) return createCurrent(state, replicas);
  return rollOut(state, new Map([[current.metadata.name, replicas]]));
}

function hasRunningPods(replicaSet: ReplicaSet, view: View): boolean {
  return controlled<Pod>(view, pods, replicaSet).some((pod) => !isFinished(pod));
}

function rollOut(state: DeploymentState, sizes: Sizes): Plan {
  const { deployment, history, nowMs } = state;
  const resized = withSizes(state, sizes, { all: false });
  const isDone = isComplete(deployment, deployment.status) && sizes.size === 0;
  const status = rolloutStatus(deployment, resized, nowMs);
  return finish(state, resized, isDone ? replicaSetsToDelete(deployment, history.old) : [], status);
}

/** The ReplicaSets with new sizes, and with the annotations that say what these were computed from. */
function withSizes(
  { deployment, history }: DeploymentState,
  sizes: Sizes,
  { all }: { all: boolean },
): History {
  const annotations = sizeAnnotations(deployment);
  const resize = (replicaSet: ReplicaSet): ReplicaSet => {
    const { metadata, spec } = replicaSet;
    const replicas = sizes.get(metadata.name) ?? spec.replicas;
    const isSized = all && replicas > 0 && metadata.annotations !== undefined;
    if (replicas === spec.replicas && !isSized) return replicaSet;
    return {
      ...replicaSet,
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
      spec: { ...spec, replicas },
    };
  };
  const { current, old } = history;
  return { current: current && resize(current), old: old.map(resize) };
}

function finish(
  { deployment, stored, nowMs }: DeploymentState,
  next: History,
  cleanup: readonly ReplicaSet[],
  status: DeploymentStatus,
): Plan {
  const before = new Map(allOf(stored).map((replicaSet) => [replicaSet.metadata.uid, replicaSet]));
  const writes = [
    ...allOf(next).flatMap((replicaSet) =>
      replicaSetWrites(deployment, before.get(replicaSet.metadata.uid)!, replicaSet)
    ),
    ...cleanup.map((replicaSet) => remove(replicaSets, replicaSet)),
  ];
  return plan(
    [...writes, ...statusWrites(deployment, status, next.current)],
    deadlineInMs(deployment, status, nowMs),
  );
}

/** The deployment with the revision of its current ReplicaSet; the same object when it has it. */
function withRevision(
  deployment: Deployment,
  current: Pick<Draft<ReplicaSet>, "metadata"> | undefined,
): Deployment {
  const { metadata } = deployment;
  const revision = current?.metadata.annotations?.[REVISION];
  if (revision === undefined || revision === metadata.annotations?.[REVISION]) return deployment;
  return {
    ...deployment,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [REVISION]: revision } },
  };
}

function replicaSetWrites(deployment: Deployment, before: ReplicaSet, next: ReplicaSet): Write[] {
  if (isEqual(before, next)) return [];
  const [from, to] = [before.spec.replicas, next.spec.replicas];
  const written = update(replicaSets, next);
  return from === to ? [written] : [written, scaledEvent(deployment, next.metadata.name, from, to)];
}

function scaledEvent(about: Deployment, name: string, from: number, to: number): Write {
  return recordEvent({
    about,
    type: "Normal",
    reason: "ScalingReplicaSet",
    message: scaled(name, from, to),
  });
}

function scaled(name: string, from: number, to: number): string {
  return `Scaled ${from < to ? "up" : "down"} replica set ${name} from ${from} to ${to}`;
}

/** Status and revision in one write: an update of the status also writes annotations. Kubernetes: `getNewReplicaSet`. */
export function statusWrites(
  deployment: Deployment,
  status: DeploymentStatus,
  current?: Pick<Draft<ReplicaSet>, "metadata">,
): Write[] {
  const numbered = withRevision(deployment, current);
  if (numbered === deployment && isEqual(status, deployment.status)) return [];
  return [updateStatus(deployments, { ...numbered, status })];
}

/** Creates the ReplicaSet of the template; when its name is taken by another one, the next hash is tried. */
export function createCurrent(
  { deployment, history: { old }, view, nowMs }: Omit<DeploymentState, "stored">,
  size: number,
): Plan {
  const name = nameOfCurrent(deployment);
  const taken = view.get(replicaSets, { namespace: deployment.metadata.namespace, name });
  if (taken !== undefined) {
    const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
    return plan(statusWrites(deployment, { ...deployment.status, collisionCount }));
  }
  const status = withProgress(deployment, {
    status: "True",
    reason: "NewReplicaSetCreated",
    message: `Created new replica set "${name}"`,
  }, nowMs);
  const event = {
    about: deployment,
    type: "Normal" as const,
    reason: "ScalingReplicaSet",
    message: scaled(name, 0, size),
  };
  const made = newReplicaSet(deployment, old, size);
  return plan([
    create(replicaSets, made, {
      ...(size > 0 && { event }),
      refused: (error) => creationFailed(deployment, name, error, nowMs),
    }),
    ...statusWrites(deployment, status, made),
  ]);
}

function creationFailed(
  deployment: Deployment,
  name: string,
  error: ApiError,
  nowMs: number,
): Write[] {
  if (isOfEndingNamespace(error)) return [];
  const reason = "ReplicaSetCreateError";
  const message = `Failed to create new replica set "${name}": ${error.message}`;
  return [
    ...statusWrites(
      deployment,
      withProgress(deployment, { status: "False", reason, message }, nowMs),
    ),
    recordEvent({ about: deployment, type: "Warning", reason, message }),
  ];
}
