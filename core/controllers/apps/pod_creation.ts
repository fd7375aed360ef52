import type { ApiError } from "../../client/api_error.ts";
import type { Draft, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import type { PodTemplate } from "../../resources/core/pods/spec/pod_spec.ts";
import type { AnyResource, KubeObject } from "../../resources/resource.ts";
import { recordEvent, remove, type Write } from "../runtime/controller.ts";
import { suffixOf } from "../runtime/hashes.ts";
import { controllerReference } from "../runtime/ownership.ts";

/** Pods that one plan makes or deletes at most: Kubernetes' `BurstReplicas`. */
export const WRITES_MAX = 500;
/** Kubernetes: `maxGeneratedNameLength`; with its suffix a name fits into a label and a host name. */
const NAME_PREFIX_CHARS_MAX = 58;

/** What makes pods. */
export interface PodOwner extends KubeObject {
  metadata: KubeObject["metadata"] & { namespace: string };
}

/**
 * Names for pods of the owner, one for each seed. They are derived from the state that led to the plan, so that a repeated
 * plan collides with itself instead of making duplicates, and never name a pod that is still there, ending ones included.
 */
export function freeNames(owner: PodOwner, view: View, seeds: Iterable<unknown>): string[] {
  const { name, namespace, uid, resourceVersion } = owner.metadata;
  const prefix = `${name}-`.slice(0, NAME_PREFIX_CHARS_MAX);
  const names = new Set<string>();
  for (const seed of seeds) {
    let state = `${uid} ${resourceVersion} ${seed}`;
    let free = prefix + suffixOf(state);
    while (names.has(free) || view.get(pods, { namespace, name: free }) !== undefined) {
      state += " ";
      free = prefix + suffixOf(state);
    }
    names.add(free);
  }
  return [...names];
}

/** A pod of the template. Kubernetes: `GetPodFromTemplate`. */
export function podOf(
  resource: AnyResource,
  owner: PodOwner,
  name: string,
  template: PodTemplate,
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(resource, owner)],
    },
    spec: template.spec,
  };
}

export function created(about: PodOwner, name: string): Notice {
  return { about, type: "Normal", reason: "SuccessfulCreate", message: `Created pod: ${name}` };
}

export function deletion(about: PodOwner, pod: Pod): Write {
  return remove(pods, pod, {
    event: {
      about,
      type: "Normal",
      reason: "SuccessfulDelete",
      message: `Deleted pod: ${pod.metadata.name}`,
    },
  });
}

/** The event when a pod cannot be created. */
export function failedCreation(about: PodOwner, { message }: ApiError): Write {
  return recordEvent({
    about,
    type: "Warning",
    reason: "FailedCreate",
    message: `Error creating: ${message}`,
  });
}
