import { availableInMs } from "../../resources/core/pods/pod_states.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { earliest } from "../runtime/controller.ts";

/** Milliseconds until the next of the pods that are ready has been so for long enough; `undefined`: all have. */
export function nextAvailableMs(
  pods: readonly Pod[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  return pods.map((pod) => availableInMs(pod, minReadySeconds ?? 0, nowMs))
    .filter((ms) => ms !== 0)
    .reduce(earliest, undefined);
}
