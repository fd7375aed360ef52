import type { ApiError } from "../../client/api_error.ts";
import type { Draft } from "../../client/client.ts";
import { isOfEndingNamespace } from "../../client/refusals.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { rollouts } from "../../resources/argoproj/mod.ts";
import { create, type Plan, plan, recordEvent, type Write } from "../runtime/controller.ts";
import { controllerReference } from "../runtime/ownership.ts";
import { needsAntiAffinityUpdate, withAntiAffinity } from "./parts/anti_affinity.ts";
import { metadataOfNewSet, withEphemeralMetadata } from "./parts/ephemeral_metadata.ts";
import type { Pass } from "./situation/pass.ts";
import { updatedEvents } from "./situation/revision_events.ts";
import {
  DESIRED_REPLICAS,
  HASH_LABEL,
  REVISION,
  REVISION_HISTORY,
  revisionOf,
} from "./situation/sets.ts";
import type { OpenSituation, ResolvedRollout, Situation } from "./situation/situation.ts";
import { withConditionSet } from "./status/condition_list.ts";
import { statusWrites } from "./status/status_writes.ts";

/** Former revisions that a set remembers. */
const REVISIONS_KEPT_MAX = 200;
/** Annotations of a Rollout that are not copied to its sets. */
const NOT_COPIED: readonly string[] = [
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  "notified.notifications.argoproj.io",
];

/**
 * Creates the set of the template, with no pods. When its name is taken by another one, the next hash is tried.
 * Argo Rollouts: `createDesiredReplicaSet`.
 */
export function createCurrent(situation: OpenSituation): Plan {
  const { rollout, stored, view, nowMs } = situation;
  const made = newSet(situation);
  const { name, namespace } = made.metadata;
  const status = rollout.status;
  if (view.get(replicaSets, { namespace: namespace!, name: name! }) !== undefined) {
    const collisionCount = (status.collisionCount ?? 0) + 1;
    return plan(statusWrites(situation, { ...status, collisionCount }));
  }
  const conditions = withConditionSet(status.conditions, {
    type: "Progressing",
    status: "True",
    reason: "NewReplicaSetCreated",
    message: `Created new replica set "${name}"`,
  }, nowMs);
  const revision = revisionOf(rollout);
  const tell = (reason: string, message: string) =>
    recordEvent({ about: stored, type: "Normal", reason, message });
  return plan([
    create(replicaSets, made, { refused: (error) => creationFailed(situation, name!, error) }),
    ...statusWrites(situation, { ...status, conditions }),
    ...updatedEvents(situation).map(({ reason, message }) => tell(reason, message)),
    tell("NewReplicaSetCreated", `Created ReplicaSet ${name} (revision ${revision})`),
  ]);
}

function newSet({ rollout, hash, stable }: OpenSituation): Draft<ReplicaSet> {
  const { metadata: { name, namespace }, spec } = rollout;
  const template = withAntiAffinity(spec.template, rollout, hash);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const draft = {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...copiedAnnotations(rollout),
        [REVISION]: String(revisionOf(rollout)),
        [DESIRED_REPLICAS]: String(spec.replicas),
      },
      ownerReferences: [controllerReference(rollouts, rollout)],
    },
    spec: {
      replicas: 0,
      ...(spec.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash },
      },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  // What the template does not say, the API server defaults; what is wrong with it, it refuses.
  return withEphemeralMetadata(
    draft as unknown as ReplicaSet,
    metadataOfNewSet(rollout, stable !== undefined),
  );
}

function copiedAnnotations({ metadata }: ResolvedRollout): Record<string, string> {
  const all = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([key]) => !NOT_COPIED.includes(key)));
}

function creationFailed(situation: OpenSituation, name: string, error: ApiError): Write[] {
  if (isOfEndingNamespace(error)) return [];
  const { rollout: { status }, stored, nowMs } = situation;
  const reason = "ReplicaSetCreateError";
  const message = `Failed to create new replica set "${name}": ${error.message}`;
  const failed = { type: "Progressing", status: "False", reason, message } as const;
  const conditions = withConditionSet(status.conditions, failed, nowMs);
  return [
    ...statusWrites(situation, { ...status, conditions }),
    recordEvent({ about: stored, type: "Warning", reason, message }),
  ];
}

/**
 * Gives the current set what it copies from its rollout: annotations, such as the change cause, `minReadySeconds`, the
 * rule that keeps its pods away from stable ones, and the revision. Argo Rollouts: `syncReplicaSetRevision`.
 */
export function syncCurrent(situation: Situation, pass: Pass): void {
  const { rollout, current, hash } = situation;
  const annotations = {
    ...current.metadata.annotations,
    ...copiedAnnotations(rollout),
    [REVISION]: String(revisionOf(rollout)),
    ...formerRevisions(current, revisionOf(rollout)),
  };
  const { minReadySeconds } = rollout.spec;
  pass.changeSet(current, (now) => {
    const { minReadySeconds: _, ...spec } = now.spec;
    return {
      ...now,
      metadata: { ...now.metadata, annotations },
      spec: minReadySeconds ? { ...spec, minReadySeconds } : spec,
    };
  });
  if (needsAntiAffinityUpdate(current, rollout, hash)) {
    pass.changeSet(current, (now) => withTemplateOf(now, situation));
  }
  for (const { reason, message } of updatedEvents(situation)) pass.tell(reason, message);
}

function withTemplateOf(set: ReplicaSet, { rollout, hash }: Situation): ReplicaSet {
  const { spec: { affinity } } = withAntiAffinity(rollout.spec.template, rollout, hash);
  const { affinity: _, ...podSpec } = set.spec.template.spec;
  const spec = affinity ? { ...podSpec, affinity } : podSpec;
  return {
    ...set,
    spec: { ...set.spec, template: { ...set.spec.template, spec: spec as typeof podSpec } },
  };
}

/** Revisions that the set had before its template came back. */
function formerRevisions(set: ReplicaSet, revision: number): Record<string, string> {
  const before = revisionOf(set);
  if (before === 0 || before === revision) return {};
  const known = set.metadata.annotations?.[REVISION_HISTORY]?.split(",") ?? [];
  return { [REVISION_HISTORY]: [...known, before].slice(-REVISIONS_KEPT_MAX).join(",") };
}
