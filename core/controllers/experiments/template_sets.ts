import type { ApiError } from "../../client/api_error.ts";
import type { Draft } from "../../client/client.ts";
import { isOfEndingNamespace } from "../../client/refusals.ts";
import { isEqual } from "../../lib/equality.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import {
  type Experiment,
  experiments,
  type ExperimentTemplate,
  type TemplateStatus,
} from "../../resources/argoproj/mod.ts";
import type { PodTemplate } from "../../resources/core/pods/spec/pod_spec.ts";
import { templateHashOf } from "../rollouts/parts/template_hash.ts";
import {
  deadlineMsOf,
  EXPERIMENT_NAME,
  hasDeadline,
  HASH_LABEL,
  hashOf,
  SCALE_DOWN_DEADLINE,
} from "../rollouts/situation/sets.ts";
import { create, recordEvent, update, type Write } from "../runtime/controller.ts";
import { controllerReference } from "../runtime/ownership.ts";
import { type ExperimentState, replicasOf, TEMPLATE_NAME } from "./experiment_state.ts";

const SCALE_DOWN_DELAY_S = 30;

export function setNameOf({ metadata }: Experiment, { name }: ExperimentTemplate): string {
  return `${metadata.name}-${name}`;
}

/** What marks an object as made for a template of an experiment. */
export function templateAnnotations(
  { metadata }: Experiment,
  { name }: ExperimentTemplate,
): Record<string, string> {
  return { [EXPERIMENT_NAME]: metadata.name, [TEMPLATE_NAME]: name };
}

/**
 * The set of a template, without pods at first. Its hash is not that of the rollout's set with the same pods, so that
 * neither owner takes the other's pods.
 */
function draftOf(
  experiment: Experiment,
  template: ExperimentTemplate,
  collisionCount: number | undefined,
): Draft<ReplicaSet> {
  const { metadata = {}, spec } = template.template;
  const { [HASH_LABEL]: _, ...labels } = metadata.labels ?? {};
  const plain = { ...(template.template.metadata && { metadata: { ...metadata, labels } }), spec };
  const hash = { [HASH_LABEL]: templateHashOf(plain, collisionCount) };
  return {
    metadata: {
      name: setNameOf(experiment, template),
      namespace: experiment.metadata.namespace,
      labels: hash,
      annotations: templateAnnotations(experiment, template),
      ownerReferences: [controllerReference(experiments, experiment)],
    },
    spec: {
      replicas: 0,
      ...(template.minReadySeconds !== undefined && { minReadySeconds: template.minReadySeconds }),
      selector: {
        ...template.selector,
        matchLabels: { ...template.selector.matchLabels, ...hash },
      },
      template: { metadata: { ...metadata, labels: { ...labels, ...hash } }, spec } as PodTemplate, // which the API checks
    },
  };
}

/** The write that makes the set of a template, or why it cannot be made. */
export function setCreation(
  { experiment, view }: ExperimentState,
  template: ExperimentTemplate,
  { collisionCount }: TemplateStatus,
): { write: Write } | { fault: string } {
  const { namespace } = experiment.metadata;
  const name = setNameOf(experiment, template);
  if (view.get(replicaSets, { namespace, name })) {
    return { fault: creationFault(template, `replicasets.apps "${name}" already exists`) };
  }
  const refused = (error: ApiError): Write[] => {
    if (isOfEndingNamespace(error)) return [];
    const message = `Failed to create new replica set "${name}": ${error.message}`;
    return [
      ...errorWrites(experiment, template, creationFault(template, error.message)),
      recordEvent({ about: experiment, type: "Normal", reason: "ReplicaSetCreateError", message }),
    ];
  };
  return { write: create(replicaSets, draftOf(experiment, template, collisionCount), { refused }) };
}

function creationFault({ name }: ExperimentTemplate, why: string): string {
  return `Failed to create ReplicaSet for template '${name}': ${why}`;
}

/** Says in the status, when the API refuses something of a template, that the template cannot be had. */
export function errorWrites(
  experiment: Experiment,
  { name }: ExperimentTemplate,
  message: string,
): Write[] {
  const { templateStatuses = [] } = experiment.status ?? {};
  const counts = { replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
  const before = templateStatuses.find((each) => each.name === name) ?? { name, ...counts };
  const failed = { ...before, status: "Error", message };
  const isKnown = templateStatuses.some((each) => each.name === name);
  const statuses = isKnown
    ? templateStatuses.map((each) => each.name === name ? failed : each)
    : [...templateStatuses, failed];
  const phase = experiment.status?.phase || "Pending";
  const status = { ...experiment.status, phase, templateStatuses: statuses };
  return [update(experiments, { ...experiment, status })];
}

export interface Resizing {
  /** The set as it should be; the same object when it is so. */
  readonly set: ReplicaSet;
  /** Looks again after this long: then its pods may go. */
  readonly againAfterMs?: number;
}

/**
 * The set with the number of pods that is wanted. Pods that are not wanted any more stay for a delay, and as long as
 * requests get to them.
 */
export function resized(state: ExperimentState, set: ReplicaSet, wanted: number): Resizing {
  const kept = wanted === 0 ? withDeadline(state, set) : withoutDeadline(set);
  const leftMs = wanted === 0 ? (deadlineMsOf(kept) ?? 0) - state.nowMs : 0;
  const isKept = leftMs > 0 ||
    (wanted === 0 && kept.spec.replicas > 0 && state.isInUse(hashOf(kept)));
  const replicas = isKept ? kept.spec.replicas : wanted;
  const next = { ...kept, spec: { ...kept.spec, replicas } };
  return {
    set: isEqual(next, set) ? set : next,
    ...(leftMs > 0 && kept.spec.replicas > 0 && { againAfterMs: leftMs }),
  };
}

function withDeadline({ experiment, nowMs }: ExperimentState, set: ReplicaSet): ReplicaSet {
  const delayS = experiment.spec.scaleDownDelaySeconds ?? SCALE_DOWN_DELAY_S;
  if (delayS === 0) return withoutDeadline(set);
  if (hasDeadline(set) || set.spec.replicas === 0) return set;
  const { metadata } = set;
  const deadline = timestamp(nowMs + delayS * 1_000);
  return {
    ...set,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [SCALE_DOWN_DEADLINE]: deadline },
    },
  };
}

function withoutDeadline(set: ReplicaSet): ReplicaSet {
  if (!hasDeadline(set)) return set;
  const { [SCALE_DOWN_DEADLINE]: _, ...annotations } = set.metadata.annotations ?? {};
  return { ...set, metadata: { ...set.metadata, annotations } };
}

/** The writes that make a set so, with the event that tells of another size. */
export function resizingWrites(
  experiment: Experiment,
  before: ReplicaSet,
  { set }: Resizing,
): Write[] {
  if (set === before) return [];
  const [from, to] = [before.spec.replicas, set.spec.replicas];
  if (from === to) return [update(replicaSets, set)];
  const message = `Scaled ${
    from < to ? "up" : "down"
  } ReplicaSet ${set.metadata.name} from ${from} to ${to}`;
  return [
    update(replicaSets, set),
    recordEvent({ about: experiment, type: "Normal", reason: "ScalingReplicaSet", message }),
  ];
}

/** How many pods a template should have now. */
export function wantedReplicas(
  { isEnding }: ExperimentState,
  template: ExperimentTemplate,
  hasEnded: boolean,
): number {
  return isEnding || hasEnded ? 0 : replicasOf(template);
}
