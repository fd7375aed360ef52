import { podRequestsOf } from "../../core/quota/pod_amounts.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { CONFIG_SOURCE, isMirrorPod } from "../../core/resources/core/pods/static_pods.ts";
import type { NodeReport, PodReport } from "../../core/usage/node_report.ts";
import { sumOfMemory } from "../../core/usage/summary.ts";
import type { ScarceResource, Signal } from "./thresholds.ts";
import { SIGNALS } from "./thresholds.ts";

/** A pod that could be evicted, and what it uses, if that is known. */
export interface Candidate {
  readonly pod: Pod;
  readonly usage: PodReport | undefined;
}

/** `SystemCriticalPriority`, which `system-node-critical` and `system-cluster-critical` have. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** Whether the node itself needs the pod: `IsCriticalPod` of the kubelet. */
export function isCritical(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[CONFIG_SOURCE];
  return (source !== undefined && source !== "api") || isMirrorPod(pod) ||
    (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY;
}

/**
 * The order in which pods are evicted, the first one first: those that use more than they request, then those of lower
 * priority, then those that exceed their requests by more. Where nothing is known, before all others. For processes
 * requests do not count. Pure.
 *
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
 */
export function rankedForEviction(
  candidates: readonly Candidate[],
  { signal, hasImageFs }: { signal: Signal; hasImageFs: boolean },
): Candidate[] {
  const { resource } = SIGNALS[signal];
  const ranks = candidates.map((candidate) => {
    const used = usedOf(candidate.usage, { signal, hasImageFs });
    return {
      candidate,
      used,
      isOver: resource !== "pids" && (used ?? 0) > requestOf(candidate.pod, resource),
      priority: candidate.pod.spec.priority ?? 0,
      excess: (used ?? 0) - requestOf(candidate.pod, excessResourceOf(resource)),
    };
  });
  return ranks.toSorted((a, b) =>
    Number(a.used !== undefined) - Number(b.used !== undefined) ||
    Number(b.isOver) - Number(a.isOver) || a.priority - b.priority || b.excess - a.excess
  ).map(({ candidate }) => candidate);
}

/** Only bytes can be requested: a request for them counts for files as well, as in Kubernetes. */
function excessResourceOf(resource: ScarceResource): ScarceResource {
  return resource === "inodes" ? "ephemeral-storage" : resource;
}

function requestOf(pod: Pod, resource: ScarceResource): number {
  const request = podRequestsOf(pod).get(resource);
  return request === undefined ? 0 : Number(request.nanos / 1_000_000_000n);
}

/** How much of what is scarce a pod uses; `undefined`: not known. */
function usedOf(
  usage: PodReport | undefined,
  { signal, hasImageFs }: { signal: Signal; hasImageFs: boolean },
): number | undefined {
  if (usage === undefined) return undefined;
  switch (SIGNALS[signal].resource) {
    case "memory":
      return sumOfMemory(usage.containers).workingSetBytes;
    case "pids":
      return usage.containers.reduce((sum, { processes = 0 }) => sum + processes, 0);
    case "ephemeral-storage":
      return filesOf(usage, "bytes", { signal, hasImageFs });
    case "inodes":
      return filesOf(usage, "inodes", { signal, hasImageFs });
  }
}

/** Layers of containers are where images are. */
function filesOf(
  { files, containers }: PodReport,
  of: "bytes" | "inodes",
  { signal, hasImageFs }: { signal: Signal; hasImageFs: boolean },
): number | undefined {
  const all = files?.[of];
  if (all === undefined || !hasImageFs) return all;
  const layers = containers.reduce((sum, { layer }) => sum + (layer?.[of] ?? 0), 0);
  return signal.startsWith("imagefs") ? layers : all - layers;
}

/** The candidates of a node, with what its report says of them. */
export function candidatesOf(pods: readonly Pod[], report: NodeReport): Candidate[] {
  const byUid = new Map(report.pods.map((usage) => [usage.uid, usage]));
  return pods.map((pod) => ({ pod, usage: byUid.get(pod.metadata.uid) }));
}
