import { PULLS_MAX } from "../../agent/images/image_puller.ts";

/** What the flags say that a kubelet has too; what is absent is as a kubelet has it. */
export interface KubeletFlags {
  serializeImagePulls?: boolean;
  maxParallelImagePulls?: number;
  /** Processes of a pod; -1: as many as the node has. */
  podMaxPids?: number;
  /** Patterns such as `kernel.msg*`. */
  allowedUnsafeSysctls?: readonly string[];
}

/** A kubelet has no bound when pulls are not serialized and none is given. */
const PARALLEL_PULLS = 5;

/** How many images may be pulled at the same time. */
export function pullsMaxOf(
  { serializeImagePulls = true, maxParallelImagePulls = PARALLEL_PULLS }: KubeletFlags,
): number {
  return serializeImagePulls ? PULLS_MAX : maxParallelImagePulls;
}

/** How many processes a pod may have, if it was said. */
export function podPidsOf({ podMaxPids }: KubeletFlags): { podPidsMax?: number } {
  return podMaxPids === undefined ? {} : { podPidsMax: podMaxPids };
}
