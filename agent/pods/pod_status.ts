import { timestamp } from "../../core/lib/timestamp.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { conditionOf, withTransitionTime } from "../../core/resources/conditions.ts";
import type { PodCondition, PodStatus } from "../../core/resources/core/pods/pod_status.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { containersInRoles } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  containerStatusOf,
  initContainerStatusOf,
  isStarting,
  type StatusInput,
} from "./container_status.ts";
import { isAnyRunning } from "./container_runs.ts";
import { isOverdue } from "./next_step.ts";
import type { ObservedPod } from "./observed_pod.ts";
import type { PodRejection } from "./pod_rejection.ts";

type ContainerStatuses = NonNullable<PodStatus["containerStatuses"]>;

/**
 * The status of a pod as the kubelet writes it (`kubelet_pods.go`, `pkg/kubelet/status/generate.go`). Pure.
 *
 * Times of conditions change only with their status, a finished phase never changes, and what others
 * have written (further conditions) stays; so the same input gives an equal status.
 */
export function podStatusOf(input: StatusInput): PodStatus {
  const { pod, observed, nowMs, elapsedMs, node } = input;
  if (isFinished(pod) && wasNeverRun(input)) return pod.status;
  if (observed.rejection && !isFinished(pod)) return rejectedStatus(input, observed.rejection);
  const init = containersInRoles(pod.spec, "init", "sidecar");
  const statuses = containersInRoles(pod.spec, "main")
    .map((container) => containerStatusOf(container, input))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  const overdue = !isFinished(pod) && isOverdue(observed, elapsedMs);
  const phase = overdue ? "Failed" : phaseOf(pod, observed, statuses);
  const ip = podIPOf(pod, observed, node.hostIP);
  const { generation } = pod.metadata;
  return {
    ...pod.status,
    ...(generation !== undefined && { observedGeneration: generation }),
    phase,
    ...(overdue && {
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    }),
    conditions: conditionsOf(input, phase, statuses),
    hostIP: node.hostIP,
    hostIPs: [{ ip: node.hostIP }],
    ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
    startTime: pod.status.startTime ?? timestamp(nowMs),
    ...(init.length > 0 && {
      initContainerStatuses: init.map((each) => initContainerStatusOf(each, pod)),
    }),
    containerStatuses: statuses,
    qosClass: pod.status.qosClass ?? qosClassOf(pod.spec),
  };
}

function wasNeverRun({ pod, observed }: StatusInput): boolean {
  return pod.status.containerStatuses === undefined && observed.containers.length === 0;
}

/** What the kubelet writes of a pod that it never runs (`rejectPod`). */
function rejectedStatus({ pod, nowMs }: StatusInput, rejection: PodRejection): PodStatus {
  const { generation } = pod.metadata;
  return {
    ...pod.status,
    ...(generation !== undefined && { observedGeneration: generation }),
    phase: "Failed",
    reason: rejection.reason,
    message: `Pod was rejected: ${rejection.message}`,
    startTime: timestamp(nowMs),
    qosClass: pod.status.qosClass ?? qosClassOf(pod.spec),
  };
}

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase */
function phaseOf(pod: Pod, observed: ObservedPod, statuses: ContainerStatuses): PodStatus["phase"] {
  if (isFinished(pod)) return pod.status.phase;
  const running = statuses.filter(({ state }) => state.running).length;
  const ended = statuses.filter(({ state, lastState }) =>
    state.terminated || (state.waiting && lastState.terminated)
  );
  const hasEnded = pod.metadata.deletionTimestamp !== undefined && !isAnyRunning(observed) &&
    !statuses.some(({ name }) => isStarting(observed, name));
  if (hasEnded) return haveSucceeded(statuses) ? "Succeeded" : "Failed";
  if (running + ended.length < statuses.length) return "Pending";
  if (running > 0 || pod.spec.restartPolicy === "Always") return "Running";
  if (haveSucceeded(statuses)) return "Succeeded";
  return pod.spec.restartPolicy === "Never" ? "Failed" : "Running";
}

function haveSucceeded(statuses: ContainerStatuses): boolean {
  return statuses.every(({ state }) => state.terminated?.exitCode === 0);
}

function podIPOf(pod: Pod, observed: ObservedPod, hostIP: string): string | undefined {
  if (pod.spec.hostNetwork) return hostIP;
  return observed.sandbox.state === "ready" ? observed.sandbox.ip : pod.status.podIP;
}

type Verdict = Pick<PodCondition, "status" | "reason" | "message">;

function conditionsOf(
  { pod, observed, nowMs }: StatusInput,
  phase: PodStatus["phase"],
  statuses: ContainerStatuses,
): PodCondition[] {
  const previous = pod.status.conditions ?? [];
  const containersReady = containersReadyOf(phase, statuses);
  const verdicts: Record<string, Verdict> = {
    PodReadyToStartContainers: { status: hasSandbox(observed) ? "True" : "False" },
    Initialized: initializedOf(pod, phase),
    Ready: readyOf(pod, containersReady),
    ContainersReady: containersReady,
    ...(conditionOf(previous, "PodScheduled") === undefined &&
      { PodScheduled: { status: "True" } }),
  };
  const own = Object.entries(verdicts).map(([type, verdict]) => {
    const next = { type, ...verdict, ...observedGenerationOf(pod) };
    return withTransitionTime(next, conditionOf(previous, type), nowMs);
  });
  return [...own, ...previous.filter(({ type }) => !Object.hasOwn(verdicts, type))];
}

function observedGenerationOf(pod: Pod): { observedGeneration?: number } {
  const { generation } = pod.metadata;
  return generation === undefined ? {} : { observedGeneration: generation };
}

/** A pod that was adopted with running containers has its sandbox, though nothing was done for it yet. */
function hasSandbox(observed: ObservedPod): boolean {
  const { state } = observed.sandbox;
  return state === "ready" || (state === "unknown" && isAnyRunning(observed));
}

/** No init container is ever run here: a pod that has some is not initialized. */
function initializedOf({ spec }: Pod, phase: PodStatus["phase"]): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  const names = containersInRoles(spec, "init", "sidecar").map(({ name }) => name);
  if (names.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${names.join(" ")}]`,
  };
}

function containersReadyOf(phase: PodStatus["phase"], statuses: ContainerStatuses): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate */
function readyOf(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== "True") return containersReady;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = conditionOf(pod.status.conditions, conditionType);
    if (gate === undefined) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    }
    return gate.status === "True"
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  if (messages.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}
