import type { AgentOptions } from "../../agent/agent.ts";
import type { Threshold } from "../../agent/eviction/thresholds.ts";
import type { Reservation } from "../../agent/node/allocatable.ts";
import { PULLS_MAX } from "../../agent/images/image_puller.ts";

/** What the flags say that a kubelet has too; what is absent is as a kubelet has it. */
export interface KubeletFlags {
  serializeImagePulls?: boolean;
  maxParallelImagePulls?: number;
  /** Processes of a pod; -1: as many as the node has. */
  podMaxPids?: number;
  maxPods?: number;
  /** Amounts by resource. */
  systemReserved?: Reservation;
  kubeReserved?: Reservation;
  evictionHard?: readonly Threshold[];
  /** In milliseconds. */
  evictionPressureTransitionPeriod?: number;
  /** Patterns such as `kernel.msg*`. */
  allowedUnsafeSysctls?: readonly string[];
}

/** What an agent is told of them. */
export function agentOptionsOf(
  flags: KubeletFlags,
): Pick<
  AgentOptions,
  "pullsMax" | "reservations" | "evictionThresholds" | "pressureTransitionMs"
> {
  const { systemReserved = {}, kubeReserved = {}, evictionHard } = flags;
  const { evictionPressureTransitionPeriod: pressureTransitionMs } = flags;
  return {
    pullsMax: pullsMaxOf(flags),
    reservations: [systemReserved, kubeReserved],
    ...(evictionHard && { evictionThresholds: evictionHard }),
    ...(pressureTransitionMs !== undefined && { pressureTransitionMs }),
  };
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
