import { int64Of } from "../../lib/int64.ts";
import { msOf } from "../../lib/timestamp.ts";
import type { Draft } from "../../client/client.ts";
import { isEqual } from "../../lib/equality.ts";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import type { PodTemplate } from "../../resources/core/pods/spec/pod_spec.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import { canonicalJson, safeWordOf } from "../runtime/hashes.ts";
import { controllerReference } from "../runtime/ownership.ts";
import { limitsOf } from "./rolling_update.ts";

/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";
export const TEMPLATE_HASH = "pod-template-hash";
/** Stands for a field of `extensions/v1beta1`: the revision to go back to; 0 for the one before. */
export const ROLLBACK_TO = "deprecated.deployment.rollback.to";
/** Annotations of a deployment that are not copied to its ReplicaSets. */
const NOT_COPIED: readonly string[] = [
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  ROLLBACK_TO,
];
const REVISION_HISTORY_LENGTH_MAX = 2_000;

/** The ReplicaSets of a deployment: the one of its template, when there is one, and those before it. */
export interface History {
  current: ReplicaSet | undefined;
  old: readonly ReplicaSet[];
}

/** Of several ReplicaSets with the deployment's template, the oldest is the current one. */
export function historyOf(deployment: Deployment, owned: readonly ReplicaSet[]): History {
  const current = [...owned]
    .sort((a, b) => msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp))
    .find((replicaSet) => hasTemplateOf(replicaSet, deployment));
  return { current, old: owned.filter((replicaSet) => replicaSet !== current) };
}

export function allOf({ current, old }: History): readonly ReplicaSet[] {
  return current === undefined ? old : [...old, current];
}

/** Whether the ReplicaSet makes the pods that the deployment wants. */
export function hasTemplateOf(replicaSet: ReplicaSet, { spec }: Deployment): boolean {
  return isEqual(withoutHash(replicaSet.spec.template), withoutHash(spec.template));
}

/** The template without what tells its ReplicaSet's pods from others. */
export function withoutHash({ metadata = {}, spec }: PodTemplate): PodTemplate {
  const { labels: { [TEMPLATE_HASH]: _, ...labels } = {}, ...rest } = metadata;
  return { metadata: { ...rest, labels }, spec };
}

/** Tells the pods of one template from those of others; changes with each collision. */
export function templateHashOf({ spec, status }: Deployment): string {
  return safeWordOf(`${canonicalJson(spec.template)} ${status.collisionCount ?? 0}`);
}

export function nameOfCurrent(deployment: Deployment): string {
  return `${deployment.metadata.name}-${templateHashOf(deployment)}`;
}

/** The ReplicaSet for the deployment's template, with the next revision. */
export function newReplicaSet(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  replicas: number,
): Draft<ReplicaSet> {
  const { metadata: { namespace }, spec } = deployment;
  const hash = { [TEMPLATE_HASH]: templateHashOf(deployment) };
  const labels = { ...spec.template.metadata?.labels, ...hash };
  return {
    metadata: {
      name: nameOfCurrent(deployment),
      namespace,
      labels,
      annotations: {
        ...copiedAnnotations(deployment),
        [REVISION]: String(maxRevision(old) + 1n),
        ...sizeAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, ...hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

/**
 * The history with a current ReplicaSet that has what it copies from its deployment: annotations, such as the change
 * cause, `minReadySeconds`, and the highest revision. The same object when it has it all.
 */
export function syncedHistory(deployment: Deployment, { current, old }: History): History {
  if (current === undefined) return { current, old };
  const revision = highest([revisionOf(current), maxRevision(old) + 1n]);
  const annotations = {
    ...current.metadata.annotations,
    ...copiedAnnotations(deployment),
    [REVISION]: String(revision),
    ...formerRevisions(current, revision),
  };
  const { minReadySeconds: wasSeconds, ...spec } = current.spec;
  const { minReadySeconds } = deployment.spec;
  if (isEqual(annotations, current.metadata.annotations) && wasSeconds === minReadySeconds) {
    return { current, old };
  }
  return {
    current: {
      ...current,
      metadata: { ...current.metadata, annotations },
      spec: minReadySeconds === undefined ? spec : { ...spec, minReadySeconds },
    },
    old,
  };
}

/** Revisions that a ReplicaSet had before it came back by a rollback. */
function formerRevisions(replicaSet: ReplicaSet, revision: bigint): Record<string, string> {
  const before = revisionOf(replicaSet);
  if (before === 0n || before === revision) return {};
  const known = replicaSet.metadata.annotations?.[REVISION_HISTORY]?.split(",") ?? [];
  const all = [...known, String(before)];
  while (all.join(",").length > REVISION_HISTORY_LENGTH_MAX) all.shift();
  return { [REVISION_HISTORY]: all.join(",") };
}

function copiedAnnotations({ metadata }: Deployment | ReplicaSet): Record<string, string> {
  const all = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([name]) => !NOT_COPIED.includes(name)));
}

/** The deployment with the annotations that it had when the ReplicaSet was its current one, such as the change cause. */
export function withAnnotationsOf(deployment: Deployment, replicaSet: ReplicaSet): Deployment {
  const { metadata } = deployment;
  const own = Object.entries(metadata.annotations ?? {})
    .filter(([name]) => NOT_COPIED.includes(name));
  const annotations = { ...Object.fromEntries(own), ...copiedAnnotations(replicaSet) };
  return { ...deployment, metadata: { ...metadata, annotations } };
}

/** What the size of a ReplicaSet was computed from; when the deployment says another one, it has been scaled. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const { spec: { replicas } } = deployment;
  return {
    [DESIRED_REPLICAS]: String(replicas),
    [MAX_REPLICAS]: String(replicas + limitsOf(deployment).maxSurge),
  };
}

/** The place of a ReplicaSet in the history; 0 when nothing says so. */
export function revisionOf({ metadata }: ReplicaSet): bigint {
  return int64Of(metadata.annotations?.[REVISION]) ?? 0n;
}

function maxRevision(replicaSets: readonly ReplicaSet[]): bigint {
  return highest(replicaSets.map(revisionOf));
}

/** The highest of the revisions, at least 0. */
function highest(revisions: readonly bigint[]): bigint {
  return revisions.reduce((high, each) => each > high ? each : high, 0n);
}

/**
 * Old ReplicaSets beyond the limit of the history that have no pods, the oldest revisions first.
 * Kubernetes: `cleanupDeployment`.
 */
export function replicaSetsToDelete(
  { spec }: Deployment,
  old: readonly ReplicaSet[],
): ReplicaSet[] {
  const staying = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = staying.length - spec.revisionHistoryLimit;
  if (surplus <= 0) return [];
  return staying.sort((a, b) => revisionOf(a) < revisionOf(b) ? -1 : 1).slice(0, surplus)
    .filter(({ metadata, spec: { replicas }, status }) =>
      replicas === 0 && status.replicas === 0 &&
      (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
    );
}
