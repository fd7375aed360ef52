import { msOf } from "../../lib/timestamp.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { analysisRuns, experiments } from "../../resources/argoproj/mod.ts";
import type { PodTemplate } from "../../resources/core/pods/spec/pod_spec.ts";
import { controlled } from "../runtime/ownership.ts";
import { withoutAntiAffinity } from "./parts/anti_affinity.ts";
import { currentSetOf } from "./parts/current_set.ts";
import { withEphemeralMetadata } from "./parts/ephemeral_metadata.ts";
import { templateHashOf } from "./parts/template_hash.ts";
import { EXPERIMENT_NAME, hashOf, maxRevision, REVISION, revisionOf } from "./situation/sets.ts";
import type { OpenSituation, ResolvedRollout } from "./situation/situation.ts";

type Known = Pick<
  OpenSituation,
  "stored" | "rollout" | "workloadGeneration" | "view" | "traffic" | "nowMs"
>;

/** Looks around once. */
export function situationOf(known: Known): OpenSituation {
  const { stored, rollout, view } = known;
  const all = controlled(view, replicaSets, stored);
  const templateHash = templateHashOf(rollout.spec.template, rollout.status.collisionCount);
  const current = currentSetOf(all, {
    template: rollout.spec.template,
    hash: templateHash,
    original: (set) => originalOf(set, rollout),
  });
  const stable = stableOf(rollout, current, all);
  const revision = wantedRevision(current, all);
  return {
    ...known,
    rollout: withRevision(rollout, revision),
    hash: hashOf(current) || templateHash,
    current,
    stable,
    others: all.filter((set) => set !== current && set !== stable),
    all,
    runs: controlled(view, analysisRuns, stored),
    experiments: controlled(view, experiments, stored),
    isRollbackWithinWindow: isRollbackWithinWindow(rollout, { current, stable, all }),
  };
}

/** The revision of the template: one more than all sets but its own have. */
function wantedRevision(current: ReplicaSet | undefined, all: readonly ReplicaSet[]): number {
  const next = maxRevision(all.filter((set) => set !== current)) + 1;
  return current ? Math.max(revisionOf(current), next) : next;
}

function withRevision(rollout: ResolvedRollout, revision: number): ResolvedRollout {
  const { metadata } = rollout;
  const annotations = { ...metadata.annotations, [REVISION]: String(revision) };
  return { ...rollout, metadata: { ...metadata, annotations } };
}

function stableOf(
  { status }: ResolvedRollout,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const { stableRS = "" } = status;
  if (stableRS === "") return undefined;
  return [...(current ? [current] : []), ...all].find((set) => hashOf(set) === stableRS);
}

/** Whether the current set is older than the stable one, with few enough sets between them. */
function isRollbackWithinWindow(
  { spec }: ResolvedRollout,
  { current, stable, all }: Pick<OpenSituation, "current" | "stable" | "all">,
): boolean {
  const revisions = spec.rollbackWindow?.revisions ?? 0;
  if (current === undefined || stable === undefined || revisions <= 0) return false;
  const [from, to] = [current, stable].map(createdMsOf) as [number, number];
  if (from >= to) return false;
  const between = all.filter((set) =>
    !set.metadata.annotations?.[EXPERIMENT_NAME] && createdMsOf(set) > from && createdMsOf(set) < to
  );
  return between.length < revisions;
}

function createdMsOf({ metadata }: ReplicaSet): number {
  return msOf(metadata.creationTimestamp);
}

/** The template of a set as it was before anything was put into it. */
function originalOf(set: ReplicaSet, rollout: ResolvedRollout): PodTemplate {
  return withoutAntiAffinity(withEphemeralMetadata(set, undefined).spec.template, rollout);
}
