import { timestamp } from "../../core/lib/timestamp.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { conditionOf, withTransitionTime } from "../../core/resources/conditions.ts";
import type {
  ContainerStatus,
  PodCondition,
  PodStatus,
} from "../../core/resources/core/pods/pod_status.ts";
import { isFinished } from "../../core/resources/core/pods/pod_states.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { containerStatusOf, isStarting, type StatusInput } from "./container_status.ts";
import { isAnyRunning } from "./runs/container_runs.ts";
import { isOverdue } from "./next_step.ts";
import { withResizeConditions } from "./runs/resize_conditions.ts";
import { phaseOf, type ToldContainer } from "./runs/pod_phase.ts";
import type { ObservedPod, PodEviction, PodRejection } from "./runs/observed_pod.ts";

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
  const told = containersOf(pod.spec)
    .map((each) => ({ ...each, status: containerStatusOf(each, input) }));
  const end = isFinished(pod) ? undefined : forcedEndOf(observed, elapsedMs);
  const phase = end ? "Failed" : knownPhaseOf(pod, observed, told);
  const ip = podIPOf(pod, observed, node.hostIP);
  const { generation } = pod.metadata;
  return {
    ...pod.status,
    ...(generation !== undefined && { observedGeneration: generation }),
    phase,
    ...(end && { reason: end.reason, message: end.message }),
    conditions: withDisruption(conditionsOf(input, phase, told), end, input),
    hostIP: node.hostIP,
    hostIPs: [{ ip: node.hostIP }],
    ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
    startTime: pod.status.startTime ?? timestamp(nowMs),
    ...statusListsOf(told),
    qosClass: pod.status.qosClass ?? qosClassOf(pod.spec),
  };
}

const OVERDUE: PodRejection = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

/** Why a pod ends that is wanted. */
function forcedEndOf(
  observed: ObservedPod,
  elapsedMs: number,
): (PodRejection & Pick<PodEviction, "condition">) | undefined {
  return observed.eviction ?? (isOverdue(observed, elapsedMs) ? OVERDUE : undefined);
}

function withDisruption(
  conditions: PodCondition[],
  { condition }: Pick<PodEviction, "condition"> = {},
  { pod, nowMs }: StatusInput,
): PodCondition[] {
  if (condition === undefined) return conditions;
  const { type } = condition;
  const next = { ...condition, status: "True" as const, ...observedGenerationOf(pod) };
  const others = conditions.filter((each) => each.type !== type);
  return [...others, withTransitionTime(next, conditionOf(pod.status.conditions, type), nowMs)];
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

/** Init containers in the order in which they run, the others by name. */
function statusListsOf(told: readonly ToldContainer[]): Partial<PodStatus> {
  const inRoles = (...roles: readonly ToldContainer["role"][]) =>
    told.filter(({ role }) => roles.includes(role)).map(({ status }) => status);
  const byName = (a: ContainerStatus, b: ContainerStatus) => a.name < b.name ? -1 : 1;
  const init = inRoles("init", "sidecar");
  const ephemeral = inRoles("ephemeral").sort(byName);
  return {
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: inRoles("main").sort(byName),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
}

/** A finished phase stays. */
function knownPhaseOf(
  pod: Pod,
  observed: ObservedPod,
  told: readonly ToldContainer[],
): PodStatus["phase"] {
  if (isFinished(pod)) return pod.status.phase;
  const isTerminal = pod.metadata.deletionTimestamp !== undefined && !isAnyRunning(observed) &&
    !told.some(({ container }) => isStarting(observed, container.name));
  const hasBegun = told.some(({ role, container: { name } }) =>
    role === "main" && observed.containers.some((run) => run.name === name && !run.isCutOff)
  );
  const phase = phaseOf(pod, told, { isTerminal, hasBegun });
  // A pod that ends before all of its containers have run has failed.
  return isTerminal && phase !== "Succeeded" ? "Failed" : phase;
}

function podIPOf(pod: Pod, observed: ObservedPod, hostIP: string): string | undefined {
  if (pod.spec.hostNetwork) return hostIP;
  return observed.sandbox.state === "ready" ? observed.sandbox.ip : pod.status.podIP;
}

type Verdict = Pick<PodCondition, "status" | "reason" | "message">;

function conditionsOf(
  { pod, observed, nowMs }: StatusInput,
  phase: PodStatus["phase"],
  told: readonly ToldContainer[],
): PodCondition[] {
  const previous = pod.status.conditions ?? [];
  const containersReady = containersReadyOf(phase, told);
  const verdicts: Record<string, Verdict> = {
    PodReadyToStartContainers: { status: hasSandbox(observed) ? "True" : "False" },
    Initialized: initializedOf(phase, told),
    Ready: readyOf(pod, containersReady),
    ContainersReady: containersReady,
    ...(conditionOf(previous, "PodScheduled") === undefined &&
      { PodScheduled: { status: "True" } }),
  };
  const own = Object.entries(verdicts).map(([type, verdict]) => {
    const next = { type, ...verdict, ...observedGenerationOf(pod) };
    return withTransitionTime(next, conditionOf(previous, type), nowMs);
  });
  const others = previous.filter(({ type }) => !Object.hasOwn(verdicts, type));
  return [...own, ...withResizeConditions(others, pod, observed, nowMs)];
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

/** A pod whose main containers have started stays initialized, also while a sidecar starts again. */
function initializedOf(phase: PodStatus["phase"], told: readonly ToldContainer[]): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  const hasStarted = told.some(({ role, status: { state } }) =>
    role === "main" && (state.running || state.terminated)
  );
  const incomplete = told.filter(({ role, status: { ready, started } }) =>
    (role === "init" && !ready) || (role === "sidecar" && !started)
  );
  if (hasStarted || incomplete.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${namesOf(incomplete)}]`,
  };
}

function containersReadyOf(phase: PodStatus["phase"], told: readonly ToldContainer[]): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = told.filter(({ role, status }) =>
    (role === "main" || role === "sidecar") && !status.ready
  );
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${namesOf(unready)}]`,
  };
}

function namesOf(told: readonly ToldContainer[]): string {
  return told.map(({ container }) => container.name).join(" ");
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
