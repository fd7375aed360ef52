import type { View } from "../../../client/client.ts";
import {
  type ControllerRevision,
  controllerRevisions,
} from "../../../resources/apps/controller_revisions.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { create, update, type Write } from "../../runtime/controller.ts";
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
  templateIn,
  truncation,
} from "../revisions.ts";

/** On revisions of StatefulSets: the hash in their names. */
const HISTORY_HASH = "controller.kubernetes.io/hash";

/** The state of a set that pods are made of, by the name of its revision. */
export interface State {
  revision: string;
  template: PodTemplate;
}

/** How far a set that is rolled out in steps has come. */
export interface OrdinalSteps {
  /** From this ordinal on pods are of the update, below it of the state before. */
  from: number;
  /** No pod is replaced for now. */
  holds: boolean;
}

/** Where a set comes from and where it goes to; both are the same between updates. */
export interface History {
  /** What pods below the partition are made of. */
  current: State;
  /** What the set says now. */
  update: State;
  /** Of a set that is rolled out in steps. */
  steps?: OrdinalSteps;
  collisionCount: number;
  /** The first to the last, as they are stored. */
  stored: readonly ControllerRevision[];
  /** What has to be written for the update's revision to be there, as the last one. */
  writes: readonly Write[];
}

/**
 * The history of a set. A template that it had before gets back its revision, as the last one; another one gets a new
 * revision.
 *
 * Kubernetes: `getStatefulSetRevisions` in `pkg/controller/statefulset/stateful_set_control.go`.
 */
export function historyOf(set: StatefulSet, view: View): History {
  const stored = inOrder(controlled(view, controllerRevisions, set));
  const { status, spec: { template } } = set;
  const found = updateOf(set, stored, view);
  const update: State = { revision: found.name, template };
  const known = stored.find(({ metadata }) => metadata.name === status.currentRevision);
  const current = known === undefined || known.metadata.name === found.name
    ? update
    : { revision: known.metadata.name, template: templateIn(known) };
  return { current, update, stored, collisionCount: found.collisionCount, writes: found.writes };
}

interface Found {
  name: string;
  collisionCount: number;
  writes: readonly Write[];
}

function updateOf(set: StatefulSet, stored: readonly ControllerRevision[], view: View): Found {
  const { spec: { template }, status: { collisionCount = 0 } } = set;
  const data = revisionDataOf(template);
  const last = stored.at(-1);
  const equal = stored.findLast((revision) => keeps(revision, data));
  if (equal !== undefined && last !== undefined && !keeps(last, data)) {
    const next = update(controllerRevisions, { ...equal, revision: last.revision + 1 });
    return { name: equal.metadata.name, collisionCount, writes: [next] };
  }
  if (last !== undefined && (equal !== undefined || keepsMeaning(last, template))) {
    return { name: last.metadata.name, collisionCount, writes: [] };
  }
  return madeAnew(set, (last?.revision ?? 0) + 1, view);
}

/** A new revision. When its name is taken by another state, the next hash is tried. */
function madeAnew(set: StatefulSet, revision: number, view: View): Found {
  const data = revisionDataOf(set.spec.template);
  for (let collisionCount = set.status.collisionCount ?? 0;; collisionCount++) {
    const hash = revisionHashOf(data, collisionCount);
    const name = revisionNameOf(set, hash);
    const taken = revisionNamed(view, set.metadata.namespace, name);
    if (taken !== undefined && !keeps(taken, data)) continue;
    if (taken !== undefined) return { name, collisionCount, writes: [] };
    const made = newRevision(statefulSets, set, { hash, hashLabel: HISTORY_HASH, revision });
    return { name, collisionCount, writes: [create(controllerRevisions, made)] };
  }
}

/** Deletes revisions beyond the limit of the history that no pod is made of. Kubernetes: `truncateHistory`. */
export function cleanup(
  { spec: { revisionHistoryLimit } }: StatefulSet,
  { current, update, stored }: History,
  pods: readonly Pod[],
): Write[] {
  const names = [current.revision, update.revision, ...pods.map(revisionOf)];
  const live = new Set(names);
  const isLive = ({ metadata }: ControllerRevision) => live.has(metadata.name);
  const past = stored.filter((revision) => !isLive(revision));
  if (revisionHistoryLimit < 0) return [];
  return truncation(past, past.length - revisionHistoryLimit, isLive);
}

/** The name of the revision that a pod is made of. */
export function revisionOf({ metadata: { labels } }: Pod): string | undefined {
  return labels?.[REVISION_HASH];
}
