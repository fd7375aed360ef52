import { ownField } from "../../core/lib/own_field.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import type { PodContainer } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { hasInitContainers, isAnyRunning, nextRun, runsOf } from "./runs/container_runs.ts";
import { containersInRole, initProgressOf, isPodOver } from "./runs/init_progress.ts";
import { endsAfter } from "./runs/termination_order.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import { type ObservedPod, type ObservedRun, POD } from "./runs/observed_pod.ts";
import { mustRestartToResize, resizesOf } from "./runs/resize_actions.ts";
import { startRefusalOf } from "./start_refusal.ts";

/** Something to do for a pod now. Those returned together may be done at the same time. */
export type Step =
  /** Give the pod its network and volumes. Also after an agent's restart: it finds what is there. */
  | { do: "prepare" }
  /** Give running containers what is set aside for them now. */
  | { do: "resize" }
  | { do: "pull"; container: string }
  /** Make run `restartCount` of a container and start it. */
  | { do: "start"; container: string; restartCount: number }
  | StopStep
  /** Remove an old run; its log stays. */
  | { do: "prune"; container: string; id: string }
  /** Take away network and volumes; containers and logs stay to be looked at. */
  | { do: "release" }
  /** Report the end, then take away all that the pod has on the node. */
  | { do: "remove" }
  /** Tell the API that the deleted pod has ended. */
  | { do: "confirmDeletion" }
  /** Nothing more until then, if nothing happens before. */
  | { do: "wait"; ms: number };

/** Ask a container to end, once those in `after` have or its grace is over. */
export interface StopStep {
  do: "stop";
  container: string;
  id: string;
  graceMs: number;
  why: StopReason;
  /** Names of containers; none when absent. */
  after?: readonly string[];
}

export type StopReason =
  | "deleted"
  | "finished"
  | "unwanted"
  | "duplicate"
  | "sandbox"
  | "changed"
  | "resized"
  | "liveness"
  | "startup"
  | "hook";

/** Ended runs of a container that are kept besides the latest, for `lastState` and `logs --previous`. */
const OLD_RUNS_MAX = 1;
/** How often a pod looks whether the one that had its name has ended, in case it is not told. */
const NAMESAKE_WAIT_MS = 1_000;
/** The kubelet gives no pod less. */
const GRACE_MIN_MS = 1_000;
/**
 * A pod that was ready gets its SIGTERM when no proxy has a request for it any more, at the latest this much after
 * the mark of its deletion: endpoints and SIGTERM race in Kubernetes, and a program that dies at once loses requests
 * there. Part of the grace period, of which the program keeps at least half.
 */
const DRAIN_MS_MAX = 10_000;

/** The name that a step is busy under. */
export function busyNameOf(step: Step): string {
  return "container" in step ? step.container : POD;
}

/**
 * Decides what to do next for a pod from what is wanted and what is there. Pure.
 *
 * Guarantees: no two runs of a container at once, and no two pods of one name; no container of a finished, deleted, rejected or refused pod starts, and no main
 * container before the init containers are done; nothing is taken away while a container runs. Repeating it until it returns no step brings the pod where it should be.
 */
export function nextSteps(
  wanted: Pod | undefined,
  observed: ObservedPod,
  elapsedMs: number,
): Step[] {
  const steps = stepsFor(wanted, observed, elapsedMs);
  const waits = steps.flatMap((step) => step.do === "wait" ? [step.ms] : []);
  const others = steps.filter((step) => step.do !== "wait");
  return waits.length === 0 ? others : [...others, { do: "wait", ms: Math.min(...waits) }];
}

/** Whether nothing is left to do, ever: the pod is unknown and has nothing on the node. */
export function isGone(wanted: Pod | undefined, observed: ObservedPod): boolean {
  return wanted === undefined && observed.sandbox.state === "removed" &&
    Object.keys(observed.busy).length === 0;
}

/** Whether the pod has run for as long as its `activeDeadlineSeconds` allow. */
export function isOverdue({ overdueMs = Infinity }: ObservedPod, elapsedMs: number): boolean {
  return elapsedMs >= overdueMs;
}

/** Whether the node ends a pod that is wanted. */
export function isToEnd(observed: ObservedPod, elapsedMs: number): boolean {
  return observed.rejection !== undefined || observed.eviction !== undefined ||
    isOverdue(observed, elapsedMs);
}

function stepsFor(pod: Pod | undefined, observed: ObservedPod, elapsedMs: number): Step[] {
  if (pod === undefined) return stepsForUnknown(observed, elapsedMs);
  if (pod.metadata.deletionTimestamp !== undefined) {
    return stepsForDeleted(pod, observed, elapsedMs);
  }
  if (isFinished(pod) || isToEnd(observed, elapsedMs)) {
    return stepsForFinished(pod, observed, elapsedMs);
  }
  return stepsToRun(pod, observed, elapsedMs);
}

/** A pod that the API does not know, or no longer: by force deleted, or an orphan. */
function stepsForUnknown(observed: ObservedPod, elapsedMs: number): Step[] {
  const stops = stopsOfAll(observed, observed.forcedGraceMs, "unwanted", elapsedMs);
  if (stops.length > 0 || isAnyRunning(observed) || isBusy(observed)) return stops;
  return observed.sandbox.state === "removed" ? [] : podStep({ do: "remove" }, observed, elapsedMs);
}

function stepsForDeleted(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  if (observed.sandbox.state === "removed") {
    return observed.sandbox.deletionConfirmed
      ? []
      : podStep({ do: "confirmDeletion" }, observed, elapsedMs);
  }
  const graceSeconds = pod.metadata.deletionGracePeriodSeconds ??
    pod.spec.terminationGracePeriodSeconds;
  const graceMs = Math.max(GRACE_MIN_MS, graceSeconds * 1_000);
  const drainMs = graceSeconds > 0 ? drainMsOf(observed, graceMs / 2) : 0;
  const waitMs = (observed.deletion?.seenMs ?? elapsedMs) + drainMs - elapsedMs;
  if (waitMs > 0 && isAnyRunning(observed)) return [{ do: "wait", ms: waitMs }];
  const stops = stopsOfAll(observed, graceMs - drainMs, "deleted", elapsedMs, pod);
  if (stops.length > 0 || isAnyRunning(observed) || isBusy(observed)) return stops;
  return podStep({ do: "remove" }, observed, elapsedMs);
}

/** How long after its deletion was seen a pod is stopped. */
function drainMsOf({ deletion }: ObservedPod, shareMs: number): number {
  if (!deletion?.wasReady) return 0;
  const { seenMs, drainedMs = Infinity } = deletion;
  return Math.min(drainedMs - seenMs, shareMs, DRAIN_MS_MAX);
}

function stepsForFinished(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  const graceMs = observed.eviction?.graceMs ?? graceMsOf(pod);
  const stops = stopsOfAll(observed, graceMs, "finished", elapsedMs, pod);
  if (stops.length > 0 || isAnyRunning(observed) || isBusy(observed) || !isFinished(pod)) {
    return stops;
  }
  const { state } = observed.sandbox;
  return state === "released" || state === "removed"
    ? []
    : podStep({ do: "release" }, observed, elapsedMs);
}

function stepsToRun(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  const { overdueMs } = observed;
  if (isPodOver(pod, observed)) {
    return [...stopsOfAll(observed, graceMsOf(pod), "finished", elapsedMs, pod), ...deadlines()];
  }
  const steps = [
    ...deadlines(),
    ...stepsToPrepare(pod, observed, elapsedMs),
    ...stepsToResize(pod, observed, elapsedMs),
    ...stopsOfCutOff(pod, observed, elapsedMs),
    ...wantedContainers(pod, observed).flatMap((each) =>
      ownField(observed.busy, each.container.name)
        ? []
        : stepsOfContainer(pod, each, observed, elapsedMs)
    ),
  ];
  const kept = steps.filter((step) => !STARTING.has(step.do));
  if (startRefusalOf(pod) !== undefined) return kept;
  return observed.hasNamesake ? [...kept, { do: "wait", ms: NAMESAKE_WAIT_MS }] : steps;

  function deadlines(): Step[] {
    return overdueMs === undefined ? [] : [{ do: "wait", ms: overdueMs - elapsedMs }];
  }
}

/** What leads to a start. A pod that is refused keeps what runs of it: an older agent may have started it. */
const STARTING: ReadonlySet<Step["do"]> = new Set(["prepare", "pull", "start"]);

/** A pod with init containers begins anew in another network: first all that was cut off ends. */
function stepsToPrepare(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  if (observed.sandbox.state === "ready") return [];
  return mustEndFirst(pod, observed) ? [] : podStep({ do: "prepare" }, observed, elapsedMs);
}

function mustEndFirst(pod: Pod, observed: ObservedPod): boolean {
  return hasInitContainers(pod) &&
    observed.containers.some((run) => run.state === "running" && run.isCutOff);
}

function stepsToResize(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  const isDue = observed.sandbox.state === "ready" && resizesOf(pod, observed).length > 0;
  return isDue ? podStep({ do: "resize" }, observed, elapsedMs) : [];
}

/** What runs in a network that is no longer the pod's ends, in the order of a pod that ends. */
function stopsOfCutOff(pod: Pod, observed: ObservedPod, elapsedMs: number): Step[] {
  const cutOff = observed.containers.filter(({ isCutOff }) => isCutOff);
  return stopsOfAll({ ...observed, containers: cutOff }, graceMsOf(pod), "sandbox", elapsedMs, pod);
}

/** The containers that may run now. */
function wantedContainers(pod: Pod, observed: ObservedPod): PodContainer[] {
  const others = containersInRole(pod, "ephemeral");
  if (mustEndFirst(pod, observed)) return others;
  const { wanted, isDone } = initProgressOf(pod, observed);
  return [...others, ...wanted, ...(isDone ? containersInRole(pod, "main") : [])];
}

function stepsOfContainer(
  pod: Pod,
  each: PodContainer,
  observed: ObservedPod,
  elapsedMs: number,
): Step[] {
  const { container } = each;
  const { name } = container;
  const [latest, ...older] = runsOf(observed, name);
  const duplicate = older.find((run) => run.state === "running");
  if (duplicate !== undefined) return [stopOf(duplicate, graceMsOf(pod), "duplicate")];
  if (latest?.state === "running") {
    const why = reasonToStop(each, latest, observed) ??
      (mustRestartToResize(pod, observed, latest) ? "resized" : undefined);
    if (why !== undefined) return [stopOf(latest, graceMsOf(pod, container, why), why)];
    return prunesOf(older);
  }
  const next = nextRun(pod, observed, each);
  if (next === undefined) return prunesOf(older);
  if (next.atMs > elapsedMs) return [{ do: "wait", ms: next.atMs - elapsedMs }, ...prunesOf(older)];
  if (ownField(observed.memories, name)?.imageId === undefined) {
    return [{ do: "pull", container: name }];
  }
  if (observed.sandbox.state !== "ready") return [];
  return [{ do: "start", container: name, restartCount: next.restartCount }];
}

/** An init container that runs comes to its end by itself. One that is cut off is ended with the others. */
function reasonToStop(
  { role, container }: PodContainer,
  run: ObservedRun,
  observed: ObservedPod,
): StopReason | undefined {
  if (run.isCutOff || role === "init") return undefined;
  const health = ownField(observed.memories, container.name)?.health;
  if (health?.containerId === run.id && health.failed) return health.failed;
  return run.image === container.image ? undefined : "changed";
}

function graceMsOf(pod: Pod, container?: Container, why?: StopReason): number {
  const probe = why === "liveness"
    ? container?.livenessProbe
    : why === "startup"
    ? container?.startupProbe
    : undefined;
  const seconds = probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
  return Math.max(GRACE_MIN_MS, seconds * 1_000);
}

/** One at a time: pruning is never urgent. */
function prunesOf(older: readonly ContainerState[]): Step[] {
  const [surplus] = older.slice(OLD_RUNS_MAX);
  return surplus ? [{ do: "prune", container: surplus.name, id: surplus.id }] : [];
}

function stopOf({ name, id }: ContainerState, graceMs: number, why: StopReason): StopStep {
  return { do: "stop", container: name, id, graceMs, why };
}

/** Stops what runs. A stop in flight is repeated only when the pod has less time than it was given. */
function stopsOfAll(
  observed: ObservedPod,
  graceMs: number,
  why: StopReason,
  elapsedMs: number,
  pod?: Pod,
): Step[] {
  return observed.containers.filter(({ state, name }) => {
    const busy = ownField(observed.busy, name);
    const killAtMs = busy?.do === "stop" ? busy.killAtMs ?? 0 : Infinity;
    return state === "running" && (busy === undefined || mayBeOverridden(busy.do)) &&
      elapsedMs + graceMs < killAtMs;
  }).map((run) => {
    const after = pod === undefined ? [] : endsAfter(pod.spec, run.name);
    return { ...stopOf(run, graceMs, why), ...(after.length > 0 && { after }) };
  });
}

function mayBeOverridden(work: string): boolean {
  return work === "stop" || work === "pull";
}

/** A step for the whole pod, unless one is in flight or the last failure still keeps it waiting. */
function podStep(step: Step, observed: ObservedPod, elapsedMs: number): Step[] {
  if (observed.busy[POD]) return [];
  const { failure } = observed;
  const waitMs = failure?.stage === step.do ? failure.retryAtMs - elapsedMs : 0;
  return waitMs > 0 ? [{ do: "wait", ms: waitMs }] : [step];
}

/** A pull that is still going on concerns the node, and does not keep the pod. */
function isBusy(observed: ObservedPod): boolean {
  return Object.values(observed.busy).some((busy) => busy.do !== "pull");
}
