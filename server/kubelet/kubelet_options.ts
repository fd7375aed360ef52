import type { AgentOptions } from "../../agent/agent_options.ts";
import type { Threshold } from "../../agent/eviction/thresholds.ts";
import type { Reservation } from "../../agent/node/allocatable.ts";
import { DISK_SHARES, type DiskShares } from "../../agent/images/unused_images.ts";
import type { Taint } from "../../core/resources/core/nodes/nodes.ts";
import { PULLS_MAX } from "../../agent/images/image_puller.ts";

/** What the flags say that a kubelet has too; what is absent is as a kubelet has it. */
export interface KubeletFlags {
  /** Labels that the node gives itself. */
  nodeLabels?: Readonly<Record<string, string>>;
  /** Taints with which it registers. */
  registerWithTaints?: readonly Taint[];
  serializeImagePulls?: boolean;
  maxParallelImagePulls?: number;
  /** Processes of a pod; -1: as many as the node has. */
  podMaxPids?: number;
  /** Percent of the disk. */
  imageGcHighThreshold?: number;
  imageGcLowThreshold?: number;
  /** In milliseconds. */
  minimumImageTtlDuration?: number;
  /** Folder with the files of static pods. */
  podManifestPath?: string;
  /** In milliseconds. */
  shutdownGracePeriod?: number;
  shutdownGracePeriodCriticalPods?: number;
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
  | "pullsMax"
  | "reservations"
  | "evictionThresholds"
  | "pressureTransitionMs"
  | "imageDiskShares"
  | "imageAgeMsMin"
  | "shutdownGrace"
> {
  const { systemReserved = {}, kubeReserved = {}, evictionHard } = flags;
  const { evictionPressureTransitionPeriod: pressureTransitionMs } = flags;
  const { minimumImageTtlDuration: imageAgeMsMin } = flags;
  const { shutdownGracePeriod: graceMs = 0 } = flags;
  const { shutdownGracePeriodCriticalPods: criticalMs = 0 } = flags;
  return {
    pullsMax: pullsMaxOf(flags),
    imageDiskShares: diskSharesOf(flags),
    ...(imageAgeMsMin !== undefined && { imageAgeMsMin }),
    ...(graceMs > 0 && { shutdownGrace: { graceMs, criticalMs } }),
    reservations: [systemReserved, kubeReserved],
    ...(evictionHard && { evictionThresholds: evictionHard }),
    ...(pressureTransitionMs !== undefined && { pressureTransitionMs }),
  };
}

function diskSharesOf({ imageGcHighThreshold, imageGcLowThreshold }: KubeletFlags): DiskShares {
  const high = imageGcHighThreshold === undefined ? DISK_SHARES.high : imageGcHighThreshold / 100;
  const low = imageGcLowThreshold === undefined ? DISK_SHARES.low : imageGcLowThreshold / 100;
  return { high, low: Math.min(low, high) };
}

/** A kubelet has no bound when pulls are not serialized and none is given. */
const PARALLEL_PULLS = 5;

/** How many images may be pulled at the same time. */
export function pullsMaxOf(
  { serializeImagePulls = true, maxParallelImagePulls = PARALLEL_PULLS }: KubeletFlags,
): number {
  return serializeImagePulls ? PULLS_MAX : maxParallelImagePulls;
}

/**
 * A pod that starts more processes without end slows down everybody on the machine, whatever its share of the CPU: on two
 * CPUs the requests of a neighbour take 1.4 times as long with 512 of them, and seconds with 1,024.
 */
const POD_PIDS_PER_CPU = 256;
const CPUS_MIN = 2;

/** How many processes a pod may have; a kubelet has no bound when none is given. */
export function podPidsOf({ podMaxPids }: KubeletFlags, cpus: number): { podPidsMax: number } {
  return { podPidsMax: podMaxPids ?? POD_PIDS_PER_CPU * Math.max(CPUS_MIN, cpus) };
}
