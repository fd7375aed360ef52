import type { Draft } from "../../../client/client.ts";
import { msOf } from "../../../lib/timestamp.ts";
import {
  type DaemonSet,
  daemonSets,
  TEMPLATE_GENERATION,
} from "../../../resources/apps/daemon_sets.ts";
import type { Affinity } from "../../../resources/core/pods/spec/affinity.ts";
import { availableInMs, isFinished } from "../../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { podOf } from "../pod_creation.ts";
import { REVISION_HASH } from "../revisions.ts";
import { daemonTolerations } from "./node_fit.ts";

/** On pods: the generation of the template that they were made of. */
const POD_TEMPLATE_GENERATION = "pod-template-generation";
const NODE_NAME = "metadata.name";

/** The pod of a node. The scheduler binds it, as any other one. Kubernetes: `CreatePodTemplate`. */
export function newDaemonPod(
  daemonSet: DaemonSet,
  hash: string,
  { name, node }: { name: string; node: string },
): Draft<Pod> {
  const { spec: { template }, metadata: { annotations } } = daemonSet;
  const pod = podOf(daemonSets, daemonSet, name, template);
  const generation = annotations?.[TEMPLATE_GENERATION];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata.labels,
        ...(generation !== undefined && { [POD_TEMPLATE_GENERATION]: generation }),
        [REVISION_HASH]: hash,
      },
    },
    spec: {
      ...template.spec,
      tolerations: daemonTolerations(template.spec),
      affinity: onNode(template.spec.affinity, node),
    },
  };
}

/** Kubernetes: `ReplaceDaemonSetPodNodeNameNodeAffinity`. What the template requires has been checked already. */
function onNode(affinity: Affinity | undefined, node: string): Affinity {
  const isNode = { key: NODE_NAME, operator: "In" as const, values: [node] };
  const required = { nodeSelectorTerms: [{ matchFields: [isNode] }] };
  const nodeAffinity = {
    ...affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: required,
  };
  return { ...affinity, nodeAffinity };
}

/** The node that a pod is on, or is to be on; `undefined` when nothing says so. Kubernetes: `GetTargetNodeName`. */
export function nodeOf({ spec: { nodeName, affinity } }: Pod): string | undefined {
  if (nodeName) return nodeName;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const field = required?.nodeSelectorTerms.flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator }) => key === NODE_NAME && operator === "In");
  return field?.values?.length === 1 ? field.values[0] : undefined;
}

/** Pods by the node that they are for, without those that have ended and only wait to be forgotten. */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const counted = pods.filter((pod) => !(isFinished(pod) && isEnding(pod)));
  const byNode = Map.groupBy(counted, nodeOf);
  byNode.delete(undefined);
  return byNode as Map<string, Pod[]>; // the only key that is no name is gone
}

/** Bound ones first, then the oldest: Kubernetes' `podByCreationTimestampAndPhase`. */
export function inAge(pods: readonly Pod[]): Pod[] {
  return [...pods].sort((a, b) =>
    Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) ||
    msOf(a.metadata.creationTimestamp) - msOf(b.metadata.creationTimestamp) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

/** Whether the pod is made of the template that the DaemonSet has now. Kubernetes: `IsPodUpdated`. */
export function isUpdated(
  { metadata: { annotations } }: DaemonSet,
  hash: string,
  { metadata: { labels } }: Pod,
): boolean {
  const generation = annotations?.[TEMPLATE_GENERATION];
  return labels?.[REVISION_HASH] === hash ||
    (generation !== undefined && labels?.[POD_TEMPLATE_GENERATION] === generation);
}

export function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isAvailable({ spec }: DaemonSet, pod: Pod, nowMs: number): boolean {
  return availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) === 0;
}
