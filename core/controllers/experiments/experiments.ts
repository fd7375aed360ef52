import type { ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { isEqual } from "../../lib/equality.ts";
import { replicaSets } from "../../resources/apps/replica_sets.ts";
import {
  analysisRuns,
  type Experiment,
  experiments,
  type ExperimentStatus,
} from "../../resources/argoproj/mod.ts";
import { services } from "../../resources/core/services/services.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { withConditionRenewed, withConditionSet } from "../rollouts/status/condition_list.ts";
import {
  type Controller,
  earliest,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  update,
  type Watch,
  type Write,
} from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { analysisPlan } from "./analyses.ts";
import { experimentStatus, nextChangeInMs } from "./experiment_status.ts";
import { stateOf } from "./experiment_state.ts";
import { isBad, isEnded } from "./phases.ts";
import { specFault } from "./spec_faults.ts";
import { templatePlan } from "./templates.ts";

/** How requests get to pods of a template, in the tables that our proxies serve by. */
export interface UsedPods {
  waysTo(set: { namespace: string; hash: string }): readonly { by: string }[];
  onChange(listener: (namespaces: ReadonlySet<string>) => void): () => void;
}

/**
 * Runs sets of pods side by side, analyses them, and takes them away.
 *
 * Argo Rollouts 1.8: `experiments/`. https://argo-rollouts.readthedocs.io/en/stable/features/experiment/
 */
export function experimentController(proxies?: UsedPods): Controller<Experiment> {
  return {
    name: "rollouts-controller", // as which Argo Rollouts records its events
    resource: experiments,
    watches: [ownedBy(replicaSets), ownedBy(services), ownedBy(analysisRuns)],
    ...(proxies && {
      outside: (view, look) =>
        proxies.onChange((namespaces) => endedIn(view, namespaces).forEach(look)),
    }),
    workers: 2,
    reconcile: (experiment, view, nowMs) => reconcile(experiment, view, nowMs, proxies),
  };
}

/** Ended ones, whose pods may wait for the proxies. */
function endedIn(view: View, namespaces: ReadonlySet<string>): ObjectName[] {
  return [...namespaces].flatMap((namespace) => view.list(experiments, namespace))
    .filter(({ status }) => isEnded(status?.phase))
    .map(({ metadata }) => metadata);
}

function ownedBy(resource: AnyResource): Watch {
  return {
    resource,
    concerns(changed: KubeObject): ObjectName[] {
      const { namespace } = changed.metadata;
      const owner = controllerOf(changed);
      if (namespace === undefined || owner?.kind !== experiments.kind) return [];
      return [{ namespace, name: owner.name }];
    },
  };
}

function reconcile(experiment: Experiment, view: View, nowMs: number, proxies?: UsedPods): Plan {
  if (experiment.metadata.deletionTimestamp) return NOTHING;
  const fault = specFault(experiment);
  if (fault !== undefined) return invalid(experiment, fault, nowMs);
  const { namespace } = experiment.metadata;
  const isInUse = (hash: string) =>
    proxies?.waysTo({ namespace, hash }).some(({ by }) => by !== "address") ?? false;
  const state = stateOf(experiment, view, nowMs, isInUse);
  const templates = experiment.spec.templates.map((template) => templatePlan(state, template));
  const runs = (experiment.spec.analyses ?? []).map((analysis) => analysisPlan(state, analysis));
  const parts = [...templates, ...runs];
  const statuses = {
    templates: templates.map(({ status }) => status),
    runs: runs.map(({ status }) => status),
  };
  const status = experimentStatus(experiment, statuses, nowMs);
  const again = [
    ...templates.map(({ againAfterMs }) => againAfterMs),
    nextChangeInMs(experiment, status, nowMs),
  ];
  return plan([
    ...parts.flatMap(({ writes }) => writes),
    ...statusWrites(experiment, status),
    ...[...parts.flatMap(({ told }) => told), ...phaseNotices(experiment, status)].map(recordEvent),
  ], again.reduce(earliest, undefined));
}

function statusWrites(experiment: Experiment, status: ExperimentStatus): Write[] {
  if (isEqual(status, experiment.status ?? {})) return [];
  return [update(experiments, { ...experiment, status })];
}

function phaseNotices(about: Experiment, { phase = "" }: ExperimentStatus): Notice[] {
  const before = about.status?.phase ?? "";
  if (before === phase) return [];
  return [{
    about,
    type: isBad(phase) ? "Warning" : "Normal",
    reason: `Experiment${phase}`,
    message: `Experiment transitioned from ${before} -> ${phase}`,
  }];
}

/** Nothing is done for it until it is valid. */
function invalid(experiment: Experiment, message: string, nowMs: number): Plan {
  const { conditions = [], ...rest } = experiment.status ?? {};
  const update = { type: "InvalidSpec", status: "True" as const, reason: "InvalidSpec", message };
  const isSame = conditions.some((each) => each.type === update.type && each.message === message);
  const set = isSame ? withConditionSet : withConditionRenewed;
  const status = { ...rest, conditions: set(conditions, update, nowMs) };
  return plan(statusWrites(experiment, status));
}
