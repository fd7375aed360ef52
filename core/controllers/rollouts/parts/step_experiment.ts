import type { Draft } from "../../../client/client.ts";
import { isEqual } from "../../../lib/equality.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import {
  type Experiment,
  experiments,
  type ExperimentSpec,
  type ExperimentTemplate,
  type RolloutExperimentStep,
  type RolloutExperimentTemplate,
  rollouts,
} from "../../../resources/argoproj/mod.ts";
import { controllerReference, isControlledBy } from "../../runtime/ownership.ts";
import { isCompleted } from "../../analysis/metric_assessment.ts";
import { rolloutArguments } from "../analyses/arguments.ts";
import { HASH_LABEL, INSTANCE_LABEL, REVISION } from "../situation/sets.ts";
import type { Situation } from "../situation/situation.ts";

/** A step names something that is not there. */
export class StepError extends Error {
  override name = "StepError";
}

/** An experiment to be created. */
export type ExperimentDraft = Draft<Experiment> & { metadata: { name: string } };

/**
 * The experiment of a step: one to create, or one that was created before and has not ended.
 * @throws {StepError | FieldError}
 *
 * Argo Rollouts: `GetExperimentFromTemplate`, `createExperimentWithCollisionHandling`.
 */
export function stepExperiment(
  situation: Situation & { stable: ReplicaSet },
  step: RolloutExperimentStep,
  index: number,
): { draft: ExperimentDraft } | { experiment: Experiment } {
  const { rollout, stored, hash, view } = situation;
  const { name, namespace, labels, annotations } = rollout.metadata;
  const revision = annotations?.[REVISION] ?? "";
  const base = `${name}-${hash}-${revision}-${index}`;
  const spec = specOf(situation, step);
  const instance = labels?.[INSTANCE_LABEL];
  for (let collisions = 0;; collisions++) {
    const nameNow = collisions === 0 ? base : `${base}-${collisions}`;
    const there = view.get(experiments, { namespace, name: nameNow });
    if (there === undefined) {
      const metadata = {
        name: nameNow,
        namespace,
        labels: { [HASH_LABEL]: hash, ...(instance && { [INSTANCE_LABEL]: instance }) },
        annotations: { [REVISION]: revision },
        ownerReferences: [controllerReference(rollouts, stored)],
      };
      return { draft: { metadata, spec } };
    }
    const isSame = !isCompleted(there.status?.phase) && isControlledBy(there, stored) &&
      isEqual(withoutEnd(there.spec), withoutEnd(spec));
    if (isSame) return { experiment: there };
  }
}

function withoutEnd({ terminate: _, ...spec }: ExperimentSpec): object {
  return spec;
}

function specOf(
  situation: Situation & { stable: ReplicaSet },
  step: RolloutExperimentStep,
): ExperimentSpec {
  const { stored, rollout, current, stable } = situation;
  const { duration, dryRun, analysisRunMetadata, analyses = [] } = step;
  const { progressDeadlineSeconds } = rollout.spec;
  return {
    ...(duration !== undefined && { duration }),
    ...(progressDeadlineSeconds !== undefined && { progressDeadlineSeconds }),
    ...(dryRun && { dryRun }),
    ...(analysisRunMetadata && { analysisRunMetadata }),
    templates: step.templates.map((template) => templateOf(situation, template)),
    ...(analyses.length > 0 && {
      analyses: analyses.map(({ args, ...analysis }) => ({
        ...analysis,
        ...(args && { args: rolloutArguments(args, { rollout: stored, current, stable }) }),
      })),
    }),
  };
}

/** The pods of one of the two sets, with the labels and annotations of the step. */
function templateOf(
  { current, stable }: { current: ReplicaSet; stable: ReplicaSet },
  { name, specRef, replicas, weight, service, selector: given, metadata = {} }:
    RolloutExperimentTemplate,
): ExperimentTemplate {
  if (specRef !== "canary" && specRef !== "stable") {
    throw new StepError("Invalid template step SpecRef: must be canary or stable");
  }
  const set = specRef === "canary" ? current : stable;
  const { template: { metadata: own = {}, spec }, minReadySeconds } = set.spec;
  const selector = given ?? set.spec.selector;
  const labels = { ...own.labels, ...metadata.labels };
  const annotations = { ...own.annotations, ...metadata.annotations };
  const hasService = weight !== undefined || service !== undefined;
  return {
    name,
    ...(replicas !== undefined && { replicas }),
    ...(minReadySeconds !== undefined && { minReadySeconds }),
    ...(hasService && { service: service?.name ? { name: service.name } : {} }),
    selector: metadata.labels
      ? { ...selector, matchLabels: { ...selector.matchLabels, ...metadata.labels } }
      : selector,
    template: {
      metadata: { labels, ...(Object.keys(annotations).length > 0 && { annotations }) },
      spec,
    },
  };
}
