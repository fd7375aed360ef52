import type { ClusterDns } from "../dns/cluster_dns.ts";
import { HARD_THRESHOLDS, type Threshold } from "../eviction/thresholds.ts";
import { DISK_SHARES, type DiskShares, IMAGE_AGE_MS_MIN } from "../images/unused_images.ts";
import type { Reservation } from "../node/allocatable.ts";
import { LOG_LIMITS, type LogLimits } from "../runtimes/log_limits.ts";
import type { ShutdownGrace } from "../shutdown/shutdown_plan.ts";

/** What an agent is told that a kubelet is told, too; what is absent is as a kubelet has it. */
export interface ConfiguredAgent {
  maxPods: number;
  logLimits?: LogLimits;
  pullsMax?: number;
  podPidsMax?: number;
  clusterDns?: ClusterDns;
  allowedUnsafeSysctls?: readonly string[];
  /** What is kept for the system, and for Kubernetes. */
  reservations?: readonly Reservation[];
  evictionThresholds?: readonly Threshold[];
  pressureTransitionMs?: number;
  imageDiskShares?: DiskShares;
  imageAgeMsMin?: number;
  shutdownGrace?: ShutdownGrace;
}

/** The kubelet's `evictionPressureTransitionPeriod`. */
const TRANSITION_MS = 5 * 60_000;

/** As `/configz` shows it: `k8s.io/kubelet/config/v1beta1`, KubeletConfiguration. Only what is acted upon. */
export function kubeletConfiguration(agent: ConfiguredAgent): object {
  const { clusterDns, logLimits = LOG_LIMITS, imageDiskShares: disk = DISK_SHARES } = agent;
  const { reservations: [system = {}, kube = {}] = [], pullsMax = 1, shutdownGrace } = agent;
  return {
    clusterDomain: clusterDns?.domain,
    clusterDNS: clusterDns?.addresses,
    streamingConnectionIdleTimeout: "4h0m0s",
    nodeStatusUpdateFrequency: "10s",
    nodeStatusReportFrequency: "5m0s",
    nodeLeaseDurationSeconds: 40,
    imageMinimumGCAge: durationOf(agent.imageAgeMsMin ?? IMAGE_AGE_MS_MIN),
    imageGCHighThresholdPercent: Math.round(disk.high * 100),
    imageGCLowThresholdPercent: Math.round(disk.low * 100),
    maxPods: agent.maxPods,
    podPidsLimit: agent.podPidsMax ?? -1,
    serializeImagePulls: pullsMax === 1,
    ...(pullsMax > 1 && { maxParallelImagePulls: pullsMax }),
    evictionHard: Object.fromEntries(
      (agent.evictionThresholds ?? HARD_THRESHOLDS).map((each) => [each.signal, limitOf(each)]),
    ),
    evictionPressureTransitionPeriod: durationOf(agent.pressureTransitionMs ?? TRANSITION_MS),
    allowedUnsafeSysctls: agent.allowedUnsafeSysctls,
    containerLogMaxSize: `${logLimits.bytesMax / 1024 / 1024}Mi`,
    containerLogMaxFiles: logLimits.filesMax,
    systemReserved: system,
    kubeReserved: kube,
    shutdownGracePeriod: durationOf(shutdownGrace?.graceMs ?? 0),
    shutdownGracePeriodCriticalPods: durationOf(shutdownGrace?.criticalMs ?? 0),
    enableSystemLogHandler: false,
    enableProfilingHandler: false,
    enableDebugFlagsHandler: false,
    failSwapOn: false,
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
  };
}

function limitOf({ limit }: Threshold): string {
  if ("share" in limit) return `${Math.round(limit.share * 100)}%`;
  const mebibytes = limit.amount / 1024 / 1024;
  return Number.isInteger(mebibytes) ? `${mebibytes}Mi` : String(limit.amount);
}

/** As Go writes a duration: `1m30s`. */
function durationOf(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const seconds = ms / 1_000 % 60;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
