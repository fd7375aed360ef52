import type { View } from "../../../client/client.ts";
import {
  type ControllerRevision,
  controllerRevisions,
} from "../../../resources/apps/controller_revisions.ts";
import { type DaemonSet, daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { create, remove, update, type Write } from "../../runtime/controller.ts";
import { controlled } from "../../runtime/ownership.ts";
import {
  inOrder,
  keeps,
  keepsMeaning,
  newRevision,
  REVISION_HASH,
  revisionDataOf,
  revisionHashOf,
  revisionNamed,
  revisionNameOf,
  truncation,
} from "../revisions.ts";

/** The states that a DaemonSet has had. */
export interface History {
  /** Tells pods of today's template from others. */
  hash: string;
  /** Revisions of other templates, from the first to the last. */
  old: readonly ControllerRevision[];
  /** What has to be written for today's revision to be there, as the last one. */
  writes: readonly Write[];
  /** What has to be written first for it to be there only once. */
  merges: readonly Write[];
}

/**
 * The history of a DaemonSet; `collides` when the name of its new revision is taken by another state, and another hash has
 * to be tried. Kubernetes: `constructHistory` in `pkg/controller/daemon/update.go`.
 */
export function historyOf(
  daemonSet: DaemonSet,
  owned: readonly Pod[],
  view: View,
): History | "collides" {
  const { template } = daemonSet.spec;
  const data = revisionDataOf(template);
  const stored = inOrder(controlled(view, controllerRevisions, daemonSet));
  const last = stored.at(-1);
  const isCurrent = (revision: ControllerRevision) =>
    keeps(revision, data) || (revision === last && keepsMeaning(revision, template));
  const current = stored.filter(isCurrent);
  const old = stored.filter((revision) => !current.includes(revision));
  const next = (old.at(-1)?.revision ?? 0) + 1;
  const kept = current.at(-1);
  if (kept === undefined) return madeAnew(daemonSet, old, next, view);
  const hash = hashOf(kept);
  const duplicates = current.filter((revision) => revision !== kept);
  const merges = [
    ...relabeled(owned, duplicates.map(hashOf), hash),
    ...duplicates.map((revision) => remove(controllerRevisions, revision)),
  ];
  return { hash, old, writes: keptWrites(kept, next), merges };
}

/** A revision without the label was made by somebody else: then its name tells it from others. */
function hashOf({ metadata: { labels, name } }: ControllerRevision): string {
  return labels?.[REVISION_HASH] ?? name;
}

function keptWrites(kept: ControllerRevision, next: number): Write[] {
  const { metadata } = kept;
  const hash = hashOf(kept);
  if (metadata.labels?.[REVISION_HASH] === hash && kept.revision >= next) return [];
  const labels = { ...metadata.labels, [REVISION_HASH]: hash };
  const revision = Math.max(kept.revision, next);
  return [update(controllerRevisions, { ...kept, metadata: { ...metadata, labels }, revision })];
}

/** Pods of revisions that go because another one keeps the same. */
function relabeled(owned: readonly Pod[], hashes: readonly string[], hash: string): Write[] {
  return owned.filter(({ metadata: { labels } }) => hashes.includes(labels?.[REVISION_HASH] ?? ""))
    .filter(({ metadata: { labels } }) => labels?.[REVISION_HASH] !== hash)
    .map((pod) => {
      const labels = { ...pod.metadata.labels, [REVISION_HASH]: hash };
      return update(pods, { ...pod, metadata: { ...pod.metadata, labels } });
    });
}

/** A new revision. Kubernetes: `snapshot`. */
function madeAnew(
  daemonSet: DaemonSet,
  old: readonly ControllerRevision[],
  revision: number,
  view: View,
): History | "collides" {
  const data = revisionDataOf(daemonSet.spec.template);
  const hash = revisionHashOf(data, daemonSet.status.collisionCount ?? 0);
  const name = revisionNameOf(daemonSet, hash);
  const taken = revisionNamed(view, daemonSet.metadata.namespace, name);
  if (taken !== undefined) {
    return keeps(taken, data) ? { hash, old, writes: [], merges: [] } : "collides";
  }
  const made = newRevision(daemonSets, daemonSet, { hash, hashLabel: REVISION_HASH, revision });
  return { hash, old, writes: [create(controllerRevisions, made)], merges: [] };
}

/**
 * Deletes revisions beyond the limit of the history that no pod is made of, but for the `stable` one of steps.
 * Kubernetes: `cleanupHistory`.
 */
export function cleanup(
  { spec: { revisionHistoryLimit } }: DaemonSet,
  { old }: History,
  owned: readonly Pod[],
  stable?: string,
): Write[] {
  const live = new Set(owned.map(({ metadata: { labels } }) => labels?.[REVISION_HASH]));
  if (stable !== undefined) live.add(stable);
  return truncation(old, old.length - revisionHistoryLimit, (each) => live.has(hashOf(each)));
}
