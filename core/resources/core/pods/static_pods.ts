import { ownField } from "../../../lib/own_field.ts";
import type { KubeObject } from "../../resource.ts";

/** Annotations of static pods and of their mirrors in the API. */
export const CONFIG_HASH = "kubernetes.io/config.hash";
export const CONFIG_SOURCE = "kubernetes.io/config.source";
export const CONFIG_SEEN = "kubernetes.io/config.seen";
export const CONFIG_MIRROR = "kubernetes.io/config.mirror";

/**
 * The uid of the static pod that an object of the API only shows; `undefined`: it is no mirror.
 * https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
 */
export function mirrorHashOf({ metadata }: Pick<KubeObject, "metadata">): string | undefined {
  return ownField(metadata.annotations, CONFIG_MIRROR);
}

export function isMirrorPod(pod: Pick<KubeObject, "metadata">): boolean {
  return mirrorHashOf(pod) !== undefined;
}
