import type { Notice } from "../../client/event_recorder.ts";
import { msOf, timestamp } from "../../lib/timestamp.ts";
import type { ReplicaSet } from "../../resources/apps/replica_sets.ts";
import type {
  Experiment,
  ExperimentTemplate,
  TemplateStatus,
} from "../../resources/argoproj/mod.ts";
import {
  type ExperimentState,
  isOver,
  type PartPlan,
  progressDeadlineS,
} from "./experiment_state.ts";
import { isBad, isEnded } from "./phases.ts";
import { servicePlan } from "./template_services.ts";
import { resized, resizingWrites, setCreation, wantedReplicas } from "./template_sets.ts";

/**
 * Gives a template its ReplicaSet and its Service, and says how it is.
 *
 * Argo Rollouts: `experiments/experiment.go`, `reconcileTemplate`.
 */
export function templatePlan(
  state: ExperimentState,
  template: ExperimentTemplate,
): PartPlan<TemplateStatus> {
  const before = statusBefore(state.experiment, template.name);
  const wanted = wantedReplicas(state, template, isEnded(before.status));
  const set = state.sets.get(template.name);
  const made = set === undefined
    ? withoutSet(state, template, before, wanted)
    : withSet(state, template, before, wanted, set);
  const status = judged(state, made.status, before, wanted);
  return { ...made, status, told: told(state.experiment, before, status) };
}

const NO_PODS = { replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0 };

function statusBefore({ status }: Experiment, name: string): TemplateStatus {
  return status?.templateStatuses?.find((each) => each.name === name) ?? { name, ...NO_PODS };
}

type Made = Omit<PartPlan<TemplateStatus>, "told">;

function withoutSet(
  state: ExperimentState,
  template: ExperimentTemplate,
  before: TemplateStatus,
  wanted: number,
): Made {
  const counted = { ...before, ...NO_PODS };
  if (wanted === 0) return { status: counted, writes: [] };
  const creation = setCreation(state, template, before);
  if ("fault" in creation) return { status: failed(counted, creation.fault), writes: [] };
  const status = { ...counted, lastTransitionTime: timestamp(state.nowMs) };
  return { status, writes: [creation.write] };
}

function withSet(
  state: ExperimentState,
  template: ExperimentTemplate,
  before: TemplateStatus,
  wanted: number,
  set: ReplicaSet,
): Made {
  const resizing = resized(state, set, wanted);
  const service = servicePlan(state, template, resizing.set, { isWanted: wanted > 0 });
  const isResized = resizing.set.spec.replicas !== set.spec.replicas;
  const counted = { ...before, ...countsOf(set) };
  const served = withService(counted, service.status);
  const hasProgressed = isResized || !hasSameCounts(counted, before);
  const status = hasProgressed ? { ...served, lastTransitionTime: timestamp(state.nowMs) } : served;
  return {
    status: service.fault === undefined ? status : failed(status, service.fault),
    writes: [...service.writes, ...resizingWrites(state.experiment, set, resizing)],
    ...(resizing.againAfterMs !== undefined && { againAfterMs: resizing.againAfterMs }),
  };
}

function countsOf({ status: { replicas, readyReplicas = 0, availableReplicas = 0 } }: ReplicaSet) {
  return { replicas, updatedReplicas: replicas, readyReplicas, availableReplicas };
}

function hasSameCounts(a: TemplateStatus, b: TemplateStatus): boolean {
  return a.replicas === b.replicas && a.updatedReplicas === b.updatedReplicas &&
    a.readyReplicas === b.readyReplicas && a.availableReplicas === b.availableReplicas;
}

function withService(
  status: TemplateStatus,
  service: { serviceName: string; podTemplateHash: string } | "none" | undefined,
): TemplateStatus {
  if (service === undefined) return status;
  if (service !== "none") return { ...status, ...service };
  const { serviceName: _, podTemplateHash: __, ...rest } = status;
  return rest;
}

function failed(status: TemplateStatus, message: string): TemplateStatus {
  return { ...status, status: "Error", message };
}

/** What has ended stays as it is. */
function judged(
  { experiment, nowMs, isEnding }: ExperimentState,
  now: TemplateStatus,
  before: TemplateStatus,
  wanted: number,
): TemplateStatus {
  if (isEnded(now.status)) return now;
  const isDone = isEnding || isOver(experiment, nowMs);
  if (now.availableReplicas === wanted) {
    return { ...now, status: isDone ? "Successful" : "Running" };
  }
  const seconds = progressDeadlineS(experiment);
  const since = now.lastTransitionTime ?? before.lastTransitionTime;
  if (since !== undefined && nowMs > msOf(since) + seconds * 1_000) {
    const message = `Template '${now.name}' exceeded its progressDeadlineSeconds (${seconds})`;
    return { ...now, status: "Failed", message };
  }
  return { ...now, status: isEnding ? "Successful" : "Progressing" };
}

function told(
  about: Experiment,
  before: TemplateStatus,
  { name, status = "", message }: TemplateStatus,
): Notice[] {
  if (before.status === status) return [];
  const change = `Template '${name}' transitioned from ${before.status ?? ""} -> ${status}`;
  return [{
    about,
    type: isBad(status) ? "Warning" : "Normal",
    reason: `Template${status}`,
    message: message ? `${change}: ${message}` : change,
  }];
}
