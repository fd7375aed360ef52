import { ownField } from "../../../core/lib/own_field.ts";
import {
  type ContainerRole,
  containersOf,
  type PodContainer,
} from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { hasEnded, isOver, latestRun, runsOf } from "./container_runs.ts";
import type { ObservedPod, ObservedRun } from "./observed_pod.ts";

/** How far a pod has come on the way to its main containers. */
export interface InitProgress {
  /** The init containers and sidecars that may run: sidecars that were reached, and what is next. */
  readonly wanted: readonly PodContainer[];
  /** Whether the main containers may start. */
  readonly isDone: boolean;
}

/**
 * Init containers run one after the other, each to its success; a sidecar is passed once it has started. What stands before
 * one that has begun was done when it began; when a main container runs, all were. Pure.
 *
 * After the kubelet's `computeInitContainerActions`.
 * https://kubernetes.io/docs/concepts/workloads/pods/init-containers/
 */
export function initProgressOf(pod: Pod, observed: ObservedPod): InitProgress {
  const all = containersInRole(pod, "init", "sidecar");
  const reached = hasMainBegun(pod, observed)
    ? all.length
    : Math.max(0, all.findLastIndex(({ container }) => heldRun(observed, container.name)));
  const wanted = all.filter(({ role }, index) => index < reached && role === "sidecar");
  for (const each of all.slice(reached)) {
    const isDone = isInitialized(each, observed);
    if (each.role === "sidecar" || !isDone) wanted.push(each);
    if (!isDone) return { wanted, isDone: false };
  }
  return { wanted, isDone: true };
}

/** Whether nothing of the pod is to start any more: its main containers are over, or an init container has failed for good. */
export function isPodOver(pod: Pod, observed: ObservedPod): boolean {
  return containersInRole(pod, "main").every((each) => isOver(pod, observed, each)) ||
    containersInRole(pod, "init").some((each) => hasFailed(pod, observed, each));
}

/** The containers of a pod that have one of the roles, each with its role. */
export function containersInRole(
  { spec }: Pod,
  ...roles: readonly ContainerRole[]
): PodContainer[] {
  return containersOf(spec).filter(({ role }) => roles.includes(role));
}

/** Whether a main container runs, or is about to, in the pod's present network: those that have ended may be of an earlier one. */
function hasMainBegun(pod: Pod, observed: ObservedPod): boolean {
  return containersInRole(pod, "main").some(({ container }) => {
    const run = heldRun(observed, container.name);
    return run !== undefined && !hasEnded(run);
  });
}

function isInitialized({ role, container }: PodContainer, observed: ObservedPod): boolean {
  const run = heldRun(observed, container.name);
  if (role === "init") return run?.state === "exited" && run.exitCode === 0;
  if (run?.state !== "running" || run.isStarting) return false;
  if (!container.startupProbe) return true;
  const health = ownField(observed.memories, container.name)?.health;
  return health?.containerId === run.id && health.started;
}

function hasFailed(pod: Pod, observed: ObservedPod, each: PodContainer): boolean {
  const run = latestRun(pod, observed, each.container.name);
  const hasSucceeded = run?.state === "exited" && run.exitCode === 0;
  return !hasSucceeded && isOver(pod, observed, each);
}

/** The latest run of a container that the runtime has, in the pod's present network. */
function heldRun(observed: ObservedPod, name: string): ObservedRun | undefined {
  const [latest] = runsOf(observed, name);
  return latest?.isCutOff ? undefined : latest;
}
