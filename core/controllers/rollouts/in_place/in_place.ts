import type { View } from "../../../client/client.ts";
import { daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { analysisRuns, type Rollout } from "../../../resources/argoproj/mod.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { nextAvailableMs } from "../../apps/availability.ts";
import { NOTHING, type Plan, plan } from "../../runtime/controller.ts";
import { controlled, isControlledBy } from "../../runtime/ownership.ts";
import { conclude, hasNewTemplateOrSteps, pauseAtStep, reset } from "../canary/canary.ts";
import { runAnalyses } from "../parts/analyses.ts";
import { bareTemplateOf } from "../deployments/takeover.ts";
import { updatedEvents } from "../situation/revision_events.ts";
import { Pass } from "../situation/pass.ts";
import { haltReason } from "../situation/pauses.ts";
import { availableOf, REVISION } from "../situation/sets.ts";
import {
  isFullyPromoted,
  type ResolvedRollout,
  resolvedRollout,
  type Situation,
} from "../situation/situation.ts";
import { canaryScaleOf } from "../situation/steps.ts";
import { invalid } from "../status/invalid.ts";
import { withPausedConditions } from "../status/paused_conditions.ts";
import { observed, statusWrites } from "../status/status_writes.ts";
import { invalidityOf } from "../validation/validation.ts";
import {
  hashIn,
  type InPlaceWorkload,
  isStatefulSet,
  placesFor,
  stableAtFirst,
} from "../../apps/division.ts";
import { countedRevision, currentRevisionOf, placesOf, revisionsOf } from "./revision_counts.ts";

type Surroundings = Pick<Situation, "view" | "traffic" | "nowMs">;

/** The StatefulSet or DaemonSet that a Rollout belongs to. */
export function inPlaceWorkloadOf(rollout: Rollout, view: View): InPlaceWorkload | undefined {
  const candidates = [
    view.get(statefulSets, rollout.metadata),
    view.get(daemonSets, rollout.metadata),
  ];
  return candidates.find((each) => each !== undefined && isControlledBy(rollout, each));
}

/**
 * One look at the Rollout of a StatefulSet or a DaemonSet. It decides how far the update may go and writes nothing but its
 * status; the workload's own controller replaces pods by it, see `divisionOf`.
 */
export function lookInPlace(
  stored: Rollout,
  workload: InPlaceWorkload,
  around: Surroundings,
): Plan {
  const { view, nowMs } = around;
  if (workload.metadata.deletionTimestamp) return NOTHING;
  const template = bareTemplateOf(workload.spec.template);
  const { selector } = workload.spec;
  const fault = invalidityOf({ ...stored, spec: { ...stored.spec, template, selector } }, view);
  if (fault !== undefined) return invalid(stored, fault, nowMs);
  const situation = situationOf(stored, workload, around);
  if (situation === undefined) return NOTHING; // the workload's controller comes first
  const { rollout } = situation;
  const conditions = withPausedConditions(rollout, nowMs);
  if (conditions !== rollout.status.conditions && conditions.length > 0) {
    return plan(statusWrites(situation, observed(situation, { ...rollout.status, conditions })));
  }
  return step(situation, controlled(view, pods, workload));
}

function step(situation: Situation, owned: readonly Pod[]): Plan {
  const { rollout, nowMs } = situation;
  const pass = new Pass(situation);
  pass.setStatus({ restartedAt: rollout.spec.restartAt });
  for (const { reason, message } of updatedEvents(situation)) pass.tell(reason, message);
  if (isFullyPromoted(rollout)) pass.removeAbort();
  if (hasNewTemplateOrSteps(situation)) return reset(situation, pass);
  runAnalyses(situation, pass);
  if (!pass.hasAddedPause) pauseAtStep(situation, pass);
  const availableMs = nextAvailableMs(owned, rollout.spec.minReadySeconds, nowMs);
  if (availableMs !== undefined) pass.wakeIn(availableMs);
  return conclude(situation, pass, hasItsPods);
}

/** Whether each revision has the pods that it is to have, and those of the new one are available. */
function hasItsPods({ current, all, rollout }: Situation): boolean {
  return haltReason(rollout) === undefined && availableOf(current) === current.spec.replicas &&
    all.every(({ spec, status }) => spec.replicas === status.replicas);
}

function situationOf(
  stored: Rollout,
  workload: InPlaceWorkload,
  { view, traffic, nowMs }: Surroundings,
): Situation | undefined {
  const owned = controlled(view, pods, workload);
  const revisions = revisionsOf(workload, view);
  const wanted = currentRevisionOf(workload, revisions);
  if (wanted === undefined) return undefined;
  const hash = hashIn(wanted.metadata.name);
  const places = placesOf(workload, view);
  const rollout = rolloutFor(stored, workload, {
    places,
    revision: wanted.revision,
    runningAtFirst: stableAtFirst(owned),
    hash,
  });
  const counts = {
    owned,
    places,
    minReadySeconds: workload.spec.minReadySeconds ?? 0,
    sizes: sizesOf(workload, rollout, hash),
    nowMs,
  };
  const all = revisions.map((revision) => countedRevision(revision, counts));
  const current = all[revisions.indexOf(wanted)]!;
  const stable = all.find((set) => hashIn(set.metadata.name) === rollout.status.stableRS);
  return {
    stored,
    rollout,
    workloadGeneration: String(workload.metadata.generation ?? 0),
    view,
    traffic,
    nowMs,
    hash,
    current,
    stable,
    others: all.filter((set) => set !== current && set !== stable),
    all,
    runs: controlled(view, analysisRuns, stored),
    experiments: [],
    isRollbackWithinWindow: false,
  };
}

interface Facts {
  places: number;
  revision: number;
  /** Of the template. */
  hash: string;
  /** Of what pods run when the Rollout is new. */
  runningAtFirst: string | undefined;
}

function rolloutFor(stored: Rollout, workload: InPlaceWorkload, facts: Facts): ResolvedRollout {
  const { metadata, spec, status } = resolvedRollout(stored);
  const isFirst = facts.runningAtFirst === facts.hash;
  const stableRS = status.stableRS || (isFirst ? undefined : facts.runningAtFirst);
  return {
    ...stored,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [REVISION]: String(facts.revision) },
    },
    spec: {
      ...spec,
      replicas: facts.places,
      selector: workload.spec.selector,
      template: bareTemplateOf(workload.spec.template),
    },
    status: { ...status, ...(stableRS !== undefined && { stableRS }) },
  };
}

/** How many pods the revisions are to have by the step. A partition of the user's own keeps pods back. */
function sizesOf(
  workload: InPlaceWorkload,
  rollout: ResolvedRollout,
  hash: string,
): ReadonlyMap<string, number> {
  const { stableRS = "" } = rollout.status;
  const { replicas: places } = rollout.spec;
  if (stableRS === "" || stableRS === hash) return new Map([[hash, places]]);
  const scale = canaryScaleOf(rollout);
  const kept = isStatefulSet(workload)
    ? workload.spec.updateStrategy.rollingUpdate?.partition ?? 0
    : 0;
  const wanted = placesFor("weight" in scale ? scale.weight : 0, places);
  const updated = Math.min(wanted, Math.max(0, places - kept));
  return new Map([[hash, updated], [stableRS, places - updated]]);
}
