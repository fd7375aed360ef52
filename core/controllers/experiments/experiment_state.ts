import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { msOf } from "../../lib/timestamp.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import type {
  Experiment,
  ExperimentStatus,
  ExperimentTemplate,
} from "../../resources/argoproj/mod.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import type { KubeObject, Resource } from "../../resources/resource.ts";
import { DurationError, durationMsOf } from "../../schema/durations.ts";
import type { Write } from "../runtime/controller.ts";
import { controlled } from "../runtime/ownership.ts";
import { EXPERIMENT_NAME } from "../rollouts/situation/sets.ts";
import { isBad, isEnded } from "./phases.ts";

/** On a ReplicaSet or a Service of an experiment: which of its templates it is of. */
export const TEMPLATE_NAME = "experiment.argoproj.io/template-name";
const PROGRESS_DEADLINE_S = 600;

/** What one look at an experiment works on, as it was at the beginning. */
export interface ExperimentState {
  readonly experiment: Experiment;
  readonly view: View;
  readonly nowMs: number;
  /** Whether it is ending or has ended: no pods are wanted, no analyses are begun. */
  readonly isEnding: boolean;
  /** By the names of their templates. */
  readonly sets: ReadonlyMap<string, ReplicaSet>;
  readonly services: ReadonlyMap<string, Service>;
  /** Whether requests still get to the pods of a template with this hash. */
  isInUse(hash: string): boolean;
}

/** What a part of a look says. */
export interface PartPlan<S> {
  readonly status: S;
  readonly writes: readonly Write[];
  /** About the experiment, unless they say otherwise; told when the status is written. */
  readonly told: readonly Notice[];
  /** Looks again after this long, or earlier. */
  readonly againAfterMs?: number;
}

/** Looks around once. */
export function stateOf(
  experiment: Experiment,
  view: View,
  nowMs: number,
  isInUse: (hash: string) => boolean,
): ExperimentState {
  return {
    experiment,
    view,
    nowMs,
    isEnding: isEnding(experiment, experiment.status ?? {}),
    sets: ownByTemplate(experiment, view, replicaSets),
    services: ownByTemplate(experiment, view, services),
    isInUse,
  };
}

function ownByTemplate<T extends KubeObject>(
  experiment: Experiment,
  view: View,
  resource: Resource<T>,
): Map<string, T> {
  const own = controlled(view, resource, experiment).filter(({ metadata }) =>
    metadata.annotations?.[EXPERIMENT_NAME] === experiment.metadata.name &&
    !metadata.deletionTimestamp
  );
  return new Map(own.map((each) => [each.metadata.annotations?.[TEMPLATE_NAME] ?? "", each]));
}

/**
 * Whether somebody or something ends the experiment: its user, a template or an analysis that went wrong, or that all
 * analyses which are required have succeeded. Argo Rollouts: `IsTerminating`.
 */
export function isEnding({ spec }: Pick<Experiment, "spec">, status: ExperimentStatus): boolean {
  const { phase, templateStatuses = [], analysisRuns = [] } = status;
  return spec.terminate === true || isEnded(phase) ||
    templateStatuses.some((each) => isBad(each.status)) ||
    analysisRuns.some((each) => isBad(each.phase)) ||
    haveRequiredSucceeded({ spec }, status);
}

export function requiredAnalyses({ spec }: Pick<Experiment, "spec">): string[] {
  return (spec.analyses ?? []).filter((each) => each.requiredForCompletion).map(({ name }) => name);
}

/** Whether there are analyses that are required, and all of them have succeeded. */
export function haveRequiredSucceeded(
  experiment: Pick<Experiment, "spec">,
  { analysisRuns = [] }: ExperimentStatus,
): boolean {
  const required = requiredAnalyses(experiment);
  return required.length > 0 &&
    required.every((name) =>
      analysisRuns.some((each) => each.name === name && each.phase === "Successful")
    );
}

export function replicasOf({ replicas = 1 }: Pick<ExperimentTemplate, "replicas">): number {
  return replicas;
}

/** Milliseconds since 1970 at which it is over; `undefined`: nothing says so. */
export function endMsOf({ spec, status }: Pick<Experiment, "spec" | "status">): number | undefined {
  if (status?.availableAt === undefined || !spec.duration) return undefined;
  const durationMs = durationMsIn(spec.duration);
  return durationMs === undefined ? undefined : msOf(status.availableAt) + durationMs;
}

/** Of a number of seconds, or of a duration as Go writes it; `undefined` for a text that is neither. */
export function durationMsIn(text: string): number | undefined {
  if (/^-?[0-9]+$/.test(text)) return Number(text) * 1_000;
  try {
    return durationMsOf(text);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

export function isOver(experiment: Experiment, nowMs: number): boolean {
  const endMs = endMsOf(experiment);
  return endMs !== undefined && nowMs >= endMs;
}

export function progressDeadlineS({ spec }: Pick<Experiment, "spec">): number {
  return spec.progressDeadlineSeconds ?? PROGRESS_DEADLINE_S;
}
