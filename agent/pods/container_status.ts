import { ownField } from "../../core/lib/own_field.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type {
  ContainerState as ShownState,
  ContainerStatus,
} from "../../core/resources/core/pods/pod_status.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  hasEnded,
  latestRun,
  nextRun,
  type Run,
  runsOf,
  START_ERROR_EXIT_CODE,
  statusOf,
} from "./container_runs.ts";
import { isOverdue } from "./next_step.ts";
import type { ContainerMemory, Failure, ObservedPod } from "./observed_pod.ts";
import { startRefusalOf } from "./start_refusal.ts";

/** The kubelet shows `ErrImagePull` right after a failed pull, and `ImagePullBackOff` while it waits. */
const PULL_ERROR_SHOWN_MS = 1_000;

/** What the agent knows for a pod's status besides the pod. */
export interface StatusInput {
  pod: Pod;
  observed: ObservedPod;
  /** The time that is shown. */
  nowMs: number;
  /** The time that decides. */
  elapsedMs: number;
  node: {
    hostIP: string;
    /** Name of the runtime in container ids: `podman://…`. */
    runtimeName: string;
  };
}

/** The status of one container, as the kubelet's `convertToAPIContainerStatuses` makes it. Pure. */
export function containerStatusOf(container: Container, input: StatusInput): ContainerStatus {
  const { pod, observed, node } = input;
  const { name } = container;
  const before = statusOf(pod, name);
  const run = latestRun(pod, observed, name);
  if (isFinished(pod) && before !== undefined && (run === undefined || run.lost)) return before;
  const health = ownField(observed.memories, name)?.health;
  const isRunning = run?.state === "running";
  const isJudged = isRunning && health?.containerId === run.id;
  return {
    name,
    state: run === undefined ? waitingState(container, input, run) : stateOf(container, run, input),
    lastState: lastStateOf(container, run, input),
    ready: isJudged ? health.started && health.ready : isRunning && !container.readinessProbe &&
      !container.startupProbe,
    restartCount: run?.restartCount ?? before?.restartCount ?? 0,
    image: container.image ?? "",
    imageID: run?.imageId ?? "",
    ...(run !== undefined && { containerID: `${node.runtimeName}://${run.id}` }),
    started: isJudged ? health.started : isRunning && !container.startupProbe,
  };
}

/** When the status changes by itself, because time goes on; `Infinity` when it does not. */
export function statusChangeMs({ memories }: ObservedPod, elapsedMs: number): number {
  const changes = Object.values(memories).flatMap(({ failure }) =>
    failure?.stage === "pull" ? [failure.atMs + PULL_ERROR_SHOWN_MS] : []
  );
  return Math.min(Infinity, ...changes.filter((atMs) => atMs > elapsedMs));
}

/** `web_default(uid)`, as the kubelet names pods in messages. */
export function podTextOf({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}

/** `10s`, `1m20s`, `5m0s`: Go's `Duration.String` of whole seconds. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function stateOf(container: Container, run: Run, input: StatusInput): ShownState {
  switch (run.state) {
    case "running":
      return { running: { startedAt: timestamp(run.startedAtMs ?? input.nowMs) } };
    case "created":
      return createdState(container, run, input);
    case "exited":
      return willWait(container, input)
        ? waitingState(container, input, run)
        : terminatedState(container, run, input);
  }
}

/** The state of a run that has not started, whether another try follows or not. */
function createdState(container: Container, run: Run, input: StatusInput): ShownState {
  const { pod, observed } = input;
  const failure = startFailureOf(container, run, observed);
  const isOver = isEnding(input) || nextRun(pod, observed, container) === undefined;
  if (!isOver || isStarting(observed, container.name)) return waitingState(container, input, run);
  return failure === undefined ? lostState("Waiting") : startErrorState(failure);
}

function startFailureOf(
  { name }: Container,
  run: Run,
  { memories }: ObservedPod,
): Failure | undefined {
  const failure = ownField(memories, name)?.failure;
  return run.state === "created" && failure?.stage === "run" ? failure : undefined;
}

/** Whether a container that has ended waits before its next run; one that starts again at once shows its end. */
function willWait(container: Container, input: StatusInput): boolean {
  if (isEnding(input)) return false;
  const next = nextRun(input.pod, input.observed, container);
  const failure = ownField(input.observed.memories, container.name)?.failure;
  return next !== undefined && (failure !== undefined || next.atMs > input.elapsedMs);
}

function isEnding({ pod, observed, elapsedMs }: StatusInput): boolean {
  return pod.metadata.deletionTimestamp !== undefined || isFinished(pod) ||
    isOverdue(observed, elapsedMs);
}

function waitingState(
  container: Container,
  input: StatusInput,
  run: Run | undefined,
): ShownState {
  const { pod, observed, elapsedMs } = input;
  if (run === undefined && isEnding(input) && !hasStepsInFlight(observed)) {
    return lostState("Waiting");
  }
  const memory = ownField(observed.memories, container.name);
  const next = nextRun(pod, observed, container);
  if (next?.isBackOff && next.atMs > elapsedMs) {
    return {
      waiting: { reason: "CrashLoopBackOff", message: backOffMessage(pod, container, memory) },
    };
  }
  const refusal = startRefusalOf(pod);
  if (refusal !== undefined) return { waiting: refusedWaiting(pod, refusal) };
  const failure = memory?.failure;
  if (failure === undefined) return { waiting: { reason: "ContainerCreating" } };
  return { waiting: failureShown(container, failure, elapsedMs) };
}

/** With init containers, it is their status that says why; the others wait for them, as in Kubernetes. */
function refusedWaiting({ spec }: Pod, message: string): { reason: string; message?: string } {
  return containersInRoles(spec, "init", "sidecar").length > 0
    ? { reason: "PodInitializing" }
    : { reason: "CreateContainerConfigError", message };
}

/** The status of an init container, of which this agent runs none. Pure. */
export function initContainerStatusOf({ name, image = "" }: Container, pod: Pod): ContainerStatus {
  const message = startRefusalOf(pod) ?? "";
  return {
    name,
    image,
    imageID: "",
    ready: false,
    started: false,
    restartCount: 0,
    lastState: {},
    state: { waiting: { reason: "CreateContainerConfigError", message } },
  };
}

/** Whether a start of the container is in flight: its outcome is not known yet. */
export function isStarting({ busy }: ObservedPod, name: string): boolean {
  return ownField(busy, name)?.do === "start";
}

function hasStepsInFlight(observed: ObservedPod): boolean {
  return Object.keys(observed.busy).length > 0;
}

function backOffMessage(
  pod: Pod,
  { name }: Container,
  memory: ContainerMemory | undefined,
): string {
  const rest = durationText(memory?.backoff?.waitMs ?? 0);
  return `back-off ${rest} restarting failed container=${name} pod=${podTextOf(pod)}`;
}

function failureShown(
  { image }: Container,
  { stage, reason, message, atMs }: Failure,
  elapsedMs: number,
): { reason: string; message: string } {
  const isBackingOff = stage === "pull" && elapsedMs - atMs >= PULL_ERROR_SHOWN_MS;
  if (!isBackingOff || reason !== "ErrImagePull") return { reason, message };
  return {
    reason: "ImagePullBackOff",
    message: `Back-off pulling image "${image}": ${reason}: ${message}`,
  };
}

function terminatedState(container: Container, run: Run, input: StatusInput): ShownState {
  if (run.lost) {
    const before = statusOf(input.pod, container.name);
    if (before?.state.terminated) return before.state;
    return lostState(before?.state.running ? "Running" : "Waiting");
  }
  const exitCode = run.exitCode ?? 0;
  const message = ownField(input.observed.memories, container.name)?.messages?.[run.id];
  return {
    terminated: {
      exitCode,
      ...(run.signal !== undefined && run.signal !== 0 && { signal: run.signal }),
      reason: run.oomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
      ...(message && { message }),
      ...(run.startedAtMs !== undefined && { startedAt: timestamp(run.startedAtMs) }),
      ...(run.finishedAtMs !== undefined && { finishedAt: timestamp(run.finishedAtMs) }),
      containerID: `${input.node.runtimeName}://${run.id}`,
    },
  };
}

/** What the kubelet says of a container whose end was not seen. */
function lostState(was: "Running" | "Waiting"): ShownState {
  return {
    terminated: {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was terminated.  " +
        `The container used to be ${was}`,
    },
  };
}

/** A run that could not be started, as containerd reports it. */
function startErrorState({ message, time: finishedAt }: Failure): ShownState {
  const startedAt = timestamp(0);
  const exitCode = START_ERROR_EXIT_CODE;
  return { terminated: { exitCode, reason: "StartError", message, startedAt, finishedAt } };
}

/** How the run before the shown one ended; while the container waits, how the last run ended. */
function lastStateOf(
  container: Container,
  run: Run | undefined,
  input: StatusInput,
): ShownState {
  const before = statusOf(input.pod, container.name);
  if (run === undefined) return before?.lastState ?? {};
  if (hasEnded(run) && willWait(container, input)) {
    return terminatedState(container, run, input);
  }
  const failure = startFailureOf(container, run, input.observed);
  const isWaiting = failure !== undefined && createdState(container, run, input).waiting;
  if (isWaiting) return startErrorState(failure);
  const previous = runsOf(input.observed, container.name)
    .find((each) => hasEnded(each) && each.restartCount < run.restartCount);
  if (previous !== undefined) return terminatedState(container, previous, input);
  if (before === undefined || before.restartCount === run.restartCount) {
    return before?.lastState ?? {};
  }
  return before.state.terminated ? { terminated: before.state.terminated } : before.lastState;
}
