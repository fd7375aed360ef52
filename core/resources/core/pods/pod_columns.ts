import { conditionOf, isConditionTrue } from "../../conditions.ts";
import { isFinished } from "./pod_states.ts";
import { ageOf, humanDuration } from "../../../schema/durations.ts";
import { containersInRoles, longRunningContainersOf } from "./spec/pod_containers.ts";
import type { PodSpec } from "./spec/pod_spec.ts";
import type { ContainerStatus, PodStatus } from "./pod_status.ts";
import type { Column, NamespacedObject } from "../../resource.ts";

interface Pod extends NamespacedObject {
  spec: PodSpec;
  status: PodStatus;
}

/** What `kubectl get pods` shows. After k8s.io/kubernetes/pkg/printers/internalversion/printers.go, `printPod`. */
export const podColumns: readonly Column<Pod>[] = [
  { name: "Name", description: "Name of the pod.", value: (pod) => pod.metadata.name },
  {
    name: "Ready",
    description: "Containers that are ready, and all of them.",
    value: (pod) => {
      const { ready, total } = summaryOf(pod);
      return `${ready}/${total}`;
    },
  },
  {
    name: "Status",
    description: "What the pod is doing.",
    value: (pod) => summaryOf(pod).word,
  },
  {
    name: "Restarts",
    description: "How often containers were started anew, and when last.",
    value: (pod, nowMs) => restartsOf(summaryOf(pod), nowMs),
  },
  {
    name: "Age",
    description: "Time since it was created.",
    value: ({ metadata }, nowMs) => ageOf(metadata.creationTimestamp, nowMs),
  },
  {
    name: "IP",
    description: "Address of the pod.",
    priority: 1,
    value: ({ status }) => status.podIPs?.[0]?.ip ?? "<none>",
  },
  {
    name: "Node",
    description: "Node that it is on.",
    priority: 1,
    value: ({ spec }) => spec.nodeName ?? "<none>",
  },
  {
    name: "Nominated Node",
    description: "Node on which others are ended to make room for it.",
    priority: 1,
    value: ({ status }) => status.nominatedNodeName ?? "<none>",
  },
  {
    name: "Readiness Gates",
    description: "Readiness gates that hold, and all of them.",
    priority: 1,
    value: gatesOf,
  },
];

interface Summary {
  word: string;
  ready: number;
  total: number;
  restarts: number;
  /** When a container was last seen to have ended, of those that were started anew. */
  lastRestart: string | undefined;
}

/** The state of all containers in a word and three numbers. */
function summaryOf(pod: Pod): Summary {
  const { spec, status } = pod;
  const sidecars = new Set(containersInRoles(spec, "sidecar").map(({ name }) => name));
  const init = initSummaryOf(pod, sidecars);
  const total = longRunningContainersOf(spec).length;
  const isInitialized = isConditionTrue(status.conditions, "Initialized");
  const running = init.word === undefined || isInitialized
    ? runningSummaryOf(pod, init.word ?? baseWordOf(pod))
    : undefined;
  const counted = running
    ? [
      ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
      ...(status.containerStatuses ?? []),
    ]
    : status.initContainerStatuses ?? [];
  return {
    word: endingWordOf(pod) ?? running?.word ?? init.word ?? baseWordOf(pod),
    ready: init.ready + (running?.ready ?? 0),
    total,
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: latestOf(counted.map(({ lastState }) => lastState.terminated?.finishedAt)),
  };
}

function baseWordOf({ status }: Pod): string {
  const isGated = conditionOf(status.conditions, "PodScheduled")?.reason === "SchedulingGated";
  return isGated ? "SchedulingGated" : status.reason ?? status.phase;
}

function endingWordOf(pod: Pod): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (pod.status.reason === "NodeLost") return "Unknown";
  return isFinished(pod) ? undefined : "Terminating";
}

/** Where the init containers are: a word such as `Init:0/1` while they are not done. */
function initSummaryOf(
  { spec, status }: Pod,
  sidecars: ReadonlySet<string>,
): { word: string | undefined; ready: number } {
  const statuses = status.initContainerStatuses ?? [];
  let ready = 0;
  for (const [i, container] of statuses.entries()) {
    if (container.state.terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started) {
      if (container.ready) ready++;
      continue;
    }
    return {
      word: `Init:${initWordOf(container, i, containersInRoles(spec, "init", "sidecar").length)}`,
      ready,
    };
  }
  return { word: undefined, ready };
}

function initWordOf({ state }: ContainerStatus, i: number, count: number): string {
  if (state.terminated) return endWordOf(state.terminated);
  const reason = state.waiting?.reason;
  return reason && reason !== "PodInitializing" ? reason : `${i}/${count}`;
}

/** The first container that has something to say decides on the word. */
function runningSummaryOf({ status }: Pod, otherwise: string): { word: string; ready: number } {
  const statuses = status.containerStatuses ?? [];
  let word: string | undefined;
  for (const { state } of statuses) {
    word ??= state.waiting?.reason ?? (state.terminated && endWordOf(state.terminated));
  }
  const ready =
    statuses.filter((each) =>
      each.ready && each.state.running && !each.state.waiting?.reason && !each.state.terminated
    ).length;
  word ??= otherwise;
  if (word !== "Completed" || ready === 0) return { word, ready };
  return { word: isConditionTrue(status.conditions, "Ready") ? "Running" : "NotReady", ready };
}

function endWordOf({ reason, signal, exitCode }: {
  reason?: string;
  signal?: number;
  exitCode: number;
}): string {
  return reason ?? (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function restartsOf({ restarts, lastRestart }: Summary, nowMs: number): string {
  return restarts > 0 && lastRestart !== undefined
    ? `${restarts} (${humanDuration(nowMs - Date.parse(lastRestart))} ago)`
    : String(restarts);
}

function latestOf(times: readonly (string | undefined)[]): string | undefined {
  return times.reduce(
    (latest, time) =>
      time !== undefined && (latest === undefined || Date.parse(time) > Date.parse(latest))
        ? time
        : latest,
    undefined,
  );
}

function gatesOf({ spec, status }: Pod): string {
  if (!spec.readinessGates) return "<none>";
  const held = spec.readinessGates.filter(({ conditionType }) =>
    isConditionTrue(status.conditions, conditionType)
  );
  return `${held.length}/${spec.readinessGates.length}`;
}
