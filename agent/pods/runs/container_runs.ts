import { ownField } from "../../../core/lib/own_field.ts";
import type { ContainerStatus } from "../../../core/resources/core/pods/pod_status.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import {
  containersInRoles,
  type PodContainer,
} from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { ObservedPod, ObservedRun, RestartBackoff } from "./observed_pod.ts";
import { wantsRestart } from "./restart_rules.ts";

/** Kubernetes' restart back-off: 10 s, doubled each time, at most 5 min (`MaxContainerBackOff`). */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;
/** A container that has run this long since its last restart starts at once again. */
const BACKOFF_RESET_MS = 2 * BACKOFF_MAX_MS;
/** Exit code of a container that vanished, as the kubelet reports it. */
const LOST_EXIT_CODE = 137;

/** Exit code of a container that could not be started, as containerd reports it. */
export const START_ERROR_EXIT_CODE = 128;

/** One run of a container. `lost`: the API knows of it, the runtime does not. */
export interface Run extends ObservedRun {
  readonly lost?: true;
}

/** The runs of a container that the runtime still has, the latest first. */
export function runsOf(observed: ObservedPod, name: string): readonly ObservedRun[] {
  return observed.containers.filter((run) => run.name === name)
    .sort((a, b) => b.restartCount - a.restartCount);
}

/** Whether a run has ended: for good, what follows is another run. `undefined`: there was none. */
export function hasEnded(run: Pick<ObservedRun, "state"> | undefined): boolean {
  return run?.state === "exited";
}

export function isAnyRunning({ containers }: ObservedPod): boolean {
  return containers.some(({ state }) => state === "running");
}

/** The latest run that is known of; from the pod's status when the runtime has lost it. */
export function latestRun(pod: Pod, observed: ObservedPod, name: string): Run | undefined {
  const [latest] = runsOf(observed, name);
  if (latest !== undefined) return latest;
  const status = statusOf(pod, name);
  return status?.containerID === undefined ? undefined : lostRun(pod, status);
}

/** What the pod's status says of a container, whatever its role. */
export function statusOf({ status }: Pod, name: string): ContainerStatus | undefined {
  const isOfIt = (each: ContainerStatus) => each.name === name;
  return status.containerStatuses?.find(isOfIt) ?? status.initContainerStatuses?.find(isOfIt) ??
    status.ephemeralContainerStatuses?.find(isOfIt);
}

/** Whether the pod has init containers or sidecars, which its other containers wait for. */
export function hasInitContainers({ spec }: Pick<Pod, "spec">): boolean {
  return containersInRoles(spec, "init", "sidecar").length > 0;
}

/** Which run of a container comes next, and when it is due. */
export interface NextRun {
  readonly restartCount: number;
  /** By `Clock.elapsed`; in the past when it is due. */
  readonly atMs: number;
  /** Whether it waits because runs before it ended (`CrashLoopBackOff`). */
  readonly isBackOff: boolean;
}

/**
 * The run that is to follow; `undefined` while one runs, and when the restart policy wants no other.
 * The first restart is due at once, as the kubelet's. Pure.
 */
export function nextRun(
  pod: Pod,
  observed: ObservedPod,
  each: PodContainer,
): NextRun | undefined {
  const { name } = each.container;
  const memory = ownField(observed.memories, name);
  const retryAtMs = memory?.failure?.retryAtMs ?? 0;
  const latest = latestRun(pod, observed, name);
  if (latest === undefined) return { restartCount: 0, atMs: retryAtMs, isBackOff: false };
  switch (latest.state) {
    case "running":
      return undefined;
    case "created": {
      // A run that could not be started counts as one, as the kubelet's does.
      const hasFailed = memory?.failure?.stage === "run";
      if (hasFailed && !wantsRestart(pod.spec, each, START_ERROR_EXIT_CODE)) return undefined;
      const restartCount = latest.restartCount + (hasFailed ? 1 : 0);
      return { restartCount, atMs: retryAtMs, isBackOff: false };
    }
    case "exited": {
      const restartCount = latest.restartCount + 1;
      if (hasToRepeat(each, latest)) return { restartCount, atMs: retryAtMs, isBackOff: false };
      if (!wantsRestart(pod.spec, each, latest.exitCode ?? 0)) return undefined;
      const backOffEndsMs = backOffEndOf(memory?.backoff, latest.endedMs ?? 0);
      return {
        restartCount,
        atMs: Math.max(backOffEndsMs, retryAtMs),
        isBackOff: backOffEndsMs > retryAtMs,
      };
    }
  }
}

/** Whether a container has run, and will not run again. */
export function isOver(pod: Pod, observed: ObservedPod, each: PodContainer): boolean {
  const latest = latestRun(pod, observed, each.container.name);
  return latest !== undefined && latest.state !== "running" &&
    nextRun(pod, observed, each) === undefined;
}

/**
 * Whether an init container succeeded in vain: what it did for a pod whose network is gone, or of which there is no record
 * but the pod's status, does not count, as for the kubelet.
 */
function hasToRepeat({ role }: PodContainer, run: Run): boolean {
  return role === "init" && run.exitCode === 0 && (run.lost === true || run.isCutOff === true);
}

/** The back-off that applies after one more restart, for a run that ended at `endedMs`. */
export function backoffAfterRestart(
  previous: RestartBackoff | undefined,
  endedMs: number,
  elapsedMs: number,
): RestartBackoff {
  const starts = previous === undefined || hasExpired(previous, endedMs);
  const waitMs = starts ? BACKOFF_FIRST_MS : Math.min(BACKOFF_MAX_MS, previous.waitMs * 2);
  return { waitMs, sinceMs: elapsedMs };
}

function backOffEndOf(backoff: RestartBackoff | undefined, endedMs: number): number {
  if (backoff === undefined || hasExpired(backoff, endedMs)) return endedMs;
  return endedMs + backoff.waitMs;
}

function hasExpired({ sinceMs }: RestartBackoff, endedMs: number): boolean {
  return endedMs - sinceMs > BACKOFF_RESET_MS;
}

function lostRun(pod: Pod, status: ContainerStatus): Run {
  // Between two runs the status may show the last one only as `lastState`.
  const ended = status.state.terminated ??
    (status.state.running ? undefined : status.lastState.terminated);
  return {
    id: status.containerID!.replace(/^[a-z]+:\/\//, ""),
    podUid: pod.metadata.uid,
    podName: pod.metadata.name,
    podNamespace: pod.metadata.namespace,
    name: status.name,
    restartCount: status.restartCount,
    state: "exited",
    image: status.image,
    imageId: status.imageID,
    exitCode: ended?.exitCode ?? LOST_EXIT_CODE,
    ...(ended?.finishedAt !== undefined && { finishedAtMs: Date.parse(ended.finishedAt) }),
    lost: true,
  };
}
