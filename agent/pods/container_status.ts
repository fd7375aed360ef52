import { ownField } from "../../core/lib/own_field.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import type {
  ContainerState as ShownState,
  ContainerStatus,
} from "../../core/resources/core/pods/pod_status.ts";
import { isConditionTrue } from "../../core/resources/conditions.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import type { PodContainer } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  hasEnded,
  hasInitContainers,
  latestRun,
  nextRun,
  type Run,
  runsOf,
  START_ERROR_EXIT_CODE,
  statusOf,
} from "./runs/container_runs.ts";
import { isToEnd } from "./next_step.ts";
import type { ContainerMemory, Failure, ObservedPod } from "./runs/observed_pod.ts";
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
    /** Whether it can give running containers other amounts. */
    canResize?: boolean;
  };
}

/** The status of one container, as the kubelet's `convertToAPIContainerStatuses` makes it. Pure. */
export function containerStatusOf(each: PodContainer, input: StatusInput): ContainerStatus {
  const { pod, observed, node } = input;
  const { role } = each;
  const { name, image = "", lifecycle } = each.container;
  const before = statusOf(pod, name);
  const run = latestRun(pod, observed, name);
  if (isFinished(pod) && before !== undefined && (run === undefined || run.lost)) return before;
  const state = run === undefined ? waitingState(each, input, run) : stateOf(each, run, input);
  return {
    name,
    state,
    lastState: lastStateOf(each, run, input),
    ...healthOf(each, state, run, observed),
    restartCount: run?.restartCount ?? before?.restartCount ?? 0,
    image,
    imageID: run?.imageId ?? "",
    ...(run !== undefined && { containerID: `${node.runtimeName}://${run.id}` }),
    ...(node.canResize && role !== "ephemeral" && amountsOf(each.container, run, observed)),
    ...(lifecycle?.stopSignal !== undefined && { stopSignal: lifecycle.stopSignal }),
  };
}

/** What is set aside for it, and what it has of that already. */
function amountsOf(
  { name, resources: wanted }: PodContainer["container"],
  run: Run | undefined,
  { allocation }: ObservedPod,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const allocated = ownField(allocation, name) ?? wanted;
  return {
    ...(allocated.requests && { allocatedResources: allocated.requests }),
    resources: (run?.state === "running" ? run.resources : undefined) ?? allocated,
  };
}

/** Whether it has started, and whether it is ready: an init container is when it has succeeded. */
function healthOf(
  { role, container }: PodContainer,
  { running, terminated }: ShownState,
  run: Run | undefined,
  { memories }: ObservedPod,
): Pick<ContainerStatus, "ready" | "started"> {
  if (role === "ephemeral") return { ready: false };
  const started = running !== undefined;
  if (role === "init") return { ready: terminated?.exitCode === 0, started };
  const { startupProbe, readinessProbe } = container;
  const health = ownField(memories, container.name)?.health;
  if (!started || health?.containerId !== run?.id) {
    return {
      ready: started && !readinessProbe && !startupProbe,
      started: started && !startupProbe,
    };
  }
  return { ready: health!.started && health!.ready, started: health!.started };
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

function stateOf(each: PodContainer, run: Run, input: StatusInput): ShownState {
  switch (run.state) {
    case "running":
      if (run.isStarting) return waitingState(each, input, run);
      return { running: { startedAt: timestamp(run.startedAtMs ?? input.nowMs) } };
    case "created":
      return createdState(each, run, input);
    case "exited":
      return willWait(each, input)
        ? waitingState(each, input, run)
        : terminatedState(each, run, input);
  }
}

/** The state of a run that has not started, whether another try follows or not. */
function createdState(each: PodContainer, run: Run, input: StatusInput): ShownState {
  const { pod, observed } = input;
  const failure = startFailureOf(each, run, observed);
  const isOver = isEnding(input) || nextRun(pod, observed, each) === undefined;
  if (!isOver || isStarting(observed, each.container.name)) return waitingState(each, input, run);
  return failure === undefined ? lostState("Waiting") : startErrorState(failure);
}

function startFailureOf(
  { container: { name } }: PodContainer,
  run: Run,
  { memories }: ObservedPod,
): Failure | undefined {
  const failure = ownField(memories, name)?.failure;
  return run.state === "created" && failure?.stage === "run" ? failure : undefined;
}

/** Whether a container that has ended waits before its next run; one that starts again at once shows its end. */
function willWait(each: PodContainer, input: StatusInput): boolean {
  if (isEnding(input)) return false;
  const next = nextRun(input.pod, input.observed, each);
  const failure = ownField(input.observed.memories, each.container.name)?.failure;
  return next !== undefined && (failure !== undefined || next.atMs > input.elapsedMs);
}

function isEnding({ pod, observed, elapsedMs }: StatusInput): boolean {
  return pod.metadata.deletionTimestamp !== undefined || isFinished(pod) ||
    isToEnd(observed, elapsedMs);
}

function waitingState(
  each: PodContainer,
  input: StatusInput,
  run: Run | undefined,
): ShownState {
  const { pod, observed, elapsedMs } = input;
  const isLost = run === undefined && isEnding(input) && !hasStepsInFlight(observed);
  if (isLost && hadItsTurn(each, pod)) return lostState("Waiting");
  const memory = ownField(observed.memories, each.container.name);
  const next = nextRun(pod, observed, each);
  if (next?.isBackOff && next.atMs > elapsedMs) {
    return {
      waiting: { reason: "CrashLoopBackOff", message: backOffMessage(pod, each, memory) },
    };
  }
  const refusal = startRefusalOf(pod);
  if (refusal !== undefined) {
    return { waiting: { reason: "CreateContainerConfigError", message: refusal } };
  }
  const failure = memory?.failure;
  if (failure !== undefined) return { waiting: failureShown(each, failure, elapsedMs) };
  const reason = hasInitContainers(pod) ? "PodInitializing" : "ContainerCreating";
  return { waiting: { reason } };
}

/** Whether a container without a run must have had one, by what the pod's status says: the kubelet's `TerminatePod`. */
function hadItsTurn({ role, container }: PodContainer, { spec, status }: Pod): boolean {
  if (role === "ephemeral") return false;
  const { initContainerStatuses: init = [], conditions } = status;
  if (role === "main") {
    return !hasInitContainers({ spec }) || isConditionTrue(conditions, "Initialized");
  }
  const last = init.findLastIndex(({ state, lastState }) => !state.waiting || lastState.terminated);
  return init.findIndex(({ name }) => name === container.name) <= Math.max(0, last);
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
  { container: { name } }: PodContainer,
  memory: ContainerMemory | undefined,
): string {
  const rest = durationText(memory?.backoff?.waitMs ?? 0);
  return `back-off ${rest} restarting failed container=${name} pod=${podTextOf(pod)}`;
}

function failureShown(
  { container: { image } }: PodContainer,
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

function terminatedState(each: PodContainer, run: Run, input: StatusInput): ShownState {
  if (run.lost) {
    const before = statusOf(input.pod, each.container.name);
    if (before?.state.terminated) return before.state;
    return lostState(before?.state.running ? "Running" : "Waiting");
  }
  const exitCode = run.exitCode ?? 0;
  const message = ownField(input.observed.memories, each.container.name)?.messages?.[run.id];
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
  each: PodContainer,
  run: Run | undefined,
  input: StatusInput,
): ShownState {
  const before = statusOf(input.pod, each.container.name);
  if (run === undefined) return before?.lastState ?? {};
  if (hasEnded(run) && willWait(each, input)) {
    return terminatedState(each, run, input);
  }
  const failure = startFailureOf(each, run, input.observed);
  const isWaiting = failure !== undefined && createdState(each, run, input).waiting;
  if (isWaiting) return startErrorState(failure);
  const previous = runsOf(input.observed, each.container.name)
    .find((each) => hasEnded(each) && each.restartCount < run.restartCount);
  if (previous !== undefined) return terminatedState(each, previous, input);
  if (before === undefined || before.restartCount === run.restartCount) {
    return before?.lastState ?? {};
  }
  return before.state.terminated ? { terminated: before.state.terminated } : before.lastState;
}
