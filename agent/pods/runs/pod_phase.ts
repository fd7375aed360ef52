import type { ContainerStatus, PodStatus } from "../../../core/resources/core/pods/pod_status.ts";
import type { PodContainer } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { containersInRole } from "./init_progress.ts";
import { wantsRestart } from "./restart_rules.ts";

/** A container and what its status says. */
export interface ToldContainer extends PodContainer {
  readonly status: ContainerStatus;
}

/** What decides on the phase besides the containers. */
export interface PhaseFacts {
  /** Nothing of the pod runs any more, nor will. */
  isTerminal: boolean;
  /** A main container has run in the pod's present network. */
  hasBegun: boolean;
}

/**
 * The phase of a pod that is not known to be finished, from what its containers' statuses say: the kubelet's `getPhase`. Pure.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
 */
export function phaseOf(
  pod: Pod,
  told: readonly ToldContainer[],
  { isTerminal, hasBegun }: PhaseFacts,
): PodStatus["phase"] {
  const inRole = (role: PodContainer["role"]) => told.filter((each) => each.role === role);
  const [init, sidecars, main] = [inRole("init"), inRole("sidecar"), inRole("main")];
  const willRestart = (each: ToldContainer) =>
    wantsRestart(pod.spec, each, endOf(each.status)!.exitCode);
  if (init.some((each) => (endOf(each.status)?.exitCode ?? 0) !== 0 && !willRestart(each))) {
    return "Failed";
  }
  const isPending = init.some(({ status }) => endOf(status) === undefined) ||
    (!hasBegun && sidecars.some(({ status }) => isUnstarted(status))) ||
    [...sidecars, ...main].some(({ status }) => status.state.waiting && !endOf(status));
  if (isPending) return "Pending";
  if ([...sidecars, ...main].some(({ status }) => status.state.running)) return "Running";
  const ended = main.filter(({ status }) => endOf(status));
  if (ended.length < containersInRole(pod, "main").length) return "Pending";
  const phase = ended.every(({ status }) => status.state.terminated?.exitCode === 0)
    ? "Succeeded"
    : "Failed";
  return !isTerminal && ended.some(willRestart) ? "Running" : phase;
}

/** How a container last ended; `undefined` while it runs, and when it never did. */
function endOf({ state, lastState }: ContainerStatus): ContainerStatus["state"]["terminated"] {
  return state.terminated ?? (state.waiting && lastState.terminated);
}

function isUnstarted({ state, started, lastState }: ContainerStatus): boolean {
  if (state.running) return !started;
  return state.waiting !== undefined && lastState.terminated === undefined;
}
