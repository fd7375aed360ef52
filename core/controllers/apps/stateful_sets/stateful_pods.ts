import type { Draft } from "../../../client/client.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { availableInMs, isReady } from "../../../resources/core/pods/pod_states.ts";
import { recordEvent, type Write } from "../../runtime/controller.ts";
import { podOf } from "../pod_creation.ts";
import { REVISION_HASH } from "../revisions.ts";
import { claimsOf } from "./claims.ts";
import type { State } from "./history.ts";
import { ordinalOf, podNameOf } from "./ordinals.ts";

/** https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-name-label */
const POD_NAME = "statefulset.kubernetes.io/pod-name";
/** https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-index-label */
const POD_INDEX = "apps.kubernetes.io/pod-index";

/** The pod of an ordinal, made of a state of its set. Kubernetes: `newStatefulSetPod`. */
export function newStatefulPod(
  set: StatefulSet,
  ordinal: number,
  { revision, template }: State,
): Draft<Pod> {
  const name = podNameOf(set, ordinal);
  const pod = podOf(statefulSets, set, name, template);
  const labels = { ...pod.metadata.labels, ...identityOf(set, ordinal), [REVISION_HASH]: revision };
  const { serviceName } = set.spec;
  const { subdomain: _, ...spec } = template.spec;
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: {
      ...spec,
      ...volumesOf(set, ordinal, template.spec.volumes),
      hostname: name,
      ...(serviceName !== "" && { subdomain: serviceName }),
    },
  };
}

/** Claims come first, and take the place of volumes of their names. */
function volumesOf(
  set: StatefulSet,
  ordinal: number,
  own: Pod["spec"]["volumes"] = [],
): Pick<Pod["spec"], "volumes"> {
  const claimed = claimsOf(set, ordinal)
    .map(({ volume, name }) => ({ name: volume, persistentVolumeClaim: { claimName: name } }));
  const names = new Set(claimed.map(({ name }) => name));
  const volumes = [...claimed, ...own.filter(({ name }) => !names.has(name))];
  return volumes.length > 0 ? { volumes } : {};
}

function identityOf(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [POD_NAME]: podNameOf(set, ordinal), [POD_INDEX]: String(ordinal) };
}

/** The pod with the labels that say which one of the set it is; `undefined` when it has them. */
export function withIdentity(set: StatefulSet, pod: Pod): Pod | undefined {
  const { metadata } = pod;
  if (metadata.labels?.[POD_NAME] === metadata.name) return undefined;
  const labels = { ...metadata.labels, ...identityOf(set, ordinalOf(set, pod)!) };
  return { ...pod, metadata: { ...metadata, labels } };
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status.phase === "Running" && isReady(pod);
}

/** Whether it has been ready for long enough. One that is ending may be. */
export function isAvailable({ spec }: StatefulSet, pod: Pod, nowMs: number): boolean {
  return availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) === 0;
}

export function isUnavailable(set: StatefulSet, pod: Pod, nowMs: number): boolean {
  return isEnding(pod) || !isAvailable(set, pod, nowMs);
}

export function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

type Verb = "create" | "update" | "delete";

/** What was done to a pod of the set, or why it could not be: Kubernetes' `recordPodEvent`. */
export function podEvent(
  about: StatefulSet,
  verb: Verb,
  podName: string,
  error?: string,
): Write & { verb: "event" } {
  const what = `${verb} Pod ${podName} in StatefulSet ${about.metadata.name}`;
  return eventOf(about, verb, error, `${what} successful`, `${what} failed error: ${error}`);
}

/** The same about a claim of a pod: Kubernetes' `recordClaimEvent`. */
export function claimEvent(
  about: StatefulSet,
  { claim, pod }: { claim: string; pod: string },
  error?: string,
): Write & { verb: "event" } {
  const { name } = about.metadata;
  const success = `create Claim ${claim} Pod ${pod} in StatefulSet ${name} success`;
  const failure =
    `create Claim ${claim} for Pod ${pod} in StatefulSet ${name} failed error: ${error}`;
  return eventOf(about, "create", error, success, failure);
}

function eventOf(
  about: StatefulSet,
  verb: Verb,
  error: string | undefined,
  success: string,
  failure: string,
): Write & { verb: "event" } {
  const word = { create: "Create", update: "Update", delete: "Delete" }[verb];
  return recordEvent(
    error === undefined
      ? { about, type: "Normal", reason: `Successful${word}`, message: success }
      : { about, type: "Warning", reason: `Failed${word}`, message: failure },
  ) as Write & { verb: "event" }; // recordEvent makes no other
}
